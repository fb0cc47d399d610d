"""Sources that make one entry of each row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from crm.desk.timeline.entry import (
    EntryFilter,
    EntryKind,
    May,
    Position,
    SourceEntries,
    TimelineEntry,
    TimelineQuery,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSource:
    """A source whose entries are the rows of one query.

    `rows` returns all rows of some customers, `at` is the column of the moment, and `entry` makes an entry of a row.
    `text` are the lookups for a search. Who acted is in `by` (a foreign key to a user) or `by_name` (a user name).
    """

    name: str
    kind: EntryKind
    permission: str
    at: str
    rows: Callable[[Sequence[Any]], QuerySet[Any]]
    entry: Callable[[Any, Position], TimelineEntry]
    by: str = ""
    by_name: str = ""
    text: tuple[str, ...] = ()

    def visible_kinds(self, may: May) -> frozenset[EntryKind]:
        return frozenset({self.kind}) if may(self.permission) else frozenset()

    def read(self, query: TimelineQuery, entry_filter: EntryFilter) -> SourceEntries:
        """The first entries, in one query."""
        rows = self._filtered(query)
        if rows is None:
            return SourceEntries(())
        found = list(rows.order_by(f"-{self.at}", "-pk")[: query.limit + 1])
        entries = [self.entry(row, self._position(row)) for row in found[: query.limit]]
        return SourceEntries(entries, entries[-1].position if len(found) > query.limit else None)

    def first_moments(self, query: TimelineQuery, count: int) -> QuerySet[Any] | None:
        """The first `count` rows in any order, without their columns; None if the query leaves all of them out."""
        rows = self._filtered(query)
        if rows is None:
            return None
        first = rows.order_by(f"-{self.at}", "-pk").values("pk")[:count]
        found: QuerySet[Any] = rows.model._default_manager.filter(pk__in=first).order_by()
        return found

    def _position(self, row: Any) -> Position:
        return Position(getattr(row, self.at), self.name, str(row.pk))

    def _filtered(self, query: TimelineQuery) -> QuerySet[Any] | None:
        """The matching rows; None if the query filters by something that these rows don't have."""
        if (query.person is not None and not (self.by or self.by_name)) or (query.text and not self.text):
            return None
        rows = self.rows(query.customer_ids).filter(**{f"{self.at}__isnull": False})
        if query.since is not None:
            rows = rows.filter(**{f"{self.at}__gte": query.since})
        if query.until is not None:
            rows = rows.filter(**{f"{self.at}__lt": query.until})
        if query.before is not None:
            rows = rows.filter(_below(query.before, self.name, rows, self.at))
        if query.person is not None:
            actor = {self.by: query.person} if self.by else {self.by_name: query.person.get_username()}
            rows = rows.filter(**actor)
        if query.text:
            anywhere = Q()
            for lookup in self.text:
                anywhere |= Q(**{f"{lookup}__icontains": query.text})
            rows = rows.filter(anywhere)
        return rows


def _below(before: Position, name: str, rows: QuerySet[Any], at: str) -> Q:
    """The rows of the source `name` after position `before`."""
    earlier = Q(**{f"{at}__lt": before.at})
    if name < before.source:
        return Q(**{f"{at}__lte": before.at})
    if name > before.source:
        return earlier
    try:
        last = rows.model._meta.pk.to_python(before.key)
    except ValidationError:
        return earlier
    return earlier | Q(**{at: before.at, "pk__lt": last})
