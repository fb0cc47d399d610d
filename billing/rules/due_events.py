"""Due events: what happens to a subscription, grant, rollover or unpaid invoice as time passes, and when.

This is the reference. Renewal applies the events, usage and adjustments check for them first, and the doctor reports
those that were missed. The conditions of QuerySets (`Subscription.objects.due`, `Grant.objects.due_to_reset`, …) repeat
the rules for speed; `tests/billing/subscriptions/test_due_customers.py` checks them against this module.

Pure: no clock, no database. A row no longer has an event that has happened.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum, auto
from typing import NamedTuple

from billing.rules.intervals import NEVER_RESETS


class DueKind(IntEnum):
    """The kinds of due events, in the order in which events of the same moment are applied to a subscription."""

    START = auto()
    TRIAL_END = auto()
    PERIOD_END = auto()
    CYCLE_END = auto()
    END = auto()
    RESET = auto()
    EXPIRY = auto()
    PAST_DUE = auto()


class DueEvent(NamedTuple):
    """One event and its moment. The earliest comes first in `min` and `sorted`."""

    at: datetime
    kind: DueKind


def scheduled_events(started_at: datetime) -> list[DueEvent]:
    """The start of a scheduled subscription."""
    return [DueEvent(started_at, DueKind.START)]


def cycle_events(period_end: datetime) -> list[DueEvent]:
    """The end of the period of a billing cycle of an active subscription."""
    return [DueEvent(period_end, DueKind.CYCLE_END)]


def subscription_events(
    current_period_end: datetime | None, trial_ends_at: datetime | None, expires_at: datetime | None
) -> list[DueEvent]:
    """The end of an active subscription's period (or of its trial, if they end together), and its own end."""
    events = []
    if current_period_end is not None:
        is_trial = trial_ends_at == current_period_end
        events.append(DueEvent(current_period_end, DueKind.TRIAL_END if is_trial else DueKind.PERIOD_END))
    if expires_at is not None:
        events.append(DueEvent(expires_at, DueKind.END))
    return events


def expiry_events(expires_at: datetime | None) -> list[DueEvent]:
    """The expiry of a grant or rollover that has not ended."""
    return [] if expires_at is None else [DueEvent(expires_at, DueKind.EXPIRY)]


def reset_events(next_reset_at: datetime | None, reset_interval: str, *, may_reset: bool) -> list[DueEvent]:
    """The next reset of a grant that has not ended. `may_reset` is False if it must wait for a past-due subscription."""
    if next_reset_at is None or reset_interval in NEVER_RESETS or not may_reset:
        return []
    return [DueEvent(next_reset_at, DueKind.RESET)]


def unpaid_invoice_events(
    due_at: datetime, *, is_active: bool, is_billed_here: bool, is_past_due: bool
) -> list[DueEvent]:
    """The moment at which an unpaid invoice makes its subscription past due.

    Applies only to an active subscription that is billed here and not past due already. If the billing platform bills a
    subscription, the platform decides whether it is past due.
    """
    return [DueEvent(due_at, DueKind.PAST_DUE)] if is_active and is_billed_here and not is_past_due else []


def due_since(events: Iterable[DueEvent], kind: DueKind, at: datetime) -> datetime | None:
    """Since when an event of this kind has been due; None if it is not due by `at`."""
    return min((event.at for event in events if event.kind is kind and event.at <= at), default=None)
