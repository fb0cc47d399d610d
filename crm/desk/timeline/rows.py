"""Entries that are each made of one row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from crm.desk.timeline.entry import Asked, Entry, Found, Kind, May, Position, Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A source whose entries are rows of one query.

    `rows` are all rows of some customers, `at` is the column that says when, `entry` makes an entry of a row; `text`
    are lookups that search it, and `by` names who did it: a foreign key to a user, or with `by_name` the user name.
    """

    name: str
    kind: Kind
    permission: str
    at: str
    rows: Callable[[Sequence[Any]], QuerySet[Any]]
    entry: Callable[[Any, Position], Entry]
    by: str = ""
    by_name: str = ""
    text: tuple[str, ...] = ()

    def seen_by(self, may: May) -> frozenset[Kind]:
        """Its one kind, for whoever may see the rows."""
        return frozenset({self.kind}) if may(self.permission) else frozenset()

    def read(self, asked: Asked, wanted: Wanted) -> Found:
        """The first entries, in one query."""
        rows = self._narrowed(asked)
        if rows is None:
            return Found(())
        found = list(rows.order_by(f"-{self.at}", "-pk")[: asked.limit + 1])
        entries = [self.entry(row, self._position(row)) for row in found[: asked.limit]]
        return Found(entries, entries[-1].position if len(found) > asked.limit else None)

    def _position(self, row: Any) -> Position:
        return Position(getattr(row, self.at), self.name, str(row.pk))

    def _narrowed(self, asked: Asked) -> QuerySet[Any] | None:
        """The rows to choose from; None where there can be none."""
        if (asked.person is not None and not (self.by or self.by_name)) or (asked.text and not self.text):
            return None
        rows = self.rows(asked.customer_ids).filter(**{f"{self.at}__isnull": False})
        if asked.since is not None:
            rows = rows.filter(**{f"{self.at}__gte": asked.since})
        if asked.until is not None:
            rows = rows.filter(**{f"{self.at}__lt": asked.until})
        if asked.before is not None:
            rows = rows.filter(_below(asked.before, self.name, rows, self.at))
        if asked.person is not None:
            who = {self.by: asked.person} if self.by else {self.by_name: asked.person.get_username()}
            rows = rows.filter(**who)
        if asked.text:
            anywhere = Q()
            for lookup in self.text:
                anywhere |= Q(**{f"{lookup}__icontains": asked.text})
            rows = rows.filter(anywhere)
        return rows


def _below(before: Position, name: str, rows: QuerySet[Any], at: str) -> Q:
    """The rows of the source `name` that stand below `before`."""
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
