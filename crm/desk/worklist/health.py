"""Health scores that dropped."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse

from crm.desk.health.queries import FALL_DAYS, falls
from crm.desk.worklist.reason import Reason, WorklistBatch, WorklistRule
from customers.configuration.table import WORKLIST_HEALTH_DROP
from customers.configuration.values import value_of

DROPPED = WorklistRule(
    "health_dropped",
    "Health dropped",
    "The health score fell sharply within 30 days.",
    "crm.view_healthscore",
    action="View health",
)

_WEIGHT, _MOST_FOR_FALL = 20, 30


def dropped_health(batch: WorklistBatch) -> Iterator[Reason]:
    """Scores that fell by `WORKLIST_HEALTH_DROP` or more within 30 days. One query."""
    for key, (was, now) in falls(batch.customer_ids, FALL_DAYS, batch.at).items():
        if was - now >= max(value_of(WORKLIST_HEALTH_DROP), 1):
            yield Reason(
                customer_id=key,
                rule=DROPPED.name,
                # Users decide again when it reaches the next lower ten.
                key=str(now // 10),
                words=f"health fell from {was} to {now} within {FALL_DAYS} days",
                weight=_WEIGHT + min(was - now, _MOST_FOR_FALL),
                link=reverse("desk-health", args=[key]),
            )


RULES = (DROPPED,)
FINDERS = (dropped_health,)
