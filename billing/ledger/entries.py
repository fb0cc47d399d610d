"""Write to the ledger: the only way in which a figure of a grant or rollover changes.

Every ledger entry is made by `next_entry`, which numbers it and works out the figure after it. The PostgreSQL function
`billing_record_plain_use` repeats that for one usage; a property test holds it to this module.

The caller locks the balances first (`locked_balances`), so that nothing else changes them until its transaction ends. A
mistake is corrected by a posting that reverses another one, once (`reverse`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import transaction

from billing.models import Balance, Grant, LedgerEntry, Posting, Rollover
from billing.rules.exact import EXACT
from billing.rules.moments import ahead_problem
from customers import clock
from customers.audit.record import audit
from customers.bulk import create_rows, update_rows
from customers.lookup import survivor_of
from customers.models import AuditAction

#: The columns that are written with a posting: figures, and what may change together with them.
GRANT_COLUMNS = (
    "included_grant",
    "prepaid_grant",
    "usage",
    "adjusted",
    "billed_overage",
    "entries",
    "scheduled_amount",
    "next_reset_at",
    "last_reset_at",
    "anchor_day",
    "expires_at",
    "ended_at",
)
ROLLOVER_COLUMNS = ("grant", "granted", "left", "entries", "expires_at", "ended_at")


class CannotReverse(Exception):
    """The posting cannot be reversed; the message is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class FigureChange:
    """`amount` to add to a figure of a grant or rollover. `figure` is the name of its column."""

    row: Grant | Rollover
    figure: str
    amount: Decimal


class EntryValues(NamedTuple):
    """The values of one ledger entry. One of `grant_id` and `rollover_id` is set."""

    grant_id: str | None
    rollover_id: str | None
    figure: str
    number: int
    amount: Decimal
    after: Decimal

    def as_entry(self, posting: Posting) -> LedgerEntry:
        """The entry as a row of `posting`."""
        return LedgerEntry(posting=posting, **self._asdict())


@dataclass(slots=True, kw_only=True)
class PostingDraft:
    """A posting to write. `feature_id` and the other IDs are primary keys."""

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

    def as_posting(self, recorded_at: datetime) -> Posting:
        """The posting as a row."""
        return Posting(
            customer_id=self.customer_id,
            kind=self.kind,
            feature_id=self.feature_id,
            entity_id=self.entity_id,
            amount=self.amount,
            occurred_at=self.occurred_at,
            recorded_at=recorded_at,
            done_by=self.done_by,
            reason=self.reason,
            key=self.key,
            digest=self.digest,
            answer=self.answer,
            reverses_id=self.reverses_id,
        )


def next_entry(
    row_model: type[Grant | Rollover],
    row_id: str,
    figure: str,
    amount: Decimal,
    *,
    entries: int,
    before: Decimal,
) -> EntryValues:
    """The entry that adds `amount` to a figure that was `before`, on a row that has `entries` entries so far."""
    is_grant = row_model is Grant
    return EntryValues(
        grant_id=row_id if is_grant else None,
        rollover_id=None if is_grant else row_id,
        figure=figure,
        number=entries + 1,
        amount=amount,
        after=EXACT.add(before, amount),
    )


def apply_change(change: FigureChange) -> EntryValues | None:
    """Change the row in memory, and return the entry for it. A change of 0 has no entry."""
    if not change.amount:
        return None
    row = change.row
    entry = next_entry(
        type(row),
        row.pk,
        change.figure,
        change.amount,
        entries=row.entries,
        before=getattr(row, change.figure),
    )
    setattr(row, change.figure, entry.after)
    row.entries = entry.number
    return entry


@dataclass(slots=True)
class LedgerBatch:
    """Postings and entries to write together, with the grants and rollovers that they change.

    `add` applies a draft to its rows in memory; `write` writes everything in the caller's transaction. New rows are
    created.
    """

    postings: list[Posting] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)
    _changed: dict[str, Grant | Rollover] = field(default_factory=dict)
    _touched: dict[str, Grant | Rollover] = field(default_factory=dict)

    def add(self, draft: PostingDraft) -> Posting | None:
        """Apply the draft and return its posting; None if it changes nothing and has no idempotency key."""
        values: list[EntryValues] = []
        for change in draft.changes:
            if (entry := apply_change(change)) is not None:
                values.append(entry)
                self._changed[str(change.row.pk)] = change.row
        if not values and draft.key is None:
            return None
        posting = draft.as_posting(clock.now())
        self.postings.append(posting)
        self.entries += [entry.as_entry(posting) for entry in values]
        return posting

    def touch(self, row: Grant | Rollover) -> None:
        """Write the row with its history, because something other than a figure changes too."""
        self._changed[str(row.pk)] = self._touched[str(row.pk)] = row

    def write(self) -> None:
        """Write rows, postings and entries. Rows come first, because entries refer to them."""
        rows = list(self._changed.values())
        for model, columns in ((Grant, GRANT_COLUMNS), (Rollover, ROLLOVER_COLUMNS)):
            of_model = [row for row in rows if isinstance(row, model)]
            existing = [row for row in of_model if not row._state.adding]
            create_rows([row for row in of_model if row._state.adding], reason="")
            with_history = [row for row in existing if str(row.pk) in self._touched]
            update_rows(existing, columns, reason="", history_of=with_history)
        create_rows(self.postings, reason="")
        create_rows(self.entries, reason="")
        self.postings, self.entries, self._changed, self._touched = [], [], {}, {}


def post(*drafts: PostingDraft, touched: Iterable[Grant | Rollover] = ()) -> list[Posting]:
    """Write the drafts and the rows that they change; `touched` rows change in other columns too.

    Runs in the caller's transaction, which has locked the balances.
    """
    batch = LedgerBatch()
    for draft in drafts:
        batch.add(draft)
    for row in touched:
        batch.touch(row)
    postings = list(batch.postings)
    batch.write()
    return postings


def count_adjustments(changes: Iterable[FigureChange]) -> None:
    """Add the changes of included grants to `Grant.adjusted`, which the next reset removes again."""
    for change in changes:
        if isinstance(change.row, Grant) and change.figure == LedgerEntry.Figure.INCLUDED_GRANT:
            change.row.adjusted = EXACT.add(change.row.adjusted, change.amount)


def locked_balances(customer_ids: Iterable[str], feature_ids: Iterable[str] | None = None) -> list[Balance]:
    """The customers' balances (of these features), locked until the transaction ends.

    Balances are locked in the order of their IDs, so that two transactions that lock the same ones cannot deadlock.
    """
    balances = Balance.objects.filter(customer_id__in=customer_ids)
    if feature_ids is not None:
        balances = balances.filter(feature_id__in=feature_ids)
    return list(balances.order_by("pk").select_for_update(no_key=True))


@transaction.atomic
def reverse(posting: Posting, *, done_by: str, reason: str, at: datetime | None = None) -> Posting:
    """Reverse everything that a posting changed, by entries of the opposite amounts.

    Raises `CannotReverse` if the posting was reversed before, is itself a reversal, or if its grant has ended or was
    reset since, because a reset starts its figures over.
    """
    now = clock.now()
    if at is not None and (problem := ahead_problem(at, now)):
        raise CannotReverse(problem)
    customer_id = _locked_survivor_of(posting.customer_id)
    if posting.reverses_id is not None:
        raise CannotReverse("This entry reverses another one. To undo it, record the original again.")
    if Posting.objects.filter(reverses=posting).exists():
        raise CannotReverse("This entry was reversed before.")
    if posting.kind == Posting.Kind.MERGE:
        raise CannotReverse("This entry is part of a merge. Undo the merge instead.")
    entries = list(posting.entries.select_related("grant__balance", "rollover__balance").order_by("-number"))
    if not entries:
        raise CannotReverse("This entry changed nothing.")
    if any(entry.owner.balance.customer_id != customer_id for entry in entries):
        raise CannotReverse("What this entry changed moved to another customer when a merge was undone.")
    rows: dict[str, Grant | Rollover] = {}
    changes = []
    for entry in entries:
        row = rows.setdefault(str(entry.owner.pk), entry.owner)
        if row.ended_at is not None:
            raise CannotReverse("The grant or rollover that this entry changed has ended.")
        if _was_reset_since(entry):
            raise CannotReverse("The grant that this entry changed was reset since.")
        changes.append(FigureChange(row, entry.figure, entry.amount.copy_negate()))
    if posting.kind == Posting.Kind.ADJUSTMENT:
        count_adjustments(changes)
    (made,) = post(
        PostingDraft(
            customer_id=customer_id,
            kind=Posting.Kind(posting.kind),
            occurred_at=at or now,
            done_by=done_by,
            changes=changes,
            reason=reason,
            feature_id=posting.feature_id,
            entity_id=posting.entity_id,
            amount=None if posting.amount is None else posting.amount.copy_negate(),
            reverses_id=str(posting.pk),
        )
    )
    audit(
        AuditAction.BALANCE_ADJUSTED,
        customer_id,
        str(made.pk),
        details={"reason": reason},
        verb="reversed",
    )
    return made


def _locked_survivor_of(customer_id: str) -> str:
    """The customer's merge survivor, with its balances locked."""
    while True:
        found = survivor_of(customer_id)
        locked_balances([found])
        # The customer may have been merged again while this waited for the locks.
        if survivor_of(found) == found:
            return found
        customer_id = found


def _was_reset_since(entry: LedgerEntry) -> bool:
    later = LedgerEntry.objects.filter(number__gt=entry.number, posting__kind=Posting.Kind.RESET)
    return entry.grant_id is not None and later.filter(grant=entry.grant_id).exists()
