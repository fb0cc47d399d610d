"""The admin of billing shows figures, money and states as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.formats import every, money, unit_price
from billing.models import Plan
from customers.formats import number
from tests.admin_forms import form_data
from tests.factories import (
    make_balance,
    make_credit_cost,
    make_customer,
    make_feature,
    make_grant,
    make_invoice,
    make_invoice_line,
    make_plan,
    make_plan_item,
    make_rollover,
    make_subscription,
    make_user,
)

NOW = timezone.now()
PAST, FUTURE = NOW - timedelta(days=1), NOW + timedelta(days=1)


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user())
    return client


def shown(client: Client, list_name: str, column: str, query: str = "") -> list[str]:
    """What a column of a list says, row by row."""
    changelist = client.get(reverse(f"admin:billing_{list_name}_changelist") + query).context["cl"]
    return [getattr(changelist.model_admin, column)(row) for row in changelist.result_list]


def test_figures_have_thousands_and_no_idle_zeros() -> None:
    values = ["1234567.5000000000", "20", "0.0000000001", "-3.10"]
    assert [number(Decimal(value)) for value in values] == ["1,234,567.5", "20", "0.0000000001", "-3.1"]
    assert number(None) == "-"
    assert unit_price(Decimal("1999.5000"), "USD") == "$1,999.50"
    assert unit_price(None, "USD") == "-"


def test_money_has_the_digits_of_its_currency() -> None:
    assert [money(123456, "USD"), money(5000, "JPY"), money(1234567, "KWD"), money(-5, "EUR")] == [
        "$1,234.56",
        "¥5,000",
        "KWD 1,234.567",
        "-€0.05",
    ]
    assert money(1234, "QQQ") == "1,234 minor units of QQQ"


def test_intervals_are_words() -> None:
    assert [every("month", None), every("month", 1), every("month", 3), every("", None)] == [
        "month",
        "month",
        "3 months",
        "-",
    ]
    assert every("semi_annual", None) == "half-year"


@pytest.mark.django_db
def test_a_balance_is_the_sum_of_what_counts(client: Client) -> None:
    balance = make_balance()
    make_grant(balance=balance, included_grant=Decimal(1000), usage=Decimal("250.5"), next_reset_at=FUTURE)
    make_grant(balance=balance, included_grant=Decimal(7), ended_at=PAST)
    make_grant(balance=balance, included_grant=Decimal(7), expires_at=PAST)
    make_rollover(balance=balance, granted=Decimal(10), left=Decimal(4))
    make_rollover(balance=balance, granted=Decimal(10), left=Decimal(4), expires_at=PAST)
    for column, text in (
        ("granted", "1,010"),
        ("used", "256.5"),
        ("remaining", "753.5"),
        ("level", "Available"),
    ):
        assert shown(client, "balance", column) == [text]


@pytest.mark.django_db
def test_the_level_of_a_balance_is_told_in_a_word(client: Client) -> None:
    for usage in (0, 100, 101):
        make_grant(included_grant=Decimal(100), usage=Decimal(usage))
    make_grant(unlimited=True, usage=Decimal(5))
    make_balance()
    assert sorted(shown(client, "balance", "level")) == [
        "Available",
        "Out",
        "Out",
        "Overage",
        "Unlimited",
    ]


@pytest.mark.django_db
def test_the_state_of_a_subscription_is_told_in_a_word_and_filtered(client: Client) -> None:
    states = {
        "active": make_subscription(trial_ends_at=PAST),
        "trialing": make_subscription(trial_ends_at=FUTURE),
        "past_due": make_subscription(past_due=True),
        "canceling": make_subscription(canceled_at=PAST),
        "scheduled": make_subscription(status="scheduled"),
        "ended": make_subscription(status="ended", past_due=True),
    }
    words = ["Active", "Trial", "Past due", "Canceling", "Scheduled", "Ended"]
    assert sorted(shown(client, "subscription", "state")) == sorted(words)
    for state, word in zip(states, words, strict=True):
        if state != "active":
            assert shown(client, "subscription", "state", f"?state={state}") == [word]
    assert len(shown(client, "subscription", "state", "?state=active")) == 4
    assert shown(client, "subscription", "state", "?state=nonsense") == []


@pytest.mark.django_db
def test_an_invoice_is_overdue_when_it_should_have_been_paid(client: Client) -> None:
    make_invoice(status="open", due_at=PAST)
    make_invoice(status="open", due_at=FUTURE)
    make_invoice(status="paid", due_at=PAST)
    make_invoice(status="something new")
    assert sorted(shown(client, "invoice", "state")) == ["Open", "Paid", "Past due", "something new"]
    assert shown(client, "invoice", "state", "?status=overdue") == ["Past due"]
    assert sorted(shown(client, "invoice", "state", "?status=open")) == ["Open", "Past due"]


@pytest.mark.django_db
def test_an_invoice_shows_its_lines_and_opens_no_script(client: Client) -> None:
    invoice = make_invoice(currency="JPY", total=5000, hosted_invoice_url="javascript:alert(1)")
    make_invoice_line(invoice=invoice, description="Seats", amount=5000, quantity=Decimal(3))
    page = client.get(reverse("admin:billing_invoice_change", args=[invoice.pk])).content.decode()
    assert page.count("¥5,000") == 2
    assert 'href="javascript' not in page


@pytest.mark.django_db
def test_what_plan_and_version_it_is_is_chosen_once(client: Client) -> None:
    plan = make_plan(plan_id="pro")
    url = reverse("admin:billing_plan_change", args=[plan.pk])
    assert (
        client.post(url, form_data(client.get(url), plan_id="other", version="9", name="New")).status_code
        == 302
    )
    plan.refresh_from_db()
    assert (plan.plan_id, plan.version, plan.name) == ("pro", 1, "New")


@pytest.mark.django_db
def test_a_plan_item_can_be_added_and_taken_away_with_its_plan(client: Client) -> None:
    plan, feature = make_plan(), make_feature()
    item = make_plan_item(plan=plan)
    url = reverse("admin:billing_plan_change", args=[plan.pk])
    data = form_data(
        client.get(url),
        **{
            "items-0-DELETE": "on",
            "items-TOTAL_FORMS": "2",
            "items-1-plan": plan.pk,
            "items-1-feature": feature.pk,
            "items-1-included": "5.5",
            "items-1-price_tiers": '[{"to": 100, "amount": 0.1}, {"to": "inf", "amount": 0.05}]',
            "items-1-price_interval": "month",
            "items-1-billing_units": "1",
            "items-1-billing_method": "usage_based",
        },
    )
    answer = client.post(url, data)
    assert answer.status_code == 302, answer.context["errors"]
    (added,) = plan.items.all()
    assert added.pk != item.pk
    assert (added.feature, added.included) == (feature, Decimal("5.5"))
    assert added.price_tiers == [{"to": 100, "amount": 0.1}, {"to": "inf", "amount": 0.05}]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("currency", "is_right"), [("USD", True), ("usd", False), ("US", False), ("U1D", False)]
)
def test_a_currency_is_an_iso_code(currency: str, is_right: bool, client: Client) -> None:
    url = reverse("admin:billing_plan_add")
    answer = client.post(
        url, form_data(client.get(url), plan_id="pro", version="1", name="Pro", currency=currency)
    )
    assert answer.status_code == (302 if is_right else 200)
    assert Plan.objects.count() == is_right


@pytest.mark.django_db
def test_a_credit_system_lists_what_features_cost(client: Client) -> None:
    cost = make_credit_cost(credit_cost=Decimal("0.5"))
    page = client.get(reverse("admin:billing_feature_change", args=[cost.credit_system.pk]))
    assert form_data(page)["credit_costs-0-credit_cost"] == "0.5"


@pytest.mark.django_db
def test_the_viewer_reads_figures_without_idle_zeros() -> None:
    subscription = make_subscription(customer=make_customer(), quantity=Decimal(1250))
    client = Client()
    client.force_login(make_user("Viewer"))
    page = client.get(reverse("admin:billing_subscription_change", args=[subscription.pk])).content.decode()
    assert "1250.0000000000" not in page
    assert ">1250<" in page.replace(",", "")


@pytest.mark.django_db
def test_a_list_shows_days_and_is_sorted_by_their_moments(client: Client) -> None:
    late, early = (
        make_invoice(status="open", due_at=datetime(2030, 1, 5, hour, tzinfo=UTC)) for hour in (23, 1)
    )
    url = reverse("admin:billing_invoice_changelist")
    names = [getattr(name, "__name__", name) for name in client.get(url).context["cl"].list_display]
    column = names.index("due_at")
    for order, expected in ((f"{column}", [early, late]), (f"-{column}", [late, early])):
        response = client.get(url, {"o": order})
        assert list(response.context["cl"].result_list) == expected
    assert response.content.decode().count("Jan 5, 2030") == 2


@pytest.mark.django_db
def test_a_field_shows_no_midnight_and_no_id_in_small_letters(client: Client) -> None:
    invoice = make_invoice(
        due_at=datetime(2030, 1, 5, tzinfo=UTC), issued_at=datetime(2030, 1, 2, 9, 30, tzinfo=UTC)
    )
    page = client.get(reverse("admin:billing_invoice_change", args=[invoice.pk])).content.decode()
    assert "Jan 5, 2030" in page
    assert "Jan 2, 2030, 09:30" in page
    assert "00:00" not in page
    assert ">ID<" in "".join(page.split())
