"""A customer that pays late is billed for its usage once, in the periods in which it was used."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from itertools import product

import pytest

from billing.invoices.payments import record_payment
from billing.models import Feature, Grant, Invoice, InvoiceLine, Subscription
from billing.subscriptions import attach_plan, cancel_subscription, change_plan
from billing.usage.deduct import UsageRequest
from billing.usage.record import record_usage
from billing.usage.record_many import record_usage_batch
from customers import clock
from tests.billing.subscriptions.timeline import (
    a_month_for,
    assert_adds_up,
    at,
    metered,
    plan_of,
    run_until,
)
from tests.examples import some_cases
from tests.factories import make_customer

pytestmark = pytest.mark.django_db

#: 12 in February and 13 in March, 3 in April, of which 10 a month are included.
USES = [
    ("2026-01-20T00:00", 15),
    ("2026-02-10T00:00", 5),
    ("2026-02-20T00:00", 7),
    ("2026-03-05T00:00", 4),
    ("2026-03-20T00:00", 9),
    ("2026-04-05T00:00", 3),
]


@pytest.fixture
def subscription(monkeypatch: pytest.MonkeyPatch) -> Subscription:
    """A plan of 20 a month with 10 calls; each further one costs 1. It is past due from February 15 on."""
    plan = plan_of(
        "pro",
        (
            metered("calls"),
            {
                "included": 10,
                "reset_interval": "month",
                "price_interval": "month",
                "price_amount": 1,
                "billing_method": "usage_based",
            },
        ),
        **a_month_for(20),
    )
    monkeypatch.setattr(clock, "now", lambda: at("2026-01-01T00:00"))
    found = attach_plan(make_customer(), plan, at=at("2026-01-01T00:00"), done_by="test").subscription
    assert found is not None
    return found


def live(
    subscription: Subscription,
    monkeypatch: pytest.MonkeyPatch,
    until: datetime,
    *,
    pays: str | None,
    in_bulk: bool,
) -> None:
    """Record the usage as it happens, renew every five days, and pay everything on a day."""
    moments = [(at(when), Decimal(amount)) for when, amount in USES]
    days = [at(f"2026-{month:02}-{day:02}T00:00") for month in range(1, 7) for day in (1, 5, 10, 15, 20, 25)]
    for now in days:
        if now > until:
            break
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        run_until(now)
        if pays is not None and now >= at(pays):
            for invoice in Invoice.objects.unpaid():
                record_payment(invoice, invoice.due, paid_at=now, done_by="test")
            run_until(now)
        for when, amount in moments:
            if when == now:
                request = UsageRequest(
                    customer_id=str(subscription.customer_id),
                    feature=Feature.objects.get(),
                    amount=amount,
                    at=when,
                    done_by="test",
                )
                if in_bulk:
                    record_usage_batch([request])
                else:
                    record_usage(request)


def overage() -> list[tuple[str, int]]:
    """The day of each invoice with overage, and what it bills for it."""
    lines = InvoiceLine.objects.filter(kind="usage").select_related("invoice")
    return sorted((f"{line.invoice.created_at:%m-%d}", line.amount) for line in lines)


@pytest.mark.parametrize(
    ("in_bulk", "pays"),
    some_cases(product([False, True], ["2026-01-01", "2026-03-01", "2026-03-10", "2026-05-10"]), one_in=3),
)
def test_each_period_bills_what_was_used_in_it(
    subscription: Subscription, monkeypatch: pytest.MonkeyPatch, pays: str, *, in_bulk: bool
) -> None:
    live(subscription, monkeypatch, at("2026-06-01T00:00"), pays=f"{pays}T00:00", in_bulk=in_bulk)

    assert overage() == [("02-01", 500), ("03-01", 200), ("04-01", 300)]
    assert Grant.objects.get().usage == 0
    assert_adds_up()


def test_after_the_payment_the_balance_is_that_of_the_open_period(
    subscription: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(subscription, monkeypatch, at("2026-03-20T00:00"), pays="2026-03-10T00:00", in_bulk=False)

    assert Grant.objects.get().usage == 13
    assert Grant.objects.get().next_reset_at == at("2026-04-01T00:00")


def test_a_change_of_plan_while_past_due_bills_the_same(
    subscription: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(subscription, monkeypatch, at("2026-03-25T00:00"), pays=None, in_bulk=False)

    change_plan(subscription, plan_of("big", **a_month_for(40)), at=at("2026-03-25T00:00"), done_by="test")

    assert sum(amount for _, amount in overage()) == 500 + 200 + 300
    assert_adds_up()


@pytest.mark.parametrize("at_once", [True, False])
def test_a_cancellation_while_past_due_bills_the_same(
    subscription: Subscription, monkeypatch: pytest.MonkeyPatch, *, at_once: bool
) -> None:
    live(subscription, monkeypatch, at("2026-03-25T00:00"), pays=None, in_bulk=False)
    subscription.refresh_from_db()
    assert subscription.past_due

    cancel_subscription(subscription, at=at("2026-03-25T00:00"), at_once=at_once, done_by="test")
    run_until(at("2026-05-01T00:00"))

    # February's 2 and March's 3 are on the last invoice.
    assert sum(amount for _, amount in overage()) == 500 + 200 + 300
    assert not Grant.objects.filter(ended_at=None).exists()
    assert_adds_up()
