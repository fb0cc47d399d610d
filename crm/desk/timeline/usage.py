"""Usage entries: one per day and feature."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.timezone import make_aware

from billing.models import Posting
from crm.desk.timeline.entry import (
    EntryFilter,
    EntryKind,
    May,
    Position,
    SourceEntries,
    TimelineEntry,
    TimelineQuery,
    short,
)
from crm.desk.timeline.money import USES
from customers.formats import counted, local, number
from customers.models import Customer

_NAME = "usage"
#: Days that are added up for a page, back from the latest usage.
DAYS = 31
_SHOWN_DIGITS = 6


class UsageSource:
    """The source whose entries are the net usage of a feature on a day, at the day's start in the current time zone."""

    def visible_kinds(self, may: May) -> frozenset[EntryKind]:
        return frozenset({EntryKind.USAGE}) if may("billing.view_posting") else frozenset()

    def read(self, query: TimelineQuery, entry_filter: EntryFilter) -> SourceEntries:
        """The first entries, in two queries."""
        # A day's usage has no single person.
        if query.person is not None:
            return SourceEntries(())
        until = _until(query)
        first, last = _ends(query, until)
        if first is None or last is None:
            return SourceEntries(())
        start = _begin(date.fromordinal(max(local(last).toordinal() - DAYS + 1, 1)))
        since = start if query.since is None else max(start, query.since)
        rows = _uses(query, until).filter(customer__in=query.customer_ids, occurred_at__gte=since)
        days: Any = (
            rows.order_by()
            .annotate(day=TruncDate("occurred_at"))
            .values("day", "feature", "feature__name", "feature__feature_id")
            .annotate(used=Sum("amount"), uses=Count("pk"))
        )
        entries = sorted((_entry(row, query) for row in days), key=lambda entry: entry.position, reverse=True)
        if query.before is not None:
            entries = [entry for entry in entries if entry.position < query.before]
        return SourceEntries(entries, Position(since, "", "") if first < since else None)


def _ends(query: TimelineQuery, until: datetime | None) -> tuple[datetime | None, datetime | None]:
    """The moments of the first and the last usage, in one query that reads one index entry per customer and end."""
    uses = _uses(query, until).filter(customer=OuterRef("pk"))
    if query.since is not None:
        uses = uses.filter(occurred_at__gte=query.since)
    firsts, lasts = [], []
    for first, last in (
        Customer.objects.filter(pk__in=query.customer_ids)
        .order_by()
        .values_list(
            Subquery(uses.order_by("occurred_at").values("occurred_at")[:1]),
            Subquery(uses.order_by("-occurred_at").values("occurred_at")[:1]),
        )
    ):
        if first is not None:
            firsts.append(first)
            lasts.append(last)
    return min(firsts, default=None), max(lasts, default=None)


def _uses(query: TimelineQuery, until: datetime | None) -> QuerySet[Posting]:
    uses = Posting.objects.filter(kind__in=USES)
    if until is not None:
        uses = uses.filter(occurred_at__lt=until)
    if query.text:
        named = Q(feature__name__icontains=query.text) | Q(feature__feature_id__icontains=query.text)
        uses = uses.filter(named)
    return uses


def _until(query: TimelineQuery) -> datetime | None:
    """Only usage before this moment counts. The day that `query.before` is in counts whole."""
    ends = [query.until] if query.until is not None else []
    if query.before is not None:
        # There is no day after December 31, 9999, and no usage either.
        with suppress(OverflowError):
            ends.append(_begin(local(query.before.at).date() + timedelta(days=1)))
    return min(ends, default=None)


def _begin(day: date) -> datetime:
    return make_aware(datetime.combine(day, time.min))


def _entry(row: Any, query: TimelineQuery) -> TimelineEntry:
    day, key, count = row["day"], row["feature"], row["uses"]
    used = round(Decimal(row["used"] or 0), _SHOWN_DIGITS)
    feature = row["feature__name"] or row["feature__feature_id"] or "an unknown feature"
    filters = urlencode(
        {
            "customer__id__exact": query.customer_ids[0],
            "occurred_at_from": day.isoformat(),
            "occurred_at_to": day.isoformat(),
        }
    )
    return TimelineEntry(
        position=Position(_begin(day), _NAME, str(key or "")),
        kind=EntryKind.USAGE,
        title=f"Used {number(used)} {short(feature)}",
        details=(counted(count, "ledger entry", "ledger entries"),),
        url=f"{reverse('admin:billing_posting_changelist')}?{filters}",
        is_of_day=True,
    )
