"""Usage that arrives after the invoice of its period: billed with the next one within the grace, refused later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.models import Feature, Grant, Invoice, PendingLine, Posting, Rollover, Subscription
from billing.subscriptions import attach_plan, cancel_subscription
from billing.usage.deduct import UsageRefused, UsageRequest, UsageResult
from billing.usage.idempotency import KeyConflict
from billing.usage.record import record_usage
from billing.usage.record_many import record_usage_batch
from customers import clock
from customers.models import Customer
from tests.billing.subscriptions.timeline import (
    a_month_for,
    assert_adds_up,
    at,
    billed,
    metered,
    plan_of,
    run_until,
)
from tests.factories import make_balance, make_customer, make_grant

pytestmark = pytest.mark.django_db

JANUARY, FEBRUARY, MARCH = (at(f"2026-0{month}-01T00:00") for month in (1, 2, 3))
BEFORE = at("2026-01-31T23:50")
AFTER = at("2026-02-01T00:30")
GRADUATED = [{"to": 20, "amount": 1}, {"to": "inf", "amount": "0.1"}]

Use = Callable[..., UsageResult]


class Time:
    """A clock that stands still until it is set."""

    now = JANUARY


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Time:
    # Nobody pays here, and no reset waits for it.
    settings.INVOICE_DUE_DAYS = 400
    stands = Time()
    monkeypatch.setattr(clock, "now", lambda: stands.now)
    return stands


@pytest.fixture(params=["singly", "in bulk"])
def use(request: pytest.FixtureRequest, time: Time) -> Use:
    """Record a usage at `when`, by the clock `by` (as it happens, if left out)."""

    def record(amount: Any, when: datetime, by: datetime | None = None, **fields: Any) -> UsageResult:
        time.now = by or when
        usage = UsageRequest(
            customer_id=str(Customer.objects.get().pk),
            feature=fields.pop("feature", None) or Feature.objects.get(),
            amount=Decimal(amount),
            at=when,
            done_by="test",
            **fields,
        )
        if request.param == "singly":
            return record_usage(usage)
        [outcome] = record_usage_batch([usage])
        if isinstance(outcome, UsageRefused | KeyConflict):
            raise outcome
        return outcome

    return record


def attached(item: dict[str, Any] | None = None, plan: dict[str, Any] | None = None) -> Subscription:
    """A plan of 20 a month with 10 calls; each further one costs 1."""
    price = {"billing_method": "usage_based", "price_interval": "month", "price_amount": 1}
    shape = {"included": 10, "reset_interval": "month", **price, **(item or {})}
    found = attach_plan(
        make_customer(),
        plan_of("pro", (metered("calls"), shape), **a_month_for(20, **(plan or {}))),
        at=JANUARY,
        done_by="test",
    ).subscription
    assert found is not None
    return found


def renewed_until(moment: datetime, time: Time) -> None:
    time.now = moment
    run_until(moment)


def invoices() -> list[list[tuple[str, int]]]:
    return [billed(invoice) for invoice in Invoice.objects.order_by("created_at", "number")]


def in_use() -> Decimal:
    return Decimal(Grant.objects.get().usage)


@pytest.mark.parametrize("is_renewed", [True, False])
def test_within_the_grace_the_next_invoice_bills_it(use: Use, time: Time, *, is_renewed: bool) -> None:
    attached()
    use(8, at("2026-01-20T00:00"))
    if is_renewed:
        renewed_until(FEBRUARY, time)

    used = use(5, BEFORE, by=AFTER, key="k")

    assert {part.step: part.units for part in used.parts} == {"granted": Decimal(2), "overage": Decimal(3)}
    assert used.note == (
        "The period of this usage ended on Feb 1, 2026 and was billed. The next invoice bills $3.00 for it."
    )
    assert list(used.remaining.values()) == [10]
    assert in_use() == 0
    assert_adds_up()
    again = use(5, BEFORE, by=AFTER, key="k")
    assert again == replace(used, is_replay=True, parts=again.parts)
    use(4, at("2026-02-10T00:00"))
    renewed_until(MARCH, time)
    assert in_use() == 0
    assert invoices() == [[("base", 2000)], [("base", 2000)], [("usage", 300), ("base", 2000)]]


def test_tiers_go_on_and_one_line_bills_all(use: Use, time: Time) -> None:
    attached({"price_tiers": GRADUATED, "price_tier_behavior": "graduated", "price_amount": None})
    use(15, at("2026-01-20T00:00"))
    renewed_until(FEBRUARY, time)
    use(8, BEFORE, by=AFTER)
    use(12, BEFORE, by=AFTER)
    renewed_until(MARCH, time)

    # 35 of which 10 are included: 10 x 1 and 15 x 0.1, of which 5 were billed.
    assert invoices()[1:] == [[("usage", 500), ("base", 2000)], [("usage", 650), ("base", 2000)]]
    assert PendingLine.objects.count() == 2


def test_what_the_period_had_left_is_free(use: Use, time: Time) -> None:
    attached()
    renewed_until(FEBRUARY, time)

    used = use(10, BEFORE, by=AFTER)

    assert used.note.endswith("and was billed. Nothing more is billed for it.")
    assert not PendingLine.objects.exists()
    assert use(1, BEFORE, by=AFTER).note.endswith("The next invoice bills $1.00 for it.")
    assert in_use() == 0


def test_a_refund_is_on_the_next_invoice_too(use: Use, time: Time) -> None:
    attached()
    use(15, at("2026-01-20T00:00"))
    renewed_until(FEBRUARY, time)

    use(-7, BEFORE, by=AFTER)

    renewed_until(MARCH, time)
    assert invoices()[1:] == [[("usage", 500), ("base", 2000)], [("usage", -500), ("base", 2000)]]
    assert_adds_up()


@pytest.mark.parametrize(("grace", "accepted"), [(60, 60), (0, 0), (1440, 1440)])
def test_the_grace_is_a_setting(use: Use, time: Time, settings: Any, grace: int, accepted: int) -> None:
    settings.USAGE_GRACE_MINUTES = grace
    attached()
    renewed_until(FEBRUARY, time)
    end = FEBRUARY + timedelta(minutes=accepted)

    with pytest.raises(
        UsageRefused,
        match=r"The period of 2026-01-31 23:50 UTC ended on 2026-02-01 00:00 UTC and was billed\.",
    ):
        use(5, BEFORE, by=end + timedelta(seconds=1))
    assert not Posting.objects.filter(kind="usage").exists()
    use(5, BEFORE, by=end)

    assert in_use() == 0


def test_long_after_its_period_usage_counts_if_nothing_was_billed(use: Use, time: Time) -> None:
    attached()

    use(15, BEFORE, by=at("2026-02-01T01:00:01"))

    renewed_until(FEBRUARY, time)
    assert invoices() == [[("base", 2000)], [("usage", 500), ("base", 2000)]]


@pytest.mark.parametrize("is_renewed", [False, True])
def test_the_last_usage_of_a_subscription_is_on_its_last_invoice(
    use: Use, time: Time, *, is_renewed: bool
) -> None:
    subscription = attached()
    cancel_subscription(subscription, at=JANUARY, done_by="test")
    if is_renewed:
        renewed_until(FEBRUARY, time)
        # There is no next invoice.
        with pytest.raises(UsageRefused, match="no grant that this usage may draw from"):
            use(15, BEFORE, by=AFTER)
        return

    use(15, BEFORE, by=AFTER)

    renewed_until(FEBRUARY, time)
    assert invoices() == [[("base", 2000)], [("usage", 500)]]


def test_two_periods_late_is_refused_and_the_hour_of_the_last_one_is_not(use: Use, time: Time) -> None:
    attached()
    renewed_until(MARCH, time)
    with pytest.raises(UsageRefused, match="ended on 2026-02-01 00:00 UTC"):
        use(15, BEFORE, by=MARCH)

    use(15, at("2026-02-28T23:59"), by=MARCH)

    assert [(line.period_end, line.amount) for line in PendingLine.objects.all()] == [(MARCH, 500)]


def test_an_hourly_grant_has_several_periods_within_the_grace(use: Use, time: Time) -> None:
    attached({"reset_interval": "hour"})
    use(14, at("2026-01-05T10:30"))
    use(12, at("2026-01-05T11:30"))
    renewed_until(at("2026-01-05T12:00"), time)

    use(1, at("2026-01-05T10:59"), by=at("2026-01-05T12:00"))

    with pytest.raises(UsageRefused, match="ended on 2026-01-05 11:00 UTC"):
        use(1, at("2026-01-05T10:59"), by=at("2026-01-05T12:00:01"))
    assert [line.amount for line in PendingLine.objects.all()] == [100]
    assert_adds_up()


def test_what_was_carried_over_shrinks(use: Use, time: Time) -> None:
    attached({"rollover_max": None, "rollover_expiry_unit": "forever"})
    use(4, at("2026-01-20T00:00"))
    renewed_until(FEBRUARY, time)
    assert Rollover.objects.get().left == 6

    use(2, BEFORE, by=AFTER)

    assert (Rollover.objects.get().granted, Rollover.objects.get().left) == (4, 4)
    assert not PendingLine.objects.exists()
    assert_adds_up()


def test_nothing_is_billed_of_what_is_billed_elsewhere_or_of_a_trial(use: Use, time: Time) -> None:
    subscription = attached()
    renewed_until(FEBRUARY, time)
    Subscription.objects.update(billed_here=False)
    use(15, BEFORE, by=AFTER)
    Subscription.objects.filter(pk=subscription.pk).update(billed_here=True, trial_ends_at=FEBRUARY)

    use(15, BEFORE, by=AFTER)

    assert not PendingLine.objects.exists()


def test_a_grant_that_is_still_open_serves_what_the_closed_one_cannot(use: Use, time: Time) -> None:
    customer, calls = make_customer(), metered("calls")
    balance = make_balance(customer=customer, feature=calls)
    daily, lasting = (
        make_grant(
            balance=balance,
            included_grant=3,
            usage=0,
            created_at=JANUARY,
            reset_interval=interval,
            next_reset_at=at("2026-01-02T00:00") if interval else None,
        )
        for interval in ("day", "")
    )
    use(3, at("2026-01-01T10:00"))
    use(1, at("2026-01-03T10:00"))

    use(2, at("2026-01-01T12:00"), by=at("2026-01-03T12:00"))
    with pytest.raises(UsageRefused, match="ended on 2026-01-03 00:00 UTC"):
        use(1, at("2026-01-02T12:00"), by=at("2026-01-03T12:00"))

    assert [Grant.objects.get(pk=row.pk).usage for row in (daily, lasting)] == [1, 2]


def test_before_a_balance_began_there_is_no_usage(use: Use) -> None:
    attached()

    with pytest.raises(
        UsageRefused,
        match=r"Enter a time from 2026-01-01 00:00 UTC on\. The customer had no balance of calls before",
    ):
        use(1, JANUARY - timedelta(minutes=5, seconds=1), by=JANUARY)
    # The clock of a sender may be behind.
    use(1, JANUARY - timedelta(minutes=5), by=JANUARY)

    assert in_use() == 1


def test_late_ones_of_a_batch_are_recorded_in_their_place(time: Time) -> None:
    subscription = attached()
    renewed_until(FEBRUARY, time)
    time.now = AFTER
    calls = Feature.objects.get()

    def request(amount: int, when: datetime) -> UsageRequest:
        key = str(subscription.customer_id)
        return UsageRequest(customer_id=key, feature=calls, amount=Decimal(amount), at=when, done_by="test")

    outcomes = record_usage_batch(
        [
            request(1, at("2025-12-01T00:00")),
            request(8, BEFORE),
            request(4, at("2026-01-31T23:55")),
            request(3, FEBRUARY),
            request(5, BEFORE),
            request(2, AFTER),
        ]
    )

    assert [getattr(outcome, "units", None) for outcome in outcomes] == [None, 8, 4, 3, 5, 2]
    assert in_use() == 5
    assert sum(line.amount for line in PendingLine.objects.all()) == 700
    assert_adds_up()
