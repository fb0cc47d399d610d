"""Keep the history of health scores: at most one row per customer and day, and only where the points changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.timezone import localdate

from crm.desk.batches import lock_current
from crm.desk.health.scoring import Health, health_of
from crm.models import HealthScore
from customers import clock
from customers.bulk import create_rows, update_rows
from customers.local_formats import formats_of

#: The name of the `DeskRefresh` row that records the last full run.
HEALTH = "health"


# Its texts are stored, for every user.
@formats_of("")
@transaction.atomic
def score_customers(customer_ids: Sequence[str], at: datetime | None = None) -> int:
    """Score those of the customers that are current, and return how many scores were written; a fixed number of queries.

    A score with the same points is not written again, even if its sentences changed, nor is a score for a day before
    the one in force.
    """
    at = at or clock.now()
    current = lock_current(customer_ids)
    today = localdate(at)
    in_force = {
        str(row.customer_id): row for row in HealthScore.objects.in_force().filter(customer_id__in=current)
    }
    new: list[HealthScore] = []
    updated: list[HealthScore] = []
    replaced: list[HealthScore] = []
    found = health_of(current, at)
    for key, lapsed in in_force.items():
        if key not in found and lapsed.day <= today:
            # There is not enough data any more: the score is history.
            lapsed.is_latest = False
            replaced.append(lapsed)
    for key, health in found.items():
        row = in_force.get(key)
        if row is not None and (row.day > today or _points(row.parts) == _points(_parts(health))):
            continue
        if row is not None and row.day == today:
            row.score, row.parts, row.at = health.score, _parts(health), at
            updated.append(row)
            continue
        if row is not None:
            row.is_latest = False
            replaced.append(row)
        new.append(HealthScore(customer_id=key, day=today, at=at, score=health.score, parts=_parts(health)))
    update_rows(replaced, ["is_latest"], reason="")
    update_rows(updated, ["score", "parts", "at"], reason="")
    create_rows(new, reason="")
    return len(new) + len(updated)


def _parts(health: Health) -> list[dict[str, Any]]:
    return [asdict(part) for part in health.parts]


def _points(parts: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    # Compare without the names, so that renaming a signal doesn't write a row for every customer.
    return [(part.get("points"), part.get("most")) for part in parts]
