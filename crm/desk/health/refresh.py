"""Keep the history of scores: a row where something changed, at most one a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils.timezone import localdate

from crm.desk.health.scoring import Health, health_of
from crm.models import DeskRefresh, HealthScore
from customers import clock
from customers.bulk import create_rows, update_rows
from customers.models import Customer

#: The name under which it is noted when all of it was computed last.
HEALTH = "health"

_BATCH = 1000


def refresh_health(at: datetime | None = None) -> Iterator[tuple[int, int]]:
    """Score all current customers, some at a time; each step answers how many, and for how many something changed.

    Every step is a transaction of its own; after the last it is noted that it is done.
    """
    at = at or clock.now()
    total = 0
    customers = Customer.objects.current().order_by("pk").values_list("pk", flat=True)
    keys = map(str, customers.iterator(chunk_size=_BATCH))
    while batch := list(islice(keys, _BATCH)):
        total += len(batch)
        yield len(batch), score_customers(batch, at)
    DeskRefresh.objects.update_or_create(name=HEALTH, defaults={"finished_at": at, "customers": total})


@transaction.atomic
def score_customers(customer_ids: Sequence[str], at: datetime | None = None) -> int:
    """Score these customers, in a fixed number of queries; answer for how many a row was written.

    A score whose points are as they were is not written again, however its sentences have changed; nor is one of a
    day before the score that is in force. Two at once take turns.
    """
    at = at or clock.now()
    DeskRefresh.objects.get_or_create(name=HEALTH)
    DeskRefresh.objects.select_for_update().get(name=HEALTH)
    today = localdate(at)
    in_force = {
        str(row.customer_id): row
        for row in HealthScore.objects.in_force().filter(customer_id__in=customer_ids)
    }
    new: list[HealthScore] = []
    mended: list[HealthScore] = []
    replaced: list[HealthScore] = []
    for key, health in health_of(customer_ids, at).items():
        row = in_force.get(key)
        if row is not None and (row.day > today or _counted(row.parts) == _counted(_parts(health))):
            continue
        if row is not None and row.day == today:
            row.score, row.parts, row.at = health.score, _parts(health), at
            mended.append(row)
            continue
        if row is not None:
            row.is_latest = False
            replaced.append(row)
        new.append(HealthScore(customer_id=key, day=today, at=at, score=health.score, parts=_parts(health)))
    update_rows(replaced, ["is_latest"], reason="")
    update_rows(mended, ["score", "parts", "at"], reason="")
    create_rows(new, reason="")
    return len(new) + len(mended)


def _parts(health: Health) -> list[dict[str, Any]]:
    return [asdict(part) for part in health.parts]


def _counted(parts: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(part.get("name"), part.get("points"), part.get("most")) for part in parts]
