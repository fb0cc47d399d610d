"""What `doctor` says about facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billing.doctor import Finding
from billing.models import ExchangeRate
from crm.desk.refresh import record_refresh
from crm.doctor import check_facts
from crm.models import BalanceFacts, CurrencyFacts, CustomerFacts, SubscriptionFacts
from customers import clock
from customers.models import Customer, CustomerChange
from tests.desk import refresh_all_facts
from tests.factories import make_balance, make_customer, make_grant, make_plan, make_subscription

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def customer() -> Customer:
    """A customer with facts, about whom nothing waits in the outbox."""
    customer = make_customer(name="Acme", created_at=datetime(2020, 1, 1, tzinfo=UTC))
    plan = make_plan(plan_id="pro", price_amount=Decimal(20), currency="USD", price_interval="month")
    make_subscription(customer=customer, plan=plan)
    make_grant(balance=make_balance(customer=customer), included_grant=Decimal(9), usage=Decimal(0))
    refresh_all_facts()
    record_refresh(clock.now())
    CustomerChange.objects.all().delete()
    return customer


def findings() -> list[Finding]:
    return list(check_facts(lambda rows: None))


def test_facts_that_are_right_are_not_reported(customer: Customer) -> None:
    BalanceFacts.objects.update(per_day=3, runs_out_at=clock.now())
    assert findings() == []


def test_each_figure_that_differs_is_named(customer: Customer) -> None:
    CustomerFacts.objects.update(plans=["old"], is_past_due=True)
    CurrencyFacts.objects.update(mrr=1999)
    CurrencyFacts.objects.create(customer=customer, currency="JPY", due=5)
    BalanceFacts.objects.update(remaining=8)
    [finding] = findings()
    assert (finding.row, finding.name) == (customer.pk, "Acme")
    for words in (
        "plans is old, but should be pro",
        "past due is yes, but should be no",
        "MRR in USD is $19.99, but should be $20.00",
        "the row in JPY should not be stored",
        f"remaining of {BalanceFacts.objects.get().pk} is 8, but should be 9",
    ):
        assert words in finding.what


def test_missing_facts_and_late_ones_are_named_and_waiting_ones_are_not(customer: Customer) -> None:
    CustomerFacts.objects.update(due_at=clock.now() - 2 * DAY)
    assert ["its facts were due on" in each.what for each in findings()] == [True]
    # Time has changed something, and the refresh comes.
    CustomerFacts.objects.update(due_at=clock.now() - DAY / 2, plans=["old"])
    assert findings() == []
    CustomerFacts.objects.all().delete()
    assert [each.what for each in findings()] == ["it has no facts"]
    customer.save()
    assert findings() == []


def test_what_lists_sort_by_is_compared(customer: Customer) -> None:
    SubscriptionFacts.objects.update(plan_sort="old", mrr_sort=None)
    BalanceFacts.objects.update(feature_sort="")
    [finding] = findings()
    row = SubscriptionFacts.objects.get()
    for words in (
        f"plan to sort by of {row.pk} is old, but should be ",
        f"MRR to sort by of {row.pk} is nothing, but should be 2,000",
        f"feature to sort by of {BalanceFacts.objects.get().pk} is nothing, but should be ",
    ):
        assert words in finding.what


def test_amounts_that_move_with_exchange_rates_are_not_compared(customer: Customer) -> None:
    ExchangeRate.objects.create(currency="EUR", to_currency="USD", day=clock.now().date(), rate=2)
    SubscriptionFacts.objects.update(mrr_sort=1)
    assert findings() == []
