"""Record events, for notifications and webhooks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from customers.bulk import BATCH
from customers.models import Event, EventKind


def record_event(
    kind: EventKind,
    customer_id: str | None = None,
    subject: str = "",
    *,
    by: Any = None,
    key: str | None = None,
    **data: Any,
) -> None:
    """Record an event in the caller's transaction. With a `key`, only once."""
    record_events([new_event(kind, customer_id, subject, by=by, key=key, **data)])


def new_event(
    kind: EventKind,
    customer_id: str | None = None,
    subject: str = "",
    *,
    by: Any = None,
    key: str | None = None,
    **data: Any,
) -> Event:
    """An event to be recorded. `by` is the user who did it, `data` holds IDs and counts alone."""
    done_by = getattr(by, "pk", None)
    return Event(kind=kind, customer_id=customer_id, subject=subject, done_by=done_by, key=key, data=data)


def record_events(events: Iterable[Event]) -> None:
    """Record events in the caller's transaction; those with a known key are left out."""
    Event.objects.bulk_create(events, batch_size=BATCH, ignore_conflicts=True)
