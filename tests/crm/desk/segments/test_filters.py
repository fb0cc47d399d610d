"""The vocabulary: which customers each filter means, and how it is said."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from crm.desk.segments.filter import BadValue, FilterContext, NoUser
from crm.desk.segments.query import FILTERS, Forbidden, Query
from customers.models import Customer
from tests.desk import refresh_all_facts
from tests.factories import (
    make_activity,
    make_address,
    make_balance,
    make_customer,
    make_customer_tag,
    make_feature,
    make_grant,
    make_health_score,
    make_note,
    make_plan,
    make_relationship,
    make_rollover,
    make_subscription,
    make_tag,
    make_team,
    make_user,
)

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def found(address: str, user: User | None = None) -> set[str]:
    refresh_all_facts(NOW)
    customers = Query.read(QueryDict(address)).customers(FilterContext(user, NOW))
    names = list(customers.values_list("name", flat=True))
    assert len(names) == len(set(names))
    return set(names)


def named(name: str) -> Customer:
    return make_customer(name=name)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "all current customers"),
        ("status=active&status=suspended", "status Active or Suspended"),
        ("owner=me&owner=nobody&owner=mo", "account manager Me, None or mo"),
        ("mrr_from=500&mrr_currency=USD", "MRR over 500 USD"),
        ("mrr_from=99.50&mrr_to=2,000", "MRR over 99.5 and up to 2,000"),
        ("mrr=none", "no MRR"),
        ("mrr_currency=EUR", "some MRR in EUR"),
        ("balance=api", "a balance of api"),
        ("balance=api&balance_to=100", "api remaining up to 100"),
        ("balance=api&balance_figure=used&balance_from=80", "api used over 80%"),
        ("country=CH&country=AT", "in Switzerland or Austria"),
        ("renews=30", "renews within 30 days"),
        ("health_to=40", "health 40 or less"),
        ("quiet=60&contact_within=90", "contact in the last 90 days and no contact for 60 days"),
        ("tag=pilot&plan=pro", "tagged pilot, on plan pro"),
        ("created_at_from=2026-01-01", "created from Jan 1, 2026"),
        ("standing=all&subscription=past_due", "archived or not, subscription past due"),
    ],
)
def test_a_filter_is_said_in_words(address: str, words: str) -> None:
    assert Query.read(QueryDict(address)).words == words


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("status=gone", "Status: choose one of .*, not “gone”"),
        ("mrr_from=much", "MRR over: enter a number such as 500 or 99.50, not “much”"),
        ("mrr_from=NaN", "enter a number"),
        ("health_from=101", "enter a whole number from 0 to 100"),
        ("renews=0", "enter a whole number from 1"),
        ("quiet=²", "enter a whole number"),
        ("balance_from=3", "Choose the feature"),
        ("created_at_to=2026-02-30", "enter a date"),
        ("tag=a%00b", "unprintable character"),
        ("tag=" + "x" * 256, "enter at most 50 values"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(address: str, said: str) -> None:
    with pytest.raises(BadValue, match=said):
        Query.read(QueryDict(address))


def test_what_is_no_criterion_is_passed_over_and_the_rest_is_written_again() -> None:
    query = Query.read(QueryDict("q=word&o=1&status=active&tag=&status=inactive&p=3"))
    assert query.address == "status=active&status=inactive"
    assert Query.read(query.as_json()) == query


@pytest.mark.django_db
def test_status_standing_environment_and_creation() -> None:
    named("plain")
    Customer.objects.filter(pk=named("archived").pk).update(archived_at=NOW)
    make_customer(
        name="suspended", status="suspended", env="sandbox", created_at=datetime(2025, 1, 5, tzinfo=UTC)
    )
    make_customer(name="merged", merged_into=Customer.objects.get(name="plain"))
    assert found("") == {"plain", "suspended"}
    assert found("status=suspended&status=inactive") == {"suspended"}
    assert found("standing=archived") == {"archived"}
    assert found("standing=merged") == {"merged"}
    assert found("standing=all") == {"plain", "archived", "suspended", "merged"}
    assert found("env=sandbox") == {"suspended"}
    assert found("created_at_from=2025-01-05&created_at_to=2025-01-05") == {"suspended"}
    assert found("created_at_to=2025-01-04") == set()


@pytest.mark.django_db
def test_owners() -> None:
    me, colleague, other = (make_user(username=name) for name in ("me1", "colleague", "other"))
    make_team(members=[me, colleague])
    for owner in (me, colleague, other, None):
        make_relationship(customer=named(str(owner)), owner=owner)
    named("unknown")
    assert found("owner=me", me) == {"me1"}
    assert found("owner=team", me) == {"me1", "colleague"}
    assert found("owner=nobody") == {"None", "unknown"}
    assert found("owner=other&owner=me", me) == {"other", "me1"}
    assert found("owner=gone") == set()
    with pytest.raises(NoUser, match="no user is signed in"):
        found("owner=me")


@pytest.mark.django_db
def test_tags_and_countries() -> None:
    pilot, risk = make_tag(name="pilot"), make_tag(name="risk")
    both, one = named("both"), named("one")
    for customer, tag in ((both, pilot), (both, risk), (one, risk)):
        make_customer_tag(customer=customer, tag=tag)
    make_address(customer=both, country="AT", is_default=True)
    make_address(customer=one, country="AT")
    assert found("tag=pilot&tag=risk") == {"both", "one"}
    assert found("tag=pilot") == {"both"}
    assert found("country=at") == {"both"}


@pytest.mark.django_db
def test_plans_and_states_of_subscriptions() -> None:
    pro, basic = make_plan(plan_id="pro"), make_plan(plan_id="basic")
    make_subscription(customer=named("pro"), plan=pro, current_period_end=NOW + timedelta(days=20))
    make_subscription(customer=named("late"), plan=basic, past_due=True)
    make_subscription(customer=named("trial"), plan=pro, trial_ends_at=NOW + timedelta(days=1))
    make_subscription(
        customer=named("leaving"),
        plan=basic,
        canceled_at=NOW,
        expires_at=NOW + timedelta(days=5),
        current_period_end=NOW + timedelta(days=5),
    )
    make_subscription(customer=named("ended"), plan=pro, status="ended")
    assert found("plan=pro") == {"pro", "trial"}
    assert found("plan=pro&plan=basic&subscription=past_due&subscription=trial") == {"late", "trial"}
    assert found("subscription=ending") == {"leaving"}
    assert found("subscription=none") == {"ended"}
    assert found("renews=19") == set()
    assert found("renews=20") == {"pro"}


@pytest.mark.django_db
def test_mrr_in_major_units_of_each_currency() -> None:
    for name, currency, price in (
        ("dollars", "USD", "500.00"),
        ("cents", "USD", "500.01"),
        ("yen", "JPY", "500"),
        ("dinars", "KWD", "500.001"),
    ):
        plan = make_plan(currency=currency, price_amount=Decimal(price), price_interval="month")
        make_subscription(customer=named(name), plan=plan)
    both = named("both")
    for currency in ("USD", "JPY"):
        plan = make_plan(currency=currency, price_amount=Decimal(20), price_interval="month")
        make_subscription(customer=both, plan=plan)
    free = make_plan(price_amount=Decimal(0), price_interval="month")
    make_subscription(customer=named("free"), plan=free)
    Customer.objects.filter(pk=named("gone").pk).update(archived_at=NOW)
    make_customer(name="merged", merged_into=both)
    assert found("mrr=some") == {"dollars", "cents", "yen", "dinars", "both"}
    assert found("mrr=none") == {"free"}
    assert found("mrr=none&standing=all") == {"free", "gone", "merged"}
    assert found("mrr_from=500") == {"cents", "dinars"}
    assert found("mrr_from=499.999&mrr_to=500") == {"dollars", "yen"}
    assert found("mrr_from=499&mrr_to=500.0009") == {"dollars", "yen"}
    assert found("mrr_currency=JPY") == {"yen", "both"}
    assert found("mrr=none&mrr_currency=JPY") == {"dollars", "cents", "dinars", "free"}
    assert found("mrr_currency=XXX") == set()


@pytest.mark.django_db
def test_figures_of_a_balance() -> None:
    api = make_feature(feature_id="api")
    for name, granted, used in (("fresh", 100, 0), ("half", 100, 50), ("over", 100, 130)):
        balance = make_balance(customer=named(name), feature=api)
        make_grant(balance=balance, included_grant=Decimal(granted), usage=Decimal(used))
    # 100 and 10 carried over, of which 6 were used: granted 110, used 36, left 70 + 4.
    carried = make_balance(customer=named("carried"), feature=api)
    make_grant(balance=carried, included_grant=Decimal(100), usage=Decimal(30))
    make_rollover(balance=carried, granted=Decimal(10), left=Decimal(4))
    make_grant(balance=carried, included_grant=Decimal(900), usage=Decimal(0), ended_at=NOW)
    make_grant(balance=make_balance(customer=named("boundless"), feature=api), unlimited=True)
    make_grant(balance=make_balance(customer=named("other")), included_grant=Decimal(7))
    assert found("balance=api") == {"fresh", "half", "over", "carried", "boundless"}
    assert found("balance=api&balance_to=50") == {"half", "over"}
    assert found("balance=api&balance_from=73&balance_to=74") == {"carried"}
    assert found("balance=api&balance_figure=granted&balance_from=109.9") == {"carried"}
    assert found("balance=api&balance_figure=usage&balance_from=35&balance_to=36") == {"carried"}
    assert found("balance=api&balance_figure=used&balance_from=100") == {"over"}
    assert found("balance=api&balance_figure=used&balance_from=49&balance_to=50") == {"half"}


@pytest.mark.django_db
def test_health_and_contact() -> None:
    good, poor, quiet = named("good"), named("poor"), named("quiet")
    make_health_score(customer=good, score=80)
    make_health_score(customer=poor, score=30)
    make_health_score(customer=poor, score=90, day=date(2020, 1, 1), is_latest=False)
    make_activity(customer=good, happened_at=NOW - timedelta(days=3))
    make_activity(customer=quiet, happened_at=NOW + timedelta(days=3))
    make_note(customer=poor, created_at=NOW - timedelta(days=40))
    make_note(customer=quiet, created_at=NOW, origin="generated")
    assert found("health_from=80") == {"good"}
    assert found("health_from=30&health_to=79") == {"poor"}
    assert found("contact_within=7") == {"good"}
    assert found("quiet=30") == {"poor", "quiet"}
    assert found("quiet=60") == {"quiet"}


@pytest.mark.django_db
def test_what_one_may_not_see_one_cannot_ask() -> None:
    query = Query.read(QueryDict("mrr=some"))
    with pytest.raises(Forbidden, match="MRR"):
        query.customers(
            FilterContext(None, NOW), lambda permission: permission != "billing.view_subscription"
        )


@pytest.mark.django_db
def test_all_at_once_is_one_query() -> None:
    everything = (
        "status=active&owner=me&tag=a&plan=pro&subscription=active&mrr_from=1&mrr_currency=USD&balance=api"
        "&balance_from=1&country=TZ&renews=30&late=1&health_from=1&quiet=3&env=live&created_at_from=2020-01-01"
    )
    query = Query.read(QueryDict(everything))
    assert len(query.filters) == len(FILTERS) - 1
    customers = query.customers(FilterContext(make_user(), NOW))
    with CaptureQueriesContext(connection) as captured:
        assert list(customers) == []
    assert len(captured) == 1
    assert "DISTINCT" not in captured.captured_queries[0]["sql"]
