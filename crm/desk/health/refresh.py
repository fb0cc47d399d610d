"""Keep the history of health scores: at most one row per customer and day, and only where the points changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.timezone import localdate

from crm.desk.batches import in_batches, lock_current
from crm.desk.health.scoring import Health, health_of
from crm.models import DeskRefresh, HealthScore
from customers import clock
from customers.bulk import create_rows, update_rows
from customers.local_formats import formats_of
from customers.models import Customer

#: The name of the `DeskRefresh` row that records the last full run.
HEALTH = "health"

_BATCH = 500


@dataclass(slots=True, kw_only=True)
class HealthRefreshed:
    """How many customers were scored, for how many a score was written, and the IDs of those that failed."""

    customers: int = 0
    written: int = 0
    failed: list[str] = field(default_factory=list)

    def add(self, other: HealthRefreshed) -> None:
        self.customers += other.customers
        self.written += other.written
        self.failed += other.failed


def refresh_health(at: datetime | None = None) -> Iterator[HealthRefreshed]:
    """Score all current customers and yield the counts of each batch.

    Each batch is a transaction of its own. A customer that fails is logged and skipped. After the last batch the run
    is recorded in `DeskRefresh`.
    """
    moment = at or clock.now()
    total = 0
    customers = Customer.objects.current().order_by("pk").values_list("pk", flat=True)
    keys = map(str, customers.iterator(chunk_size=_BATCH))
    for done in in_batches(keys, _BATCH, lambda batch: score_customers(batch, moment), "health"):
        total += len(done.customer_ids)
        yield HealthRefreshed(
            customers=len(done.customer_ids),
            written=done.value or 0,
            failed=list(done.customer_ids) if done.value is None else [],
        )
    DeskRefresh.objects.update_or_create(name=HEALTH, defaults={"finished_at": moment, "customers": total})


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
    for key, health in health_of(current, at).items():
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
