"""The facts of customers: what is kept, when it is written, and when time makes a customer due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.desk.facts.refresh import refresh_facts
from crm.desk.refresh import is_anyone_due, refresh_all, refresh_customers, refresh_due
from crm.models import BalanceFacts, CurrencyFacts, CustomerFacts
from customers.models import Customer
from tests.factories import (
    make_activity,
    make_balance,
    make_customer,
    make_feature,
    make_grant,
    make_health_score,
    make_invoice,
    make_note,
    make_plan,
    make_rollover,
    make_subscription,
    make_task,
    make_worklist_decision,
)

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
#: So old that neither tenure nor contact changes its health from now on.
OLD = datetime(2020, 1, 1, tzinfo=UTC)


def facts(customer: Customer, at: datetime = AT) -> CustomerFacts:
    refresh_facts([str(customer.pk)], at)
    return CustomerFacts.objects.get(pk=customer.pk)


def test_subscriptions_contact_and_health() -> None:
    customer = make_customer()
    pro, seats = make_plan(plan_id="pro"), make_plan(plan_id="seats")
    make_subscription(
        customer=customer, plan=pro, position=1, current_period_end=AT + 20 * DAY, past_due=True
    )
    make_subscription(
        customer=customer,
        plan=seats,
        position=0,
        current_period_end=AT + 5 * DAY,
        canceled_at=AT,
        expires_at=AT + 5 * DAY,
    )
    make_subscription(customer=customer, plan=pro, position=2, trial_ends_at=AT + 3 * DAY)
    make_subscription(customer=customer, plan=make_plan(plan_id="old"), status="ended")
    make_activity(customer=customer, happened_at=AT - 9 * DAY)
    make_activity(customer=customer, happened_at=AT + DAY)
    make_note(customer=customer, created_at=AT - 2 * DAY, origin="generated")
    make_health_score(customer=customer, score=61, day=AT.date())
    found = facts(customer)
    assert found.plans == ["seats", "pro"]
    assert (found.is_active, found.is_scheduled, found.is_past_due, found.is_ending) == (
        True,
        False,
        True,
        True,
    )
    assert (found.trial_ends_at, found.renews_at) == (AT + 3 * DAY, AT + 20 * DAY)
    assert (found.last_contact_at, found.health_score) == (AT - 9 * DAY, 61)


def test_money_is_kept_by_currency() -> None:
    customer = make_customer()
    plan = make_plan(plan_id="pro", currency="USD", price_amount=Decimal("49.00"), price_interval="month")
    make_subscription(customer=customer, plan=plan, started_at=AT - 40 * DAY)
    for number, (currency, total, paid, due_at, status) in enumerate(
        (
            ("USD", 5000, 1000, AT - 12 * DAY, "open"),
            ("USD", 700, 0, AT + 3 * DAY, "open"),
            ("USD", 300, 500, AT - DAY, "open"),
            ("KWD", 14700, 0, AT - 2 * DAY, "open"),
            ("KWD", 99, 0, AT - 90 * DAY, "void"),
        )
    ):
        make_invoice(
            customer=customer,
            stripe_id=f"in_{number}",
            currency=currency,
            total=total,
            paid=paid,
            due_at=due_at,
            status=status,
        )
    assert facts(customer).oldest_due_at == AT - 12 * DAY
    rows = CurrencyFacts.objects.filter(customer=customer).values_list("currency", "mrr", "due", "past_due")
    assert list(rows) == [("KWD", 0, 14700, 14700), ("USD", 4900, 4700, 4000)]


def test_balances_have_their_figures_and_the_customer_the_lowest() -> None:
    customer = make_customer()
    api, seats = make_feature(feature_id="api"), make_feature(feature_id="seats")
    third = make_balance(customer=customer, feature=api)
    make_grant(balance=third, included_grant=Decimal(2), usage=Decimal(1))
    make_rollover(balance=third, granted=Decimal(1), left=Decimal(1))
    make_grant(balance=make_balance(customer=customer, feature=seats), unlimited=True)
    make_grant(
        balance=make_balance(customer=customer, feature=make_feature(type="boolean")),
        included_grant=Decimal(1),
    )
    found = facts(customer)
    assert (found.lowest_balance, found.lowest_percent) == (third, 66)
    stored = {row.feature.feature_id: row for row in BalanceFacts.objects.select_related("feature")}
    assert set(stored) == {"api", "seats"}
    assert (stored["api"].granted, stored["api"].remaining, stored["api"].usage) == (3, 2, 1)
    assert stored["api"].used_percent == Decimal("33.3333333334")
    assert (stored["seats"].unlimited, stored["seats"].used_percent) == (True, None)


def test_only_what_differs_is_written() -> None:
    customer = make_customer(created_at=OLD)
    key = [str(customer.pk)]
    assert refresh_facts(key, AT) == 1
    assert refresh_facts(key, AT + DAY) == 0
    subscription = make_subscription(
        customer=customer, plan=make_plan(price_amount=5, price_interval="month")
    )
    assert refresh_facts(key, AT + 2 * DAY) == 1
    assert CustomerFacts.objects.get().computed_at == AT + 2 * DAY
    assert CurrencyFacts.objects.get().mrr == 500
    subscription.delete()
    assert refresh_facts(key, AT + 3 * DAY) == 1
    assert not CurrencyFacts.objects.exists()


def test_a_merged_customer_has_none_and_an_archived_one_has() -> None:
    stays, archived, merged = make_customer(), make_customer(archived_at=AT), make_customer()
    Customer.objects.filter(pk=merged.pk).update(merged_into=stays)
    refresh_facts([str(each.pk) for each in (stays, archived, merged)], AT)
    assert set(CustomerFacts.objects.values_list("customer", flat=True)) == {stays.pk, archived.pk}


@pytest.mark.parametrize(
    ("make", "due"),
    [
        (lambda customer: None, None),
        (lambda customer: make_subscription(customer=customer, trial_ends_at=AT + 90 * DAY), 83 * DAY),
        (lambda customer: make_subscription(customer=customer, current_period_end=AT + 90 * DAY), 60 * DAY),
        (lambda customer: make_subscription(customer=customer, expires_at=AT + 9 * DAY), 9 * DAY),
        (lambda customer: make_invoice(customer=customer, status="open", due_at=AT + 9 * DAY), 9 * DAY),
        (lambda customer: make_activity(customer=customer, happened_at=AT + 9 * DAY), 9 * DAY),
        (
            lambda customer: make_grant(balance=make_balance(customer=customer), expires_at=AT + 9 * DAY),
            9 * DAY,
        ),
        (
            lambda customer: make_worklist_decision(
                customer=customer, decision="snoozed", until=AT + 9 * DAY
            ),
            9 * DAY,
        ),
        # From here on at a midnight, 12 hours before noon.
        (lambda customer: make_task(customer=customer, due_on=(AT + 9 * DAY).date()), 8.5 * DAY),
        (lambda customer: make_invoice(customer=customer, status="open", due_at=AT - DAY), 0.5 * DAY),
        (
            lambda customer: make_health_score(customer=customer, day=(AT - 3 * DAY).date(), is_latest=False),
            26.5 * DAY,
        ),
        # 10 points for contact, evenly fewer from day 14 to day 90: 13/76 of them, 1.71, on day 77, 12/76, 1.58, on day
        # 78, which is 2 too, and 11/76, 1.45, on day 79.
        (lambda customer: make_activity(customer=customer, happened_at=AT - 77 * DAY), 1.5 * DAY),
    ],
)
def test_the_next_moment_at_which_time_changes_something(
    make: Callable[[Customer], object], due: timedelta | None
) -> None:
    customer = make_customer(created_at=OLD)
    make(customer)
    assert facts(customer).due_at == (None if due is None else AT + due)


def test_who_is_due_is_refreshed_and_then_is_not_due() -> None:
    idle, trying = make_customer(created_at=OLD), make_customer(created_at=OLD)
    plan = make_plan(price_amount=7, price_interval="month")
    make_subscription(customer=trying, plan=plan, trial_ends_at=AT + 5 * DAY)
    list(refresh_all(AT))
    assert set(CustomerFacts.objects.values_list("customer", flat=True)) == {idle.pk, trying.pk}
    assert not CurrencyFacts.objects.exists()
    assert refresh_due(AT) == []
    assert not is_anyone_due(AT)
    later = AT + 5 * DAY
    assert refresh_due(later) == [trying.pk]
    done = refresh_customers(refresh_due(later), later)
    assert (done.customers, done.failed) == (1, [])
    assert CurrencyFacts.objects.get().mrr == 700
    assert refresh_due(later) == []


def test_queries_do_not_grow_with_customers() -> None:
    plan, feature = make_plan(), make_feature()
    keys: list[str] = []
    counts: list[int] = []
    for size in (1, 3):
        while len(keys) < size:
            customer = make_customer()
            make_subscription(customer=customer, plan=plan)
            make_grant(balance=make_balance(customer=customer, feature=feature), included_grant=Decimal(9))
            make_invoice(customer=customer, status="open", due_at=AT)
            keys.append(str(customer.pk))
        refresh_facts(keys, AT)
        with CaptureQueriesContext(connection) as captured:
            refresh_facts(keys, AT)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 45
