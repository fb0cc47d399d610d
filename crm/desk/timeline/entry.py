"""Timeline entries, their position, and the interface of their sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol, Self

from django.db import models

from customers.formats import local

#: Whether the user has a permission, as `User.has_perm`.
May = Callable[[str], bool]

#: Titles and details are cut after this many characters.
LONGEST = 200


class EntryKind(models.TextChoices):
    """What an entry is about; the timeline's filter offers these."""

    NOTE = "note", "Notes"
    CONTACT = "contact", "Calls, meetings, emails"
    TASK = "task", "Tasks"
    CHANGE = "change", "Record changes"
    SUBSCRIPTION = "subscription", "Subscriptions"
    INVOICE = "invoice", "Invoices and payments"
    BALANCE = "balance", "Balances"
    USAGE = "usage", "Usage"
    IMPORT = "import", "Imports"
    MERGE = "merge", "Merges"
    DECISION = "decision", "Worklist"

    @property
    def icon(self) -> str:
        """The name of a Material symbol."""
        return _ICONS[self]


_ICONS = {
    EntryKind.NOTE: "sticky_note_2",
    EntryKind.CONTACT: "call",
    EntryKind.TASK: "task_alt",
    EntryKind.CHANGE: "edit",
    EntryKind.SUBSCRIPTION: "autorenew",
    EntryKind.INVOICE: "receipt_long",
    EntryKind.BALANCE: "data_usage",
    EntryKind.USAGE: "bar_chart",
    EntryKind.IMPORT: "input",
    EntryKind.MERGE: "merge",
    EntryKind.DECISION: "checklist",
}


class Position(NamedTuple):
    """The sort key of an entry. Newest first; at the same moment, the greater source and key come first."""

    at: datetime
    source: str
    key: str

    def __str__(self) -> str:
        at = self.at.astimezone(UTC).replace(tzinfo=None)
        return f"{at.isoformat(timespec='microseconds')}~{self.source}~{self.key}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Parse `str(position)`; None for anything else."""
        at, _, rest = text.partition("~")
        source, divided, key = rest.partition("~")
        if not divided:
            return None
        try:
            return cls(datetime.fromisoformat(at).replace(tzinfo=UTC), source, key)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """Something that happened, as plain text; only `markdown` is Markdown.

    Entries of the same `group` that are close in time are shown as one (all that an import changed). With `is_of_day` the time
    of day means nothing and isn't shown.
    """

    position: Position
    kind: EntryKind
    title: str
    details: tuple[str, ...] = ()
    markdown: str = ""
    by: str = ""
    url: str = ""
    group: str = ""
    is_of_day: bool = False

    @property
    def at(self) -> datetime:
        return self.position.at

    @property
    def has_time(self) -> bool:
        """Whether the time of day is shown; midnight usually stands for a day."""
        there = local(self.at)
        return not self.is_of_day and (there.hour, there.minute) != (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineQuery:
    """At most `limit` entries after position `before`, with `since` <= at < `until`.

    `person` is the user who acted. `text` is matched anywhere in the entry, ignoring case.
    """

    customer_ids: Sequence[Any]
    limit: int
    before: Position | None = None
    since: datetime | None = None
    until: datetime | None = None
    person: Any = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class SourceEntries:
    """The entries of one source. They are complete down to position `end`, or to the beginning of time if it is None."""

    entries: Sequence[TimelineEntry]
    end: Position | None = None


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which kinds of entries are requested, and the permissions of the user."""

    kinds: frozenset[EntryKind]
    may: May


class EntrySource(Protocol):
    """Where entries come from."""

    def visible_kinds(self, may: May) -> frozenset[EntryKind]:
        """The kinds of its entries that a user with these permissions may see."""

    def read(self, query: TimelineQuery, entry_filter: EntryFilter) -> SourceEntries:
        """The first entries in order, in a number of queries that doesn't depend on the amount of data."""


def short(text: str) -> str:
    """`text` on one line, cut after `LONGEST` characters."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
