"""An entry of the timeline, the place where it stands, and what one may ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol, Self

from django.db import models

#: Whether somebody has a permission.
May = Callable[[str], bool]

#: Longer values are cut in a title or a detail.
LONGEST = 200


class EntryKind(models.TextChoices):
    """What an entry is about, as one chooses by it."""

    NOTE = "note", "Notes"
    CONTACT = "contact", "Calls, meetings and mails"
    TASK = "task", "Tasks"
    CHANGE = "change", "Changes of the record"
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
    """Where an entry stands: what happened later stands before it, and at one moment the greater source and key."""

    at: datetime
    source: str
    key: str

    def __str__(self) -> str:
        at = self.at.astimezone(UTC).replace(tzinfo=None)
        return f"{at.isoformat(timespec='microseconds')}~{self.source}~{self.key}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The position that an address names; None if it names none."""
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
    """Something that happened. Everything is plain text, `markdown` is a text in Markdown.

    Neighbours of one `group` belong together, as what one import did; of a `day`, the hour says nothing.
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
        """When it happened."""
        return self.position.at


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineQuery:
    """What one wants to see: at most `limit` entries of these customers below `before`, from `since` to before `until`.

    `person` is the user who did it, `text` is somewhere in it, in any case.
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
    """Entries, and how far down they are all there are: to and with `end`, to the beginning of time without one."""

    entries: Sequence[TimelineEntry]
    end: Position | None = None


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which kinds of entries are wanted, and whether whoever asks has a permission."""

    kinds: frozenset[EntryKind]
    may: May


class EntrySource(Protocol):
    """What knows of some kinds of things that happened."""

    def visible_kinds(self, may: May) -> frozenset[EntryKind]:
        """What its entries are about, of those that whoever has these permissions may see."""

    def read(self, query: TimelineQuery, entry_filter: EntryFilter) -> SourceEntries:
        """The first entries, in order, by a fixed number of queries."""


def short(text: str) -> str:
    """`text` on one line, cut where it is too long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def name_of(user: Any) -> str:
    """The full name of a user, or the user name; nothing for nobody."""
    return "" if user is None else str(user.get_full_name() or user.get_username())
