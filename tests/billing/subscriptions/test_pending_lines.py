"""What was recorded after its period was billed is on the next invoice."""

from __future__ import annotations

from decimal import Decimal

import pytest

from billing.models import Grant, Invoice, PendingLine, Subscription
from billing.subscriptions import attach_plan, cancel_subscription, change_plan
from tests.billing.subscriptions.timeline import a_month_for, at, billed, metered, plan_of, run_until
from tests.factories import make_customer

pytestmark = pytest.mark.django_db

JANUARY, FEBRUARY, MARCH = (at(f"2026-0{month}-01T00:00") for month in (1, 2, 3))


@pytest.fixture
def subscription() -> Subscription:
    """A plan of 20 a month, in its second period, with 3.00 and 0.50 of the first one that were recorded late."""
    plan = plan_of(
        "pro",
        (
            metered("calls"),
            {
                "included": 100,
                "reset_interval": "month",
                "price_interval": "month",
                "price_amount": 1,
                "billing_method": "usage_based",
            },
        ),
        **a_month_for(20),
    )
    found = attach_plan(make_customer(), plan, at=JANUARY, done_by="test").subscription
    assert found is not None
    run_until(FEBRUARY)
    grant = Grant.objects.get()
    for quantity, amount in (("3", 300), ("0.5", 50)):
        PendingLine.objects.create(
            subscription=found, grant=grant, period_end=FEBRUARY, quantity=Decimal(quantity), amount=amount
        )
    found.refresh_from_db()
    return found


def last() -> Invoice:
    return Invoice.objects.latest("created_at", "number")


def test_the_next_renewal_bills_it_once(subscription: Subscription) -> None:
    run_until(MARCH)

    assert billed(last()) == [("usage", 350), ("base", 2000)]
    line = last().lines.get(kind="usage")
    assert (line.description, line.quantity) == (
        "calls: 3.5 used before Feb 1, 2026 and recorded after it",
        Decimal("3.5"),
    )
    assert set(PendingLine.objects.values_list("billed_at", flat=True)) == {MARCH}
    run_until(at("2026-04-01T00:00"))
    assert billed(last()) == [("base", 2000)]


def test_so_does_the_end(subscription: Subscription) -> None:
    cancel_subscription(subscription, at=at("2026-02-03T00:00"), at_once=True, done_by="test")

    assert billed(last()) == [("usage", 350)]
    assert not PendingLine.objects.filter(billed_at=None).exists()


def test_a_cancellation_at_period_end_bills_it_then(subscription: Subscription) -> None:
    cancel_subscription(subscription, at=at("2026-02-03T00:00"), done_by="test")
    assert PendingLine.objects.filter(billed_at=None).count() == 2
    run_until(MARCH)

    assert billed(last()) == [("usage", 350)]


def test_so_does_a_change_of_plan(subscription: Subscription) -> None:
    change_plan(subscription, plan_of("big", **a_month_for(40)), at=FEBRUARY, done_by="test")

    assert ("usage", 350) in billed(last())
    assert not PendingLine.objects.filter(billed_at=None).exists()
