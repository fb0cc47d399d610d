"""What falls due when: the events that time brings to a subscription, a grant, a rollover and an unpaid invoice.

This is the reference. Renewal applies the events, uses and adjustments look for them first, the doctor reports those
that were missed, and the conditions of the QuerySets (`Subscription.objects.due`, `Grant.objects.due_to_reset`, …)
repeat them for speed, and `tests/billing/subscriptions/test_due_customers.py` holds them to it.

Pure: no clock, no database. An event that has happened is no longer among those of its row.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum, auto
from typing import NamedTuple

from billing.rules.intervals import NEVER_RESETS


class DueKind(IntEnum):
    """What happens when an event falls due, in the order in which events of one moment happen to a subscription."""

    START = auto()
    TRIAL_END = auto()
    PERIOD_END = auto()
    END = auto()
    RESET = auto()
    EXPIRY = auto()
    PAST_DUE = auto()


class DueEvent(NamedTuple):
    """One event and its moment. The earliest comes first in `min` and `sorted`."""

    at: datetime
    kind: DueKind


def scheduled_events(started_at: datetime) -> list[DueEvent]:
    """A scheduled subscription starts."""
    return [DueEvent(started_at, DueKind.START)]


def subscription_events(
    current_period_end: datetime | None, trial_ends_at: datetime | None, expires_at: datetime | None
) -> list[DueEvent]:
    """The period of an active subscription ends, which is the end of its trial if they coincide; or it ends itself."""
    events = []
    if current_period_end is not None:
        is_trial = trial_ends_at == current_period_end
        events.append(DueEvent(current_period_end, DueKind.TRIAL_END if is_trial else DueKind.PERIOD_END))
    if expires_at is not None:
        events.append(DueEvent(expires_at, DueKind.END))
    return events


def expiry_events(expires_at: datetime | None) -> list[DueEvent]:
    """A grant or rollover that has not ended expires."""
    return [] if expires_at is None else [DueEvent(expires_at, DueKind.EXPIRY)]


def reset_events(next_reset_at: datetime | None, reset_interval: str, *, may_reset: bool) -> list[DueEvent]:
    """A grant that has not ended is reset; `may_reset` is False while its subscription is past due and resets wait."""
    if next_reset_at is None or reset_interval in NEVER_RESETS or not may_reset:
        return []
    return [DueEvent(next_reset_at, DueKind.RESET)]


def unpaid_invoice_events(
    due_at: datetime, *, is_active: bool, is_billed_here: bool, is_past_due: bool
) -> list[DueEvent]:
    """An unpaid invoice makes its subscription past due: an active one, billed here, that is not past due already.

    Of a subscription that the billing platform bills, the platform says whether it is past due.
    """
    return [DueEvent(due_at, DueKind.PAST_DUE)] if is_active and is_billed_here and not is_past_due else []


def due_since(events: Iterable[DueEvent], kind: DueKind, at: datetime) -> datetime | None:
    """Since when an event of this kind has been due; None if it is not due by `at`."""
    return min((event.at for event in events if event.kind is kind and event.at <= at), default=None)
