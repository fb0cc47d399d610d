"""The customer's health score."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, Subquery
from django.urls import reverse
from django.utils.timezone import localdate

from crm.desk.health.queries import FALL_DAYS
from crm.desk.pages.overview.section import Section
from crm.models import HealthScore
from customers.models import Customer

_GOOD, _MIDDLING = 70, 40


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalBar:
    """A signal: `percent` of the points that it can give. Without points nothing is known."""

    name: str
    words: str
    percent: int
    color: str
    is_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSection(Section):
    """The score that is kept, with how it differs from the one 30 days ago: `change` is empty if it doesn't."""

    score: int
    change: str = ""
    is_fall: bool = False


def health_section(customer: Customer, now: datetime) -> HealthSection | None:
    """The score in force with its signals; None if the customer has no score. One query."""
    then = localdate(now) - timedelta(days=FALL_DAYS)
    before = HealthScore.objects.own().filter(customer=OuterRef("customer"), day__lte=then).order_by("-day")
    scores = HealthScore.objects.in_force().filter(customer=customer)
    row = scores.annotate(was=Subquery(before.values("score")[:1])).first()
    if row is None:
        return None
    was: int | None = row.was
    change = 0 if was is None else row.score - was
    return HealthSection(
        key="health",
        title="Health",
        lines=tuple(_bar(part) for part in row.parts),
        more_url=reverse("desk-health", args=[customer.pk]),
        template="crm/desk/overview/health.html",
        score=row.score,
        change=f"{'↓' if change < 0 else '↑'} {abs(change)} in {FALL_DAYS} days" if change else "",
        is_fall=change < 0,
    )


def _bar(part: dict[str, object]) -> SignalBar:
    points, most = part.get("points"), part.get("most")
    if not isinstance(points, int) or not isinstance(most, int) or not most:
        return SignalBar(name=str(part.get("name")), words="No data", percent=0, color="", is_known=False)
    percent = 100 * points // most
    return SignalBar(
        name=str(part.get("name")),
        words=f"{points} of {most}",
        percent=percent,
        color="" if percent >= _GOOD else "warn" if percent >= _MIDDLING else "bad",
        is_known=True,
    )
