"""The timeline of a customer, page by page: every source is read once, and their entries are merged in order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from crm.desk.timeline.changes import ChangeSource
from crm.desk.timeline.entry import (
    EntryFilter,
    EntryKind,
    EntrySource,
    May,
    Position,
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
    POSTINGS,
    PURCHASES,
    SUBSCRIPTIONS,
)
from crm.desk.timeline.origins import MERGES, PAYLOADS, UNDONE_MERGES
from crm.desk.timeline.texts import ACTIVITIES, DECISIONS, NOTES
from crm.desk.timeline.usage import UsageSource
from customers.formats import counted

SOURCES: tuple[EntrySource, ...] = (
    NOTES,
    ACTIVITIES,
    DECISIONS,
    SUBSCRIPTIONS,
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

#: Adjacent entries of one import are at most this far apart.
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

    The number of queries depends neither on the amount of data nor on how far down the page is. A page may have fewer
    entries than `query.limit` although there are more: go by `older`. All entries of one import are shown as one.
    """
    entry_filter = EntryFilter(frozenset(kinds), may)
    found = [
        source.read(query, entry_filter)
        for source in SOURCES
        if source.visible_kinds(may) & entry_filter.kinds
    ]
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


def merge_imports(entries: Sequence[TimelineEntry]) -> list[TimelineEntry]:
    """Adjacent entries of one group as one entry, under the title of the received document if there is just one."""
    grouped: list[list[TimelineEntry]] = []
    for entry in entries:
        last = grouped[-1][-1] if grouped else None
        if (
            last is not None
            and entry.group
            and entry.group == last.group
            and last.at - entry.at <= _IMPORT_SPAN
        ):
            grouped[-1].append(entry)
        else:
            grouped.append([entry])
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
