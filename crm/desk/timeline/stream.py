"""The timeline of a customer, page by page: every source is read once, and their entries are merged in order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db.models import F, IntegerField, Value

from crm.desk.timeline.changes import ChangeSource
from crm.desk.timeline.entry import (
    EntryFilter,
    EntryKind,
    EntrySource,
    May,
    Position,
    SourceEntries,
    TimelineEntry,
    TimelineQuery,
)
from crm.desk.timeline.money import (
    ALERTS,
    CREDIT_NOTES,
    DUNNING_STEPS,
    INVOICE_EMAILS,
    INVOICES,
    PAYMENT_REVERSALS,
    PAYMENTS,
    PLATFORM_CHANGES,
    POSTINGS,
    PURCHASES,
    SUBSCRIPTIONS,
)
from crm.desk.timeline.origins import MERGES, PAYLOADS, UNDONE_MERGES
from crm.desk.timeline.rows import RowSource
from crm.desk.timeline.texts import ACTIVITIES, DECISIONS, NOTES
from crm.desk.timeline.usage import UsageSource
from customers.formats import counted

SOURCES: tuple[EntrySource, ...] = (
    NOTES,
    ACTIVITIES,
    DECISIONS,
    SUBSCRIPTIONS,
    PLATFORM_CHANGES,
    PURCHASES,
    INVOICES,
    PAYMENTS,
    PAYMENT_REVERSALS,
    CREDIT_NOTES,
    INVOICE_EMAILS,
    POSTINGS,
    ALERTS,
    DUNNING_STEPS,
    PAYLOADS,
    MERGES,
    UNDONE_MERGES,
    ChangeSource(),
    UsageSource(),
)

#: Successive entries of one import are at most this far apart.
_IMPORT_SPAN = timedelta(minutes=1)
#: Lines that the one entry of an import shows.
_MOST_DETAILS = 30


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Entries, newest first, and the position after which there may be more; None if there are no more."""

    entries: Sequence[TimelineEntry]
    older: Position | None


def read_page(
    query: TimelineQuery, may: May, kinds: Collection[EntryKind] = tuple(EntryKind)
) -> TimelinePage:
    """One page of the entries of `kinds` that the permissions `may` allow.

    The number of queries depends neither on the amount of data nor on how far down the page is: one says which sources
    have anything on the page, and only those are read. A page may have fewer entries than `query.limit` although there
    are more: go by `older`. All entries of one import are shown as one.
    """
    entry_filter = EntryFilter(frozenset(kinds), may)
    asked = [source for source in SOURCES if source.visible_kinds(may) & entry_filter.kinds]
    empty, found = _without_entries(asked, query)
    found += [source.read(query, entry_filter) for source in asked if source not in empty]
    ends = [each.end for each in found if each.end is not None]
    end = max(ends, default=None)
    entries = sorted(
        (entry for each in found for entry in each.entries if end is None or entry.position >= end),
        key=lambda entry: entry.position,
        reverse=True,
    )
    shown = entries[: query.limit]
    older = shown[-1].position if len(entries) > query.limit else end
    return TimelinePage(merge_imports(shown), older)


def _without_entries(
    sources: Sequence[EntrySource], query: TimelineQuery
) -> tuple[list[EntrySource], list[SourceEntries]]:
    """The sources of rows that have no row among the first of all of them, and down to where that is known. One query."""
    ranked = sorted((each for each in sources if isinstance(each, RowSource)), key=lambda each: each.name)
    moments: list[Any] = []
    for rank, source in enumerate(ranked):
        first = source.first_moments(query, query.limit + 1)
        if first is not None:
            # A database may sort the names in another order.
            numbered = first.annotate(entry_rank=Value(rank, IntegerField()), entry_at=F(source.at))
            moments.append(numbered.values_list("entry_rank", "entry_at"))
    if not moments:
        return [], []
    union = moments[0].union(*moments[1:], all=True) if len(moments) > 1 else moments[0]
    found = list(union.order_by("-entry_at", "-entry_rank")[: query.limit + 1])
    used = {rank for rank, _ in found}
    empty: list[EntrySource] = [each for rank, each in enumerate(ranked) if rank not in used]
    if len(found) <= query.limit:
        return empty, []
    rank, at = found[-1]
    return empty, [SourceEntries((), Position(at, ranked[rank].name, ""))]


def merge_imports(entries: Sequence[TimelineEntry]) -> list[TimelineEntry]:
    """Entries of one group that are close in time as one entry, where its newest is, even if others stand between them.

    It has the title of the received document if there is just one.
    """
    grouped: list[list[TimelineEntry]] = []
    open_groups: dict[str, list[TimelineEntry]] = {}
    for entry in entries:
        group = open_groups.get(entry.group) if entry.group else None
        if group is not None and group[-1].at - entry.at <= _IMPORT_SPAN:
            group.append(entry)
        else:
            grouped.append([entry])
            open_groups[entry.group] = grouped[-1]
    return [_one(group) for group in grouped]


def _one(group: list[TimelineEntry]) -> TimelineEntry:
    if not group[0].group or (len(group) == 1 and group[0].kind is EntryKind.IMPORT):
        return group[0]
    received = [entry for entry in group if entry.kind is EntryKind.IMPORT]
    head = (
        received[0]
        if len(received) == 1
        else replace(group[0], title=group[0].group, details=(), kind=EntryKind.IMPORT, url="")
    )
    lines = [line for entry in group if entry is not head for line in (entry.title, *entry.details)]
    if len(lines) > _MOST_DETAILS:
        lines[_MOST_DETAILS:] = [f"and {counted(len(lines) - _MOST_DETAILS, 'more line')}"]
    return replace(head, details=(*head.details, *lines))
