"""Read health scores."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db.models import OuterRef, Subquery
from django.utils.timezone import localdate

from crm.models import HealthScore
from customers.models import Customer

#: How far back the worklist compares scores.
FALL_DAYS = 30


def scores_of(customer_ids: Sequence[str]) -> dict[str, int]:
    """The score in force of each customer that has one. One query."""
    found = HealthScore.objects.in_force().filter(customer_id__in=customer_ids).order_by()
    return {str(key): score for key, score in found.values_list("customer_id", "score")}


def falls(customer_ids: Sequence[str], days: int, at: datetime) -> dict[str, tuple[int, int]]:
    """The score `days` ago and now of each customer whose score fell since. One query."""
    then = localdate(at) - timedelta(days=days)
    before = HealthScore.objects.own().filter(customer=OuterRef("customer"), day__lte=then).order_by("-day")
    found = HealthScore.objects.in_force().filter(customer_id__in=customer_ids, day__gt=then).order_by()
    rows = found.annotate(was=Subquery(before.values("score")[:1])).values_list("customer_id", "was", "score")
    return {str(key): (was, now) for key, was, now in rows if was is not None and was > now}


def history_of(customer: Customer, at: datetime, days: int = 365) -> list[tuple[date, int]]:
    """Scores of the last `days`, oldest first, each with its first day. One query."""
    rows = HealthScore.objects.own().filter(customer=customer, day__gt=localdate(at) - timedelta(days=days))
    return list(rows.order_by("day").values_list("day", "score"))
