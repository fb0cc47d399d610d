"""What emails and webhooks have in common: rows that are sent, and tried again after growing pauses."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, QuerySet

#: Pauses after the first, second … attempt that failed. After the last one the row is given up: three days.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, *[480] * 8))


def take_next(due: QuerySet[Any], now: datetime) -> Any:
    """Take the first of the `due` rows, so that no other process sends it; None if none is left.

    It counts as an attempt before it is sent: if this process is killed, another one sends it after the pause.
    """
    while (row := due.first()) is not None:
        next_at = now + PAUSES[min(row.attempts, len(PAUSES) - 1)]
        is_mine = due.model.objects.filter(
            pk=row.pk, attempts=row.attempts, status=row.status, next_at=row.next_at
        ).update(attempts=F("attempts") + 1, next_at=next_at)
        if is_mine:
            row.attempts, row.next_at = row.attempts + 1, next_at
            return row
    return None
