"""One change of one row, and how it is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models
from django.utils.text import capfirst

from crm.desk.timeline.entry import Position, short
from crm.desk.timeline.histories import ADDED, CHANGED, DELETED, QUIET, History
from crm.desk.timeline.values import RowNames, key_of, shown
from customers.formats import page_of

#: The name of the source of changes.
SOURCE = "change"
_DIGITS = 12


@dataclass(slots=True)
class HistoryChange:
    """A row of a history and the one before it, if there is one: their columns by name, as the database's JSON."""

    history: History
    key: int
    at: datetime
    act: str
    reason: str
    user_id: Any
    row: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] | None = None

    @property
    def position(self) -> Position:
        """Where it stands."""
        return Position(self.at, SOURCE, f"{self.history.label}:{self.key:0{_DIGITS}d}")

    def differing(self) -> list[Any]:
        """The columns that hold something else than before."""
        if self.act != CHANGED or self.before is None:
            return []
        before = self.before
        return [each for each in columns_of(self.history) if self.row[each.attname] != before[each.attname]]

    def became(self, column: str) -> tuple[Any, Any] | None:
        """What a column held and holds, if that differs."""
        if self.act != CHANGED or self.before is None or self.before[column] == self.row[column]:
            return None
        return self.before[column], self.row[column]


@cache
def columns_of(history: History) -> list[Any]:
    """The columns of a history that say something of its rows, and the key of the row."""
    return [
        column
        for column in history.rows._meta.concrete_fields
        if not column.name.startswith("history_") and (column.name not in QUIET or column.name == "id")
    ]


def references_of(change: HistoryChange) -> Iterator[tuple[type[models.Model], Any]]:
    """The rows that have to be called by name."""
    yield get_user_model(), change.user_id
    told = {column.name for column in _told(change)} | set(change.history.named)
    for column in columns_of(change.history):
        if isinstance(column, models.ForeignKey) and column.name in told:
            for row in (change.row, change.before or {}):
                yield column.related_model, row.get(column.attname)


def title_of(change: HistoryChange, names: RowNames) -> str:
    """What happened, in words; nothing if that is nothing to tell."""
    what = _what(change, names)
    if change.act == ADDED:
        return f"{what} added"
    if change.act == DELETED:
        return f"{what} removed"
    special = _SPECIAL.get(change.history.label)
    told = special(change) if special else ""
    if told:
        return f"{what} {told}"
    return f"{what} changed" if change.before is None or _told(change) else ""


def details_of(change: HistoryChange, names: RowNames) -> Iterator[str]:
    """Old → new, column by column."""
    for column in _told(change):
        old, new = (
            shown(column, row[column.attname], names) for row in (change.before or change.row, change.row)
        )
        yield f"{capfirst(str(column.verbose_name))}: {old} → {new}"


def page_of_row(change: HistoryChange) -> str:
    """The page of the row, while there is one."""
    if change.act == DELETED:
        return ""
    model = change.history.model
    return page_of(model(pk=key_of(model, change.row["id"])), "history")


def _told(change: HistoryChange) -> list[Any]:
    return [each for each in change.differing() if each.name not in change.history.quiet]


def _what(change: HistoryChange, names: RowNames) -> str:
    by_name = {column.name: column for column in columns_of(change.history)}
    parts = []
    for name in change.history.named:
        column = by_name[name]
        value = change.row[column.attname]
        if value not in (None, ""):
            parts.append(shown(column, value, names))
    return f"{change.history.noun} “{short(', '.join(parts))}”" if parts else change.history.noun


def _task(change: HistoryChange) -> str:
    became = change.became("done_at")
    if became is None:
        return ""
    return "done" if became[1] is not None else "opened again"


def _subscription(change: HistoryChange) -> str:
    status, canceled = change.became("status"), change.became("canceled_at")
    if status is not None:
        return {"ended": "ended", "active": "began", "scheduled": "is to begin"}.get(status[1], "")
    if canceled is not None and (canceled[0] is None or canceled[1] is None):
        return "was cancelled" if canceled[0] is None else "goes on after all"
    if change.became("plan_id") is not None:
        return "takes the place of another plan"
    past_due = change.became("past_due")
    if past_due is not None:
        return "is past due" if past_due[1] else "is no longer past due"
    return "renewed" if change.became("current_period_start") is not None else ""


def _customer(change: HistoryChange) -> str:
    became = change.became("archived_at")
    if became is None:
        return ""
    return "archived" if became[1] is not None else "taken out of the archive"


_SPECIAL = {
    "billing.Subscription": _subscription,
    "crm.Task": _task,
    "customers.Customer": _customer,
}
