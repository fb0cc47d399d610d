"""What a customer used, day by day and feature by feature."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.timezone import localdate, make_aware

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
from customers.formats import number
from customers.models import Customer

_NAME = "usage"
#: How many days before the latest use are added up at a time.
DAYS = 31
_SHOWN_DIGITS = 6


class UsageSource:
    """A source whose entries are what was used of a feature on a day. They stand where the day begins.

    However much there is, at most `DAYS` days of it are added up for a page.
    """

    def visible_kinds(self, may: May) -> frozenset[EntryKind]:
        """Its one kind, for whoever may see postings."""
        return frozenset({EntryKind.USAGE}) if may("billing.view_posting") else frozenset()

    def read(self, query: TimelineQuery, entry_filter: EntryFilter) -> SourceEntries:
        """The first entries, in two queries."""
        # The uses of a day are many people's.
        if query.person is not None:
            return SourceEntries(())
        until = _until(query)
        first, last = _ends(query, until)
        if first is None or last is None:
            return SourceEntries(())
        start = _begin(date.fromordinal(max(localdate(last).toordinal() - DAYS + 1, 1)))
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
    """The first and the last use, by index for each of the customers, in one query."""
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
    """Before which moment uses count: a day that has begun counts whole."""
    ends = [query.until] if query.until is not None else []
    if query.before is not None:
        # No calendar has a day after the last, and nothing was used then.
        with suppress(OverflowError):
            ends.append(_begin(localdate(query.before.at) + timedelta(days=1)))
    return min(ends, default=None)


def _begin(day: date) -> datetime:
    return make_aware(datetime.combine(day, time.min))


def _entry(row: Any, query: TimelineQuery) -> TimelineEntry:
    day, key, count = row["day"], row["feature"], row["uses"]
    used = round(Decimal(row["used"] or 0), _SHOWN_DIGITS)
    what = row["feature__name"] or row["feature__feature_id"] or "something"
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
        title=f"Used {number(used)} {short(what)}",
        details=(f"In {count:,} use{'' if count == 1 else 's'}",),
        url=f"{reverse('admin:billing_posting_changelist')}?{filters}",
        is_of_day=True,
    )
