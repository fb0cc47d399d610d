"""The conditions in SQL on what is due, held to `billing.rules.due_events` on random rows."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from billing.models import Grant, Rollover, Subscription
from billing.rules.due_events import DueKind, due_since
from billing.subscriptions import due_customers
from billing.subscriptions.unit_of_work import open_units
from customers.models import Customer
from tests.billing.subscriptions.timeline import at
from tests.factories import (
    make_balance,
    make_customer,
    make_feature,
    make_grant,
    make_invoice,
    make_plan,
    make_rollover,
    make_subscription,
)

pytestmark = pytest.mark.django_db

NOW = at("2026-03-01T10:00")
INSTANT = timedelta(microseconds=1)
#: On both sides of now, and now itself.
MOMENTS = (None, NOW - timedelta(days=40), NOW - INSTANT, NOW, NOW + INSTANT, NOW + timedelta(days=40))
CUSTOMERS = 25


def one_customer(chance: random.Random, plan: Any, feature: Any) -> None:
    """A customer with a subscription, a grant, perhaps a rollover and an invoice, each anything at all."""
    customer = make_customer()
    moment = lambda: chance.choice(MOMENTS)  # noqa: E731
    flip = lambda: chance.random() < 0.5  # noqa: E731
    subscription = make_subscription(
        customer=customer,
        plan=plan,
        status=chance.choice(Subscription.Status.values),
        started_at=moment() or NOW - timedelta(days=400),
        current_period_end=moment(),
        trial_ends_at=moment(),
        expires_at=moment(),
        past_due=flip(),
        billed_here=flip(),
    )
    balance = make_balance(customer=customer, feature=feature)
    grant = make_grant(
        balance=balance,
        subscription=subscription if flip() else None,
        reset_interval=chance.choice(["", "one_off", "multiple", "day", "month"]),
        next_reset_at=moment(),
        expires_at=moment(),
        ended_at=chance.choice([None, None, NOW - timedelta(days=1)]),
    )
    if flip():
        make_rollover(
            balance=balance, grant=grant, expires_at=moment(), ended_at=chance.choice([None, None, NOW])
        )
    if flip():
        make_invoice(
            customer=customer,
            subscription=subscription if chance.random() < 0.8 else None,
            status=chance.choice(["open", "open", "open", "paid", "void"]),
            due_at=moment(),
            removed_at=chance.choice([None, None, None, NOW]),
        )


@pytest.mark.parametrize("reset_past_due", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_the_database_finds_what_is_due_as_the_rules_say(
    settings: Settings, seed: int, reset_past_due: bool
) -> None:
    settings.RESET_PAST_DUE = reset_past_due
    chance = random.Random(seed)
    plan, feature = make_plan(), make_feature()
    for _ in range(CUSTOMERS):
        one_customer(chance, plan, feature)
    units = open_units(map(str, Customer.objects.values_list("pk", flat=True)), done_by="test")
    wanted = {unit.key for unit in units if any(event.at <= NOW for event in unit.due_events())}
    assert 0 < len(wanted) < CUSTOMERS
    assert due_customers(NOW) == sorted(wanted)

    def due(rows: Any, *kinds: DueKind) -> set[Any]:
        return {row for row in rows if any(due_since(row.due_events(), kind, NOW) for kind in kinds)}

    of_subscriptions = (DueKind.START, DueKind.TRIAL_END, DueKind.PERIOD_END, DueKind.END)
    assert set(Subscription.objects.due(NOW)) == due(Subscription.objects.all(), *of_subscriptions)
    assert set(Subscription.objects.due_to_start(NOW)) == due(Subscription.objects.all(), DueKind.START)
    grants = Grant.objects.select_related("subscription")
    assert set(Grant.objects.due_to_reset(NOW)) == due(grants, DueKind.RESET)
    assert set(Grant.objects.due_to_expire(NOW)) == due(grants, DueKind.EXPIRY)
    assert set(Rollover.objects.due_to_expire(NOW)) == due(Rollover.objects.all(), DueKind.EXPIRY)


def test_the_end_of_a_trial_is_told_from_the_end_of_a_period() -> None:
    trial = Subscription(status="active", current_period_end=NOW, trial_ends_at=NOW)
    paid = Subscription(status="active", current_period_end=NOW, trial_ends_at=NOW - INSTANT)
    assert [event.kind for event in trial.due_events()] == [DueKind.TRIAL_END]
    assert [event.kind for event in paid.due_events()] == [DueKind.PERIOD_END]
    assert due_since(paid.due_events(), DueKind.PERIOD_END, NOW - INSTANT) is None
    assert due_since(paid.due_events(), DueKind.PERIOD_END, NOW) == NOW
