"""Invoices and balances are the same however often a customer is renewed, whenever usage arrives within the grace."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from billing.models import Feature, Grant, Invoice, PendingLine, Rollover
from billing.rules.intervals import first_after, step
from billing.subscriptions import attach_plan
from billing.usage.deduct import UsageRefused, UsageRequest
from billing.usage.record import record_usage
from billing.usage.record_many import record_usage_batch
from tests.billing.subscriptions.timeline import assert_adds_up, at, metered, plan_of, run_until
from tests.clocks import clock_at
from tests.examples import examples
from tests.factories import make_customer

pytestmark = pytest.mark.django_db

START = at("2026-01-31T10:00")
GRACE = timedelta(minutes=60)
PERIODS = 3
TIERS = [{"to": 12, "amount": "1.005"}, {"to": 20, "amount": "0.333"}, {"to": "inf", "amount": "0.1"}]

prices = st.sampled_from(
    [
        {"price_amount": Decimal("0.335")},
        {"price_amount": Decimal(2), "billing_units": 5},
        {"price_tiers": TIERS, "price_tier_behavior": "graduated"},
        {"price_tiers": TIERS, "price_tier_behavior": "volume"},
    ]
)
#: When it is used, as a part of all periods; how late it arrives, as a part of the time until the end of the grace.
parts = st.sampled_from([0.0, 0.01, 0.2, 0.31, 0.333, 0.34, 0.5, 0.66, 0.7, 0.9, 0.99, 0.999])
delays = st.sampled_from([0.0, 0.0, 0.0, 0.3, 0.9, 0.98, 1.0])
amounts = st.sampled_from([Decimal(each) for each in ("0.5", "1", "3", "7", "11.25", "-2", "-9")])
lives = st.fixed_dictionaries(
    {
        "price": prices,
        "included": st.sampled_from([0, 8]),
        "resets": st.sampled_from(["period", "period", "hour"]),
        "carries": st.booleans(),
        "most": st.sampled_from([None, 15]),
        "uses": st.lists(st.tuples(parts, delays, amounts), min_size=1, max_size=12),
    }
)
#: A life takes seconds, so that none is made smaller.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]


class _Undone(Exception):
    pass


def uses_of(life: dict[str, Any], every: str) -> Iterator[tuple[datetime, datetime, Decimal]]:
    """When each usage arrives, when it happened, and its amount, in the order of arrival."""
    ends = step(START, every, PERIODS, 31)
    assert ends is not None
    resets = every if life["resets"] == "period" else life["resets"]
    order = count()
    found = []
    for part, delay, amount in life["uses"]:
        used_at = START + _whole_minutes((ends - START) * part)
        last = first_after(ends, resets, 1, used_at, 31 if resets == "month" else None) + GRACE
        arrives_at = used_at + _whole_minutes((last - used_at) * delay)
        found.append((arrives_at, next(order), used_at, amount))
    for arrives_at, _, used_at, amount in sorted(found):
        yield arrives_at, used_at, amount


def _whole_minutes(span: timedelta) -> timedelta:
    return timedelta(minutes=span // timedelta(minutes=1))


def lived(
    life: dict[str, Any], every: str, renewals: timedelta | None, *, in_bulk: bool = False
) -> list[Any]:
    """The invoices, balances and answers of a life renewed that often, or only at its end."""
    told: list[Any] = []
    try:
        with transaction.atomic():
            _live(life, every, renewals, told, in_bulk=in_bulk)
            raise _Undone
    except _Undone:
        return told


def _live(
    life: dict[str, Any], every: str, renewals: timedelta | None, told: list[Any], *, in_bulk: bool
) -> None:
    item = {
        "included": life["included"],
        "reset_interval": every if life["resets"] == "period" else life["resets"],
        "billing_method": "usage_based",
        "price_amount": None,
        "price_interval": every,
        "max_purchase": life["most"],
        **life["price"],
    }
    if life["carries"]:
        item |= {"rollover_expiry_unit": "forever"}
    plan = plan_of("pro", (metered("calls"), item), price_amount=Decimal(20), price_interval=every)
    customer, calls = make_customer(), Feature.objects.get(feature_id="calls")
    with clock_at(START):
        attach_plan(customer, plan, at=START, done_by="test")
    next_renewal = START
    for arrives_at, used_at, amount in uses_of(life, every):
        while renewals is not None and (next_renewal := next_renewal + renewals) <= arrives_at:
            with clock_at(next_renewal):
                run_until(next_renewal)
        next_renewal -= renewals or timedelta(0)
        request = UsageRequest(
            customer_id=str(customer.pk), feature=calls, amount=amount, at=used_at, done_by="test"
        )
        with clock_at(arrives_at):
            told.append(_told(request, in_bulk=in_bulk))
    # What arrived late is on the invoice after the last period.
    end = step(START, every, PERIODS + 2, 31)
    assert end is not None
    with clock_at(end):
        run_until(end)
    assert_adds_up()
    assert not PendingLine.objects.filter(billed_at=None).exists()
    for invoice in Invoice.objects.order_by("created_at", "total"):
        lines = invoice.lines.order_by("position")
        told.append((invoice.created_at, [(line.description, line.quantity, line.amount) for line in lines]))
    told += Grant.objects.values_list("included_grant", "usage", "next_reset_at", "last_reset_at")
    told += Rollover.objects.order_by("position").values_list("granted", "left", "ended_at")


def _told(request: UsageRequest, *, in_bulk: bool) -> Any:
    if in_bulk:
        [outcome] = record_usage_batch([request])
    else:
        try:
            outcome = record_usage(request)
        except UsageRefused as refused:
            outcome = refused
    if isinstance(outcome, UsageRefused):
        return str(outcome)
    return [(part.step, part.units) for part in outcome.parts], outcome.note, list(outcome.remaining.values())  # type: ignore[union-attr]


@given(lives)
@settings(
    max_examples=examples(2),
    deadline=None,
    phases=PHASES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.usefixtures("nobody_is_past_due")
def test_renewed_every_hour_or_only_at_the_end(life: dict[str, Any]) -> None:
    every_hour = lived(life, "day", timedelta(hours=1))

    assert lived(life, "day", None) == every_hour
    assert lived(life, "day", timedelta(hours=7), in_bulk=True) == every_hour


@pytest.mark.soak
@pytest.mark.parametrize("every", ["day", "week", "month"])
@given(lives)
@settings(
    max_examples=examples(10),
    deadline=None,
    phases=PHASES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.usefixtures("nobody_is_past_due")
def test_renewed_every_day_every_ten_minutes_or_only_at_the_end(every: str, life: dict[str, Any]) -> None:
    at_the_end = lived(life, every, None)

    assert lived(life, every, timedelta(minutes=10 if every == "day" else 180)) == at_the_end
    assert lived(life, every, timedelta(days=1), in_bulk=True) == at_the_end


@pytest.fixture
def nobody_is_past_due(settings: Any) -> None:
    # Resets wait for a payment, and here nobody pays.
    settings.INVOICE_DUE_DAYS = 400
