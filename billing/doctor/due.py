"""What fell due and did not happen: `renew` was not run, or did not get to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import F, Q, QuerySet

from billing.doctor.findings import GRACE, Advance, Finding, day
from billing.models import Grant, Rollover, Subscription
from billing.rules.intervals import NEVER_RESETS
from customers import clock

_RENEW = "Run `manage.py renew`."
_OF_BALANCE = ("balance__customer", "balance__feature")


def check_resets(advance: Advance) -> Iterator[Finding]:
    """Grants that should have been reset. Those of past-due subscriptions wait, unless a setting says otherwise."""
    late = clock.now() - GRACE
    grants = Grant.objects.counted().filter(next_reset_at__lte=late)
    grants = grants.exclude(reset_interval__in=NEVER_RESETS)
    if not settings.RESET_PAST_DUE:
        grants = grants.exclude(subscription__past_due=True)
    for grant in _in_order(grants, *_OF_BALANCE):
        yield Finding(
            grant.pk, str(grant.balance), f"its reset was due on {day(grant.next_reset_at)}", _RENEW
        )


def check_expiries(advance: Advance) -> Iterator[Finding]:
    """Grants and rollovers that have expired and were not ended."""
    late = clock.now() - GRACE
    for rows in (Grant.objects.all(), Rollover.objects.all()):
        for row in _in_order(rows.filter(ended_at=None, expires_at__lte=late), *_OF_BALANCE):
            yield Finding(
                row.pk,
                str(row.balance),
                f"it expired on {day(row.expires_at)}, but was not ended",
                _RENEW,
            )


def check_subscriptions(advance: Advance) -> Iterator[Finding]:
    """Subscriptions whose end, whose next period or whose start has passed."""
    late = clock.now() - GRACE
    subscriptions = Subscription.objects.filter(
        Q(Q(expires_at__lte=late) | Q(current_period_end__lte=late), status=Subscription.Status.ACTIVE)
        | Q(status=Subscription.Status.SCHEDULED, started_at__lte=late)
    )
    for subscription in _in_order(subscriptions, "customer", "plan"):
        yield Finding(
            subscription.pk,
            f"{subscription.plan} of {subscription.customer}",
            _what_passed(subscription, late),
            _RENEW,
        )


def check_periods(advance: Advance) -> Iterator[Finding]:
    """Periods that end before they begin."""
    subscriptions = Subscription.objects.filter(current_period_end__lte=F("current_period_start"))
    for subscription in _in_order(subscriptions, "customer", "plan"):
        yield Finding(
            subscription.pk,
            f"{subscription.plan} of {subscription.customer}",
            f"its period begins on {day(subscription.current_period_start)} and ends on"
            f" {day(subscription.current_period_end)}",
            "Correct its times in the admin.",
        )


def _what_passed(subscription: Subscription, late: datetime) -> str:
    if subscription.status == Subscription.Status.SCHEDULED:
        return f"it should have begun on {day(subscription.started_at)}"
    if subscription.expires_at is not None and subscription.expires_at <= late:
        return f"it should have ended on {day(subscription.expires_at)}"
    ended = subscription.current_period_end
    return f"its period ended on {day(ended)}" if ended is not None else "its period has ended"


def _in_order(rows: QuerySet[Any], *related: str) -> Iterator[Any]:
    return rows.select_related(*related).order_by("pk").iterator()
