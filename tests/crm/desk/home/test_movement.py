"""How revenue moved, month by month."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from crm.desk.home.movement import Movement, movements, refresh_movements
from crm.models import RevenueMonth
from customers import clock
from customers.models import Customer
from tests.factories import make_customer, make_plan, make_relationship, make_subscription, make_user

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 4, 15, 12, tzinfo=UTC)
FEBRUARY, MARCH, APRIL = date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def at(month: int, day: int) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC)


def subscribe(
    customer: Customer, price: int, start: datetime, end: datetime | None = None, **fields: Any
) -> None:
    plan = make_plan(price_amount=Decimal(price), price_interval="month", currency="USD")
    status = "ended" if end is not None and end <= NOW else "active"
    make_subscription(
        customer=customer, plan=plan, started_at=start, expires_at=end, status=status, quantity=1, **fields
    )


def found() -> dict[date, Movement]:
    refresh_movements()
    return movements(None).of_currency["USD"]


def test_revenue_is_new_then_expands_contracts_and_churns() -> None:
    grower, shrinker, leaver, newcomer = (make_customer() for _ in range(4))
    subscribe(grower, 100, at(1, 5), at(3, 10))
    subscribe(grower, 250, at(3, 10))
    subscribe(shrinker, 80, at(1, 5), at(4, 2))
    subscribe(shrinker, 30, at(4, 2))
    subscribe(leaver, 60, at(1, 20), at(3, 31))
    subscribe(newcomer, 40, at(2, 14))
    moved = found()
    assert moved[date(2026, 1, 1)] == Movement(mrr=24000, new=24000, customers=3, won=3)
    assert moved[FEBRUARY] == Movement(mrr=28000, new=4000, customers=4, won=1)
    assert moved[MARCH] == Movement(mrr=37000, expansion=15000, churn=6000, customers=3, lost=1)
    assert moved[APRIL] == Movement(mrr=32000, contraction=5000, customers=3)


def test_every_month_goes_on_from_the_one_before() -> None:
    for number in range(6):
        customer = make_customer()
        subscribe(customer, 10 + number, at(1 + number % 3, 3), at(3, 4 + number) if number % 2 else None)
    months = [movement for _, movement in sorted(found().items())]
    for before, month in itertools.pairwise(months):
        gained = month.new + month.expansion - month.contraction - month.churn
        assert month.mrr == before.mrr + gained


def test_a_trial_brings_in_nothing_until_it_is_over() -> None:
    subscribe(make_customer(), 50, at(2, 20), trial_ends_at=at(3, 6))
    moved = found()
    assert (moved[FEBRUARY].mrr, moved[MARCH].new) == (0, 5000)


def test_currencies_stay_apart() -> None:
    customer = make_customer()
    for currency, price in (("USD", 10), ("JPY", 3000)):
        plan = make_plan(price_amount=Decimal(price), price_interval="month", currency=currency)
        make_subscription(customer=customer, plan=plan, started_at=at(3, 3), quantity=1)
    refresh_movements()
    assert {currency: months[APRIL].mrr for currency, months in movements(None).of_currency.items()} == {
        "JPY": 3000,
        "USD": 1000,
    }


def test_an_account_managers_revenue_is_that_of_their_customers() -> None:
    ours, theirs, nobodys = (make_customer() for _ in range(3))
    me, colleague = make_user(), make_user()
    make_relationship(customer=ours, owner=me)
    make_relationship(customer=theirs, owner=colleague)
    for customer, price in ((ours, 100), (theirs, 20), (nobodys, 3)):
        subscribe(customer, price, at(3, 3))
    refresh_movements()
    sums = [
        movements(owners).of_currency["USD"][APRIL].mrr for owners in ([me.pk], [me.pk, colleague.pk], None)
    ]
    assert sums == [10000, 12000, 12300]


def test_worked_out_twice_it_is_there_once() -> None:
    subscribe(make_customer(), 100, at(3, 3))
    first = refresh_movements()
    assert (refresh_movements(), RevenueMonth.objects.count()) == (first, first)


def test_a_merged_customers_revenue_is_the_survivors() -> None:
    survivor = make_customer()
    merged = make_customer(merged_into=survivor)
    subscribe(survivor, 100, at(2, 3))
    # As merging leaves it: the row is the survivor's.
    subscribe(survivor, 50, at(2, 3), came_with=merged)
    assert found()[APRIL] == Movement(mrr=15000, customers=1)
