"""The timeline of a customer, page by page: every source is asked once, and what they answer is put in order."""

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
from crm.desk.timeline.money import CREDIT_NOTES, INVOICES, PAYMENTS, POSTINGS, PURCHASES, SUBSCRIPTIONS
from crm.desk.timeline.origins import MERGES, PAYLOADS, UNDONE_MERGES
from crm.desk.timeline.texts import CONTACT, DECISIONS, NOTES
from crm.desk.timeline.usage import UsageSource

SOURCES: tuple[EntrySource, ...] = (
    NOTES,
    CONTACT,
    DECISIONS,
    SUBSCRIPTIONS,
    PURCHASES,
    INVOICES,
    PAYMENTS,
    CREDIT_NOTES,
    POSTINGS,
    PAYLOADS,
    MERGES,
    UNDONE_MERGES,
    ChangeSource(),
    UsageSource(),
)

#: What one import did happens within so long.
_TOGETHER = timedelta(minutes=1)
#: How much one entry tells of it.
_TOLD = 30


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Entries, the newest first, and the position below which there may be more; None if there is no more."""

    entries: Sequence[TimelineEntry]
    older: Position | None


def read_page(
    query: TimelineQuery, may: May, kinds: Collection[EntryKind] = tuple(EntryKind)
) -> TimelinePage:
    """One page of the entries of `kinds` that somebody with the permissions `may` has can see.

    The number of queries does not depend on how much there is, nor on how far down the page is. A page may have fewer
    entries than were asked for although there are more: `older` tells. Entries of one import come as one.
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
    """Neighbours of one group as one entry, told by the one that has most to say of it: what was received."""
    grouped: list[list[TimelineEntry]] = []
    for entry in entries:
        last = grouped[-1][-1] if grouped else None
        if last is not None and entry.group and entry.group == last.group and last.at - entry.at <= _TOGETHER:
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
    told = [words for entry in group if entry is not head for words in (entry.title, *entry.details)]
    if len(told) > _TOLD:
        told[_TOLD:] = [f"and {len(told) - _TOLD:,} lines more"]
    return replace(head, details=(*head.details, *told))
