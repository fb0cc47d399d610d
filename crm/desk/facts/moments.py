"""When time alone changes a customer's facts, health or worklist next, so that a refresh need not look at everyone.

Some of it changes at a moment that a row has: the end of a trial, a due date, the end of a snooze. The rest changes from
day to day: a burn rate, days past due, the words of a reason. A customer with any of that is due at each midnight.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Min
from django.utils.timezone import localdate, make_aware

from billing.models import AlertFired, Grant, Invoice, Posting, Rollover, Subscription
from crm.desk.health.facts import TREND, HealthFacts, since_of
from crm.desk.health.formula import days_until_change
from crm.desk.health.queries import FALL_DAYS
from crm.desk.health.scoring import weights_in_use
from crm.models import Activity, CustomerFacts, HealthScore, Task, WorklistDecision, WorklistReason
from customers.configuration.table import RENEWAL_SOON_DAYS, TRIAL_SOON_DAYS, WORKLIST_OVERDUE_DAYS
from customers.configuration.values import value_of
from customers.formats import local
from customers.models import Customer


def add_due_moments(rows: dict[str, CustomerFacts], at: datetime) -> None:
    """Set `due_at` of computed facts: the first moment after `at` that changes something."""
    due: dict[str, datetime] = {}
    tomorrow = _start_of(localdate(at) + timedelta(days=1))
    for customer_id, moment in _moments(rows, at):
        if moment is not None and moment > at:
            key = str(customer_id)
            due[key] = min(moment, due.get(key, moment))
    for customer_id in _daily(rows, at):
        key = str(customer_id)
        due[key] = min(tomorrow, due.get(key, tomorrow))
    for key, row in rows.items():
        row.due_at = due.get(key)


def _moments(rows: dict[str, CustomerFacts], at: datetime) -> Iterator[tuple[Any, datetime | None]]:
    """Customers with moments of their rows; those that are past are left out by the caller."""
    soon = timedelta(days=value_of(TRIAL_SOON_DAYS)), timedelta(days=value_of(RENEWAL_SOON_DAYS))
    active = Subscription.objects.active().filter(customer_id__in=rows).order_by()
    for key, *ends in active.values_list("customer_id", "trial_ends_at", "current_period_end", "expires_at"):
        for end in ends:
            yield key, end
        for end, ahead in zip(ends, soon, strict=False):
            yield key, end and end - ahead
    keys: Any = list(rows)
    yield from _earliest(
        Grant.objects.counted(at).filter(balance__customer__in=keys), "expires_at", "balance__customer"
    )
    yield from _earliest(
        Rollover.objects.counted(at).filter(balance__customer__in=keys), "expires_at", "balance__customer"
    )
    late = timedelta(days=value_of(WORKLIST_OVERDUE_DAYS))
    unpaid = Invoice.objects.unpaid().filter(customer__in=keys)
    for wait in {timedelta(0), late}:
        for key, due_at in _earliest(unpaid.filter(due_at__gt=at - wait), "due_at"):
            yield key, due_at + wait
    yield from _earliest(
        AlertFired.objects.filter(customer__in=keys, period_ends_at__gt=at), "period_ends_at"
    )
    yield from _earliest(Activity.objects.filter(customer__in=keys, happened_at__gt=at), "happened_at")
    yield from _earliest(WorklistDecision.objects.filter(customer__in=keys, until__gt=at), "until")
    today = localdate(at)
    tasks = Task.objects.open().filter(customer__in=keys)
    for column in ("due_on", "reminder_on"):
        for key, day in _earliest(tasks.filter(**{f"{column}__gt": today}), column):
            yield key, _start_of(day)
    # An earlier score becomes the one that the worklist compares the score in force with.
    compared = timedelta(days=FALL_DAYS)
    earlier = HealthScore.objects.own().filter(customer__in=keys, is_latest=False, day__gt=today - compared)
    for key, day in _earliest(earlier, "day"):
        yield key, _start_of(day + compared)
    yield from _changes_of_health(rows, at)


def _daily(rows: dict[str, CustomerFacts], at: datetime) -> Iterator[Any]:
    """Customers with facts, scores or reasons that change from day to day."""
    keys: Any = list(rows)
    merged = Customer.objects.filter(merged_into__in=keys).values_list("pk", "merged_into_id")
    survivors = {str(key): str(survivor) for key, survivor in merged}
    uses = Posting.objects.filter(
        customer_id__in=[*keys, *survivors],
        kind__in=(Posting.Kind.USAGE, Posting.Kind.REFUND),
        occurred_at__gt=at - 2 * TREND,
    )
    for key in uses.order_by().values_list("customer_id", flat=True).distinct():
        yield survivors.get(str(key), str(key))
    reasons = WorklistReason.objects.filter(entry__customer__in=keys).order_by()
    yield from reasons.values_list("entry__customer", flat=True).distinct()
    renewing = timedelta(days=value_of(RENEWAL_SOON_DAYS))
    for customer_id, row in rows.items():
        is_late = row.oldest_due_at is not None and row.oldest_due_at <= at
        if is_late or (row.renews_at is not None and row.renews_at <= at + renewing):
            yield customer_id


def _changes_of_health(rows: dict[str, CustomerFacts], at: datetime) -> Iterator[tuple[Any, datetime]]:
    """When points for contact and tenure change, which they do every few days."""
    today, weights = localdate(at), weights_in_use()
    starts = Customer.objects.filter(pk__in=rows).order_by()
    for key, created_at, start in starts.values_list("pk", "created_at", "relationship__start_date"):
        since, contact_at = since_of(start, created_at), rows[str(key)].last_contact_at
        known = HealthFacts(
            since=since,
            silent_days=None if contact_at is None else max((today - local(contact_at).date()).days, 0),
            tenure_days=max((today - since).days, 0),
        )
        days = days_until_change(known, weights)
        if days is not None:
            yield key, _start_of(today + timedelta(days=days))


def _earliest(rows: Any, column: str, customer: str = "customer") -> Iterable[tuple[Any, Any]]:
    """The earliest value of a column for each customer."""
    found: Iterable[tuple[Any, Any]] = (
        rows.order_by().values_list(customer).annotate(earliest=Min(column)).filter(earliest__isnull=False)
    )
    return found


def _start_of(day: date) -> datetime:
    return make_aware(datetime.combine(day, time.min))
