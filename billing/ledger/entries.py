"""Post to the ledger: the one way in which a figure of a grant or a rollover changes.

Whoever posts holds the rows' balances (`locked_balances`), so that nobody else changes them meanwhile. A mistake is
corrected by a posting that takes back another, once (`reverse`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from django.db import transaction

from billing.models import Balance, Grant, LedgerEntry, Posting, Rollover
from customers import clock
from customers.bulk import create_rows, update_rows
from customers.lookup import survivor_of

#: The columns that a posting may change beside its figures are written with them.
GRANT_COLUMNS = (
    "included_grant",
    "prepaid_grant",
    "usage",
    "adjusted",
    "entries",
    "next_reset_at",
    "anchor_day",
    "expires_at",
    "ended_at",
)
ROLLOVER_COLUMNS = ("grant", "granted", "left", "entries", "expires_at", "ended_at")

_EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)


class CannotReverse(Exception):
    """The posting cannot be taken back; the message says why."""


@dataclass(frozen=True, slots=True)
class FigureChange:
    """`amount` to be added to a figure (the name of its column) of a grant or a rollover."""

    row: Grant | Rollover
    figure: str
    amount: Decimal


@dataclass(slots=True, kw_only=True)
class PostingDraft:
    """A posting to be made. `feature_id` and the like are keys of rows."""

    customer_id: str
    kind: Posting.Kind
    occurred_at: datetime
    done_by: str
    changes: Sequence[FigureChange] = ()
    reason: str = ""
    feature_id: str | None = None
    entity_id: str | None = None
    amount: Decimal | None = None
    key: str | None = None
    digest: str = ""
    answer: Any = None
    reverses_id: str | None = None


@dataclass(slots=True)
class LedgerBatch:
    """Postings and entries to be written together, with the grants and rollovers that they change.

    `add` applies a draft to its rows in memory; `write` brings it all into the database, in the caller's
    transaction. Rows that are new are created.
    """

    postings: list[Posting] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)
    _changed: dict[str, Grant | Rollover] = field(default_factory=dict)
    _touched: dict[str, Grant | Rollover] = field(default_factory=dict)

    def add(self, draft: PostingDraft) -> Posting | None:
        """Apply the draft; None if it changes nothing and has no key to remember."""
        changes = [change for change in draft.changes if change.amount]
        if not changes and draft.key is None:
            return None
        posting = Posting(
            customer_id=draft.customer_id,
            kind=draft.kind,
            feature_id=draft.feature_id,
            entity_id=draft.entity_id,
            amount=draft.amount,
            occurred_at=draft.occurred_at,
            recorded_at=clock.now(),
            done_by=draft.done_by,
            reason=draft.reason,
            key=draft.key,
            digest=draft.digest,
            answer=draft.answer,
            reverses_id=draft.reverses_id,
        )
        self.postings.append(posting)
        for change in changes:
            self._enter(posting, change)
        return posting

    def touch(self, row: Grant | Rollover) -> None:
        """Write the row with the others, and its history: what changes is not, or not only, a figure."""
        self._changed[str(row.pk)] = self._touched[str(row.pk)] = row

    def write(self) -> None:
        """Bring everything into the database: rows first, since their entries go on from them."""
        rows = list(self._changed.values())
        for model, columns in ((Grant, GRANT_COLUMNS), (Rollover, ROLLOVER_COLUMNS)):
            ours = [row for row in rows if isinstance(row, model)]
            known = [row for row in ours if not row._state.adding]
            create_rows([row for row in ours if row._state.adding], reason="")
            told = [row for row in known if str(row.pk) in self._touched]
            update_rows(known, columns, reason="", history_of=told)
        create_rows(self.postings, reason="")
        create_rows(self.entries, reason="")
        self.postings, self.entries, self._changed, self._touched = [], [], {}, {}

    def _enter(self, posting: Posting, change: FigureChange) -> None:
        row = change.row
        after = _EXACT.add(getattr(row, change.figure), change.amount)
        setattr(row, change.figure, after)
        row.entries += 1
        entry = LedgerEntry(
            posting=posting, figure=change.figure, number=row.entries, amount=change.amount, after=after
        )
        if isinstance(row, Grant):
            entry.grant = row
        else:
            entry.rollover = row
        self.entries.append(entry)
        self._changed[str(row.pk)] = row


def post(*drafts: PostingDraft, touched: Iterable[Grant | Rollover] = ()) -> list[Posting]:
    """Write the drafts as postings and change their rows accordingly; `touched` are rows that change otherwise too.

    Runs in the caller's transaction, in which their balances are locked.
    """
    book = LedgerBatch()
    for draft in drafts:
        book.add(draft)
    for row in touched:
        book.touch(row)
    made = list(book.postings)
    book.write()
    return made


def locked_balances(customer_ids: Iterable[str], feature_ids: Iterable[str] | None = None) -> list[Balance]:
    """The customers' balances (of these features), which nobody else changes until the transaction ends.

    Locked in the order of their ids, so that two who want the same ones cannot wait for each other.
    """
    balances = Balance.objects.filter(customer_id__in=customer_ids)
    if feature_ids is not None:
        balances = balances.filter(feature_id__in=feature_ids)
    return list(balances.order_by("pk").select_for_update(no_key=True))


@transaction.atomic
def reverse(posting: Posting, *, done_by: str, reason: str, at: datetime | None = None) -> Posting:
    """Take back everything that a posting changed, by entries of the opposite amounts that name it.

    Raises `CannotReverse` for one that was taken back before, takes back another itself, or whose grant has
    ended or was reset since (its figures begin anew there).
    """
    customer_id = _held_survivor_of(posting.customer_id)
    if posting.reverses_id is not None:
        raise CannotReverse(
            "It takes back another posting itself. To undo that, do again what was taken back."
        )
    if Posting.objects.filter(reverses=posting).exists():
        raise CannotReverse("It was taken back before.")
    if posting.kind == Posting.Kind.MERGE:
        raise CannotReverse("It belongs to a merge of customers: undo that.")
    entries = list(posting.entries.select_related("grant__balance", "rollover__balance").order_by("-number"))
    if not entries:
        raise CannotReverse("It changed nothing.")
    if any(entry.owner.balance.customer_id != customer_id for entry in entries):
        raise CannotReverse("What it changed went to another customer when a merge was undone.")
    rows: dict[str, Grant | Rollover] = {}
    changes = []
    for entry in entries:
        row = rows.setdefault(str(entry.owner.pk), entry.owner)
        if row.ended_at is not None:
            raise CannotReverse("What it changed has ended since.")
        if _was_reset_since(entry):
            raise CannotReverse("What it changed was reset since, and has begun anew.")
        changes.append(FigureChange(row, entry.figure, entry.amount.copy_negate()))
    is_adjustment = posting.kind == Posting.Kind.ADJUSTMENT
    for change in changes:
        if is_adjustment and isinstance(change.row, Grant) and change.figure == "included_grant":
            change.row.adjusted = _EXACT.add(change.row.adjusted, change.amount)
    (made,) = post(
        PostingDraft(
            customer_id=customer_id,
            kind=Posting.Kind(posting.kind),
            occurred_at=at or clock.now(),
            done_by=done_by,
            changes=changes,
            reason=reason,
            feature_id=posting.feature_id,
            entity_id=posting.entity_id,
            amount=None if posting.amount is None else posting.amount.copy_negate(),
            reverses_id=str(posting.pk),
        )
    )
    return made


def _held_survivor_of(customer_id: str) -> str:
    """The customer that holds now what this one held when it was posted, with its balances locked."""
    while True:
        found = survivor_of(customer_id)
        locked_balances([found])
        if survivor_of(found) == found:
            return found
        customer_id = found


def _was_reset_since(entry: LedgerEntry) -> bool:
    later = LedgerEntry.objects.filter(number__gt=entry.number, posting__kind=Posting.Kind.RESET)
    return entry.grant_id is not None and later.filter(grant=entry.grant_id).exists()
