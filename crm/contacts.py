"""Log activities with customers, and find the last contact."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from crm.models import Activity, Note, Person, Task
from crm.survivors import lock_survivor
from customers import clock
from customers.models import Customer


@transaction.atomic
def log_contact(
    customer: Customer,
    kind: str,
    *,
    by: Any,
    summary: str = "",
    person: Person | None = None,
    happened_at: datetime | None = None,
    duration_minutes: int | None = None,
    outcome: str = "",
    follow_up: Task | None = None,
) -> Activity:
    """Log a call, meeting or email of the customer, or of its survivor if it has been merged; by default as of now.

    `follow_up` is the task that came out of it.
    """
    activity: Any = Activity(
        customer=lock_survivor(customer),
        kind=kind,
        summary=summary,
        person=person,
        happened_at=happened_at or clock.now(),
        duration_minutes=duration_minutes,
        outcome=outcome,
        follow_up=follow_up,
        logged_by=by,
    )
    activity._history_user = by
    activity.save(force_insert=True)
    logged: Activity = activity
    return logged


def last_contacts(customer_ids: Iterable[str], at: datetime | None = None) -> dict[str, datetime]:
    """By customer ID, the last contact by `at` (default: now): an activity, or a note that a person wrote.

    Customers without contact are left out. Two queries.
    """
    ids = list(customer_ids)
    last: dict[str, datetime] = {}
    calls: Any = Activity.objects.filter(customer_id__in=ids, happened_at__lte=at or clock.now())
    notes: Any = Note.objects.filter(customer_id__in=ids, origin=Note.Origin.WRITTEN)
    for rows, column in ((calls, "happened_at"), (notes, "created_at")):
        for customer_id, at in rows.order_by().values_list("customer_id").annotate(at=Max(column)):
            key = str(customer_id)
            last[key] = max(at, last.get(key, at))
    return last
