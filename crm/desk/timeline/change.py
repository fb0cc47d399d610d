"""One change of one row, and its wording."""

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
from customers.formats import DESK_PAGES, page_of_key
from customers.pinned_fields import LOCK_REASONS

SOURCE = "change"
#: Digits that a history key is padded to in a position, so that positions sort as text.
_DIGITS = 12


@dataclass(slots=True)
class HistoryChange:
    """A history row and the one before it, if any: columns by name, as the database's JSON has them."""

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
        return Position(self.at, SOURCE, f"{self.history.label}:{self.key:0{_DIGITS}d}")

    def differing(self) -> list[Any]:
        """The columns whose value changed."""
        if self.act != CHANGED or self.before is None:
            return []
        before = self.before
        return [each for each in columns_of(self.history) if self.row[each.attname] != before[each.attname]]

    def became(self, column: str) -> tuple[Any, Any] | None:
        """(old, new) of a column, or None if it didn't change."""
        if self.act != CHANGED or self.before is None or self.before[column] == self.row[column]:
            return None
        return self.before[column], self.row[column]


@cache
def columns_of(history: History) -> list[Any]:
    """The columns of a history that mean something to a person, and the row's key."""
    return [
        column
        for column in history.rows._meta.concrete_fields
        if not column.name.startswith("history_") and (column.name not in QUIET or column.name == "id")
    ]


def references_of(change: HistoryChange) -> Iterator[tuple[type[models.Model], Any]]:
    """(model, key) of every row whose name the entry shows."""
    yield get_user_model(), change.user_id
    shown_columns = {column.name for column in _visible(change)} | set(change.history.named)
    for column in columns_of(change.history):
        if isinstance(column, models.ForeignKey) and column.name in shown_columns:
            for row in (change.row, change.before or {}):
                yield column.related_model, row.get(column.attname)


def title_of(change: HistoryChange, names: RowNames) -> str:
    """What happened, in words; empty if nothing that a person sees has changed."""
    what = _what(change, names)
    if change.act == ADDED:
        return f"{what} added"
    if change.act == DELETED:
        return f"{what} removed"
    special = _SPECIAL.get(change.history.label)
    verb = special(change) if special else ""
    if verb:
        return f"{what} {verb}"
    if change.before is None or _visible(change):
        return f"{what} changed"
    # Locking a field changes no column that a history keeps.
    return f"{what}: {change.reason}" if change.reason.startswith(LOCK_REASONS) else ""


def details_of(change: HistoryChange, names: RowNames) -> Iterator[str]:
    """`City: Arusha → Moshi` for each changed column."""
    for column in _visible(change):
        old, new = (
            shown(column, row[column.attname], names) for row in (change.before or change.row, change.row)
        )
        yield f"{capfirst(str(column.verbose_name))}: {old} → {new}"


def page_of_row(change: HistoryChange) -> str:
    """The URL of the row's own page; empty for a deleted row, and for one without a page."""
    model = change.history.model
    if change.act == DELETED or model._meta.label_lower not in DESK_PAGES:
        return ""
    return page_of_key(model, key_of(model, change.row["id"]))


def _visible(change: HistoryChange) -> list[Any]:
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
    return "completed" if became[1] is not None else "reopened"


def _subscription(change: HistoryChange) -> str:
    status, canceled = change.became("status"), change.became("canceled_at")
    if status is not None:
        return {"ended": "ended", "active": "started", "scheduled": "scheduled"}.get(status[1], "")
    if canceled is not None and (canceled[0] is None or canceled[1] is None):
        return "canceled" if canceled[0] is None else "resumed"
    if change.became("plan_id") is not None:
        return "moved to another plan"
    past_due = change.became("past_due")
    if past_due is not None:
        return "became past due" if past_due[1] else "is no longer past due"
    return "renewed" if change.became("current_period_start") is not None else ""


def _customer(change: HistoryChange) -> str:
    became = change.became("archived_at")
    if became is None:
        return ""
    return "archived" if became[1] is not None else "unarchived"


_SPECIAL = {
    "billing.Subscription": _subscription,
    "crm.Task": _task,
    "customers.Customer": _customer,
}
