"""Entries made of histories: rows added, changed (old → new) and removed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import CharField, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import JSONObject

from crm.desk.timeline.change import (
    SOURCE,
    HistoryChange,
    columns_of,
    details_of,
    page_of_row,
    references_of,
    title_of,
)
from crm.desk.timeline.entry import (
    EntryFilter,
    EntryKind,
    May,
    Position,
    SourceEntries,
    TimelineEntry,
    TimelineQuery,
)
from crm.desk.timeline.histories import HISTORIES, History
from crm.desk.timeline.origins import IMPORTED
from crm.desk.timeline.values import RowNames

#: Changes read per page when searching for a text: what differs is found in Python, the database can't filter by it.
_SEARCHED = 200


class ChangeSource:
    """The source whose entries are history rows."""

    def visible_kinds(self, may: May) -> frozenset[EntryKind]:
        return frozenset(history.kind for history in HISTORIES.values() if may(history.permission))

    def read(self, query: TimelineQuery, entry_filter: EntryFilter) -> SourceEntries:
        """The first entries: two queries for all histories together, and one for each model whose rows they name."""
        histories = [
            history
            for history in HISTORIES.values()
            if history.kind in entry_filter.kinds and entry_filter.may(history.permission)
        ]
        limit = max(query.limit, _SEARCHED) if query.text else query.limit
        found = _first(histories, query, limit + 1)
        changes, more = found[:limit], len(found) > limit
        _read_rows(changes)
        entries = [entry for entry in _entries(changes) if _has(entry, query.text)]
        return SourceEntries(entries, changes[-1].position if more else None)


def _first(histories: Sequence[History], query: TimelineQuery, limit: int) -> list[HistoryChange]:
    """The first history rows of all histories, in one query."""
    queries = [_keys(history, query) for history in histories]
    if not queries:
        return []
    rows = queries[0].union(*queries[1:], all=True)
    return [
        HistoryChange(HISTORIES[label], key, at, act, reason or "", user_id)
        for label, key, at, act, reason, user_id in rows.order_by("-history_date", "-label", "-history_id")[
            :limit
        ]
    ]


def _keys(history: History, query: TimelineQuery) -> Any:
    rows = history.rows.objects.filter(**{f"{history.customer}__in": query.customer_ids})
    if len(history.types) < 3:
        rows = rows.filter(history_type__in=history.types)
    if query.since is not None:
        rows = rows.filter(history_date__gte=query.since)
    if query.until is not None:
        rows = rows.filter(history_date__lt=query.until)
    if query.person is not None:
        rows = rows.filter(history_user=query.person)
    if query.before is not None:
        rows = rows.filter(_below(history, query.before))
    return (
        rows.order_by()
        .annotate(label=Value(history.label, output_field=CharField()))
        .values_list(
            "label",
            "history_id",
            "history_date",
            "history_type",
            "history_change_reason",
            "history_user_id",
        )
    )


def _below(history: History, before: Position) -> Q:
    """Rows of a history after a position; at the same moment histories are sorted by label."""
    label, _, key = before.key.rpartition(":")
    place = (SOURCE, history.label)
    theirs = (before.source, label)
    if place < theirs:
        return Q(history_date__lte=before.at)
    if place == theirs and key.isascii() and key.isdigit():
        return Q(history_date__lt=before.at) | Q(history_date=before.at, history_id__lt=int(key))
    return Q(history_date__lt=before.at)


def _read_rows(changes: Sequence[HistoryChange]) -> None:
    """Fill in `row` and `before` of the changes, in one query."""
    queries = []
    for history in HISTORIES.values():
        keys = [change.key for change in changes if change.history is history]
        if not keys:
            continue
        rows = history.rows
        columns = {each.attname: F(each.attname) for each in columns_of(history)}
        earlier = rows.objects.filter(id=OuterRef("id"), history_id__lt=OuterRef("history_id"))
        queries.append(
            rows.objects.filter(history_id__in=keys)
            .order_by()
            .annotate(
                label=Value(history.label, output_field=CharField()),
                row=JSONObject(**columns),
                before=Subquery(
                    earlier.order_by("-history_id").annotate(row=JSONObject(**columns)).values("row")[:1]
                ),
            )
            .values_list("label", "history_id", "row", "before")
        )
    if not queries:
        return
    found = queries[0].union(*queries[1:], all=True)
    rows_of = {(label, key): (row, before) for label, key, row, before in found}
    for change in changes:
        change.row, change.before = rows_of[change.history.label, change.key]


def _entries(changes: Sequence[HistoryChange]) -> Iterator[TimelineEntry]:
    names = RowNames(reference for change in changes for reference in references_of(change))
    for change in changes:
        title = title_of(change, names)
        if title:
            yield TimelineEntry(
                position=change.position,
                kind=change.history.kind,
                title=title,
                details=tuple(details_of(change, names)),
                by=names.name(get_user_model(), change.user_id),
                url=page_of_row(change),
                group=change.reason if change.reason.startswith(IMPORTED) else "",
            )


def _has(entry: TimelineEntry, text: str) -> bool:
    return not text or any(text.lower() in words.lower() for words in (entry.title, *entry.details))
