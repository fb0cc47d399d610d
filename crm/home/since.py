"""What a user was told since their last visit to the home page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString

from crm.models import HomeVisit, Notification
from customers.formats import days_between, local, number, short_day, when
from customers.models import Customer

#: How long a user must have been away for a page to count as another visit.
_AWAY = timedelta(hours=4)
#: How often the time of a visit is written.
_WRITTEN = timedelta(minutes=15)
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One thing that a user was told, about which customer, where to open it, and when it was."""

    text: str
    customer: Customer | None
    url: str
    at: SafeString | str


@dataclass(frozen=True, slots=True, kw_only=True)
class SincePart:
    """What happened since the last visit. `title` says when that was."""

    title: str
    news: Sequence[News]
    more: str


def since_part(user: Any, now: datetime) -> SincePart:
    """Record the visit, and return what happened since the one before. At most four queries and a write."""
    since = _visit(user, now)
    found = Notification.objects.of(user).filter(at__gt=since)
    rows = list(found[: _SHOWN + 1])
    shown = rows[:_SHOWN]
    customers = {
        str(each.pk): each
        for each in Customer.objects.filter(pk__in=[row.customer_id for row in shown if row.customer_id])
    }
    more = found.count() - _SHOWN if len(rows) > _SHOWN else 0
    return SincePart(
        title=f"Since {_day_words(since, now)}",
        news=[
            News(
                text=row.text,
                customer=customers.get(str(row.customer_id)),
                url=reverse("desk-notification", args=[row.pk]),
                at=when(row.at),
            )
            for row in shown
        ],
        more=f"and {number(more)} more" if more else "",
    )


def _visit(user: Any, now: datetime) -> datetime:
    """Note that the user is here, and return when they were last here before."""
    visit = HomeVisit.objects.filter(user=user).first()
    if visit is None:
        visit = HomeVisit(user=user, seen_at=now, before_at=now - timedelta(days=7))
        HomeVisit.objects.bulk_create([visit], ignore_conflicts=True)
        return visit.before_at
    away = now - visit.seen_at
    if away >= _AWAY:
        visit.before_at = visit.seen_at
    if away >= _WRITTEN:
        visit.seen_at = now
        HomeVisit.objects.filter(user=user).update(seen_at=visit.seen_at, before_at=visit.before_at)
    return visit.before_at


def _day_words(since: datetime, now: datetime) -> str:
    """`earlier today`, `yesterday`, `Friday` within a week, else `Nov 20`."""
    days = days_between(since, now)
    if days <= 0:
        return "earlier today"
    if days == 1:
        return "yesterday"
    return f"{local(since):%A}" if days < 7 else short_day(since, now)
