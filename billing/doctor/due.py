"""Events that were due and did not happen: `renew` has not run, or failed for the customer.

The conditions are those of renewal itself, so a finding is always something that renewal would do.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet

from billing.doctor.findings import GRACE, Advance, Finding
from billing.models import BillingCycle, Grant, Purchase, Rollover, Subscription
from billing.rules.due_events import DueKind
from customers import clock
from customers.formats import moment

_RENEW = "Run `manage.py renew`."
_OF_BALANCE = ("balance__customer", "balance__feature")
_OVERDUE = {
    DueKind.START: "it should have started on {}",
    DueKind.TRIAL_END: "its trial ended on {}",
    DueKind.PERIOD_END: "its period ended on {}",
    DueKind.END: "it should have ended on {}",
}


def check_resets(advance: Advance) -> Iterator[Finding]:
    """Grants that should have started, or been reset."""
    late = clock.now() - GRACE
    for grant in _in_order(Grant.objects.due_to_start(late), *_OF_BALANCE):
        yield Finding(
            grant.pk, str(grant.balance), _OVERDUE[DueKind.START].format(moment(grant.created_at)), _RENEW
        )
    for grant in _in_order(Grant.objects.counted().due_to_reset(late), *_OF_BALANCE):
        yield Finding(
            grant.pk, str(grant.balance), f"its reset was due on {moment(grant.next_reset_at)}", _RENEW
        )


def check_expiries(advance: Advance) -> Iterator[Finding]:
    """Grants and rollovers that expired and have not ended."""
    late = clock.now() - GRACE
    for rows in (Grant.objects.due_to_expire(late), Rollover.objects.due_to_expire(late)):
        for row in _in_order(rows, *_OF_BALANCE):
            yield Finding(
                row.pk, str(row.balance), f"it expired on {moment(row.expires_at)} but has not ended", _RENEW
            )


def check_subscriptions(advance: Advance) -> Iterator[Finding]:
    """Subscriptions whose start, next period or end is overdue."""
    late = clock.now() - GRACE
    for subscription in _in_order(Subscription.objects.due(late), "customer", "plan"):
        yield Finding(
            subscription.pk,
            f"{subscription.plan} of {subscription.customer}",
            _overdue(subscription, late),
            _RENEW,
        )


def check_cycles(advance: Advance) -> Iterator[Finding]:
    """Billing cycles and scheduled purchases that are overdue."""
    late = clock.now() - GRACE
    for cycle in _in_order(BillingCycle.objects.due(late), "subscription__customer", "subscription__plan"):
        subscription = cycle.subscription
        yield Finding(
            subscription.pk,
            f"{subscription.plan} of {subscription.customer}",
            f"its billing cycle ended on {moment(cycle.period_end)}",
            _RENEW,
        )
    for purchase in _in_order(Purchase.objects.due(late), "customer", "plan"):
        yield Finding(
            purchase.pk,
            f"{purchase.plan} of {purchase.customer}",
            _OVERDUE[DueKind.START].format(moment(purchase.started_at)),
            _RENEW,
        )


def check_periods(advance: Advance) -> Iterator[Finding]:
    """Periods that end before they start."""
    subscriptions = Subscription.objects.filter(current_period_end__lte=F("current_period_start"))
    for subscription in _in_order(subscriptions, "customer", "plan"):
        yield Finding(
            subscription.pk,
            f"{subscription.plan} of {subscription.customer}",
            f"its period starts on {moment(subscription.current_period_start)} and ends on"
            f" {moment(subscription.current_period_end)}",
            "Correct the period on the subscription's page.",
        )


def _overdue(subscription: Subscription, late: datetime) -> str:
    """The overdue event to report: the last one, because an end matters more than the end of a period."""
    due = [event for event in subscription.due_events() if event.at <= late]
    event = max(due, key=lambda event: event.kind == DueKind.END)
    return _OVERDUE[event.kind].format(moment(event.at))


def _in_order(rows: QuerySet[Any], *related: str) -> Iterator[Any]:
    return rows.select_related(*related).order_by("pk").iterator()
