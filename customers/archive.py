"""Archive and unarchive customers. Nothing is deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from customers import clock
from customers.bulk import update_rows
from customers.models import Customer
from customers.models.customer import CustomerQuerySet

_BATCH = 500


def archive(customers: CustomerQuerySet, by: Any, at: datetime | None = None) -> int:
    """Archive those of `customers` that are neither archived nor merged; return how many.

    Archived customers keep all their rows and are left out of lists. The history names `by`. All or nothing.
    """
    return _write(customers, is_archived=False, archived_at=at or clock.now(), by=by, reason="Archived")


def unarchive(customers: CustomerQuerySet, by: Any) -> int:
    """Unarchive those of `customers` that are archived; return how many. All or nothing."""
    return _write(customers, is_archived=True, archived_at=None, by=by, reason="Unarchived")


@transaction.atomic
def _write(
    customers: CustomerQuerySet, *, is_archived: bool, archived_at: datetime | None, by: Any, reason: str
) -> int:
    wanted = Customer.objects.unmerged().filter(archived_at__isnull=not is_archived)
    ids = list(customers.order_by("pk").values_list("pk", flat=True))
    count = 0
    for start in range(0, len(ids), _BATCH):
        batch = list(wanted.filter(pk__in=ids[start : start + _BATCH]).order_by("pk").select_for_update())
        for customer in batch:
            customer.archived_at = archived_at
        update_rows(batch, ["archived_at"], reason, by=by)
        count += len(batch)
    return count
