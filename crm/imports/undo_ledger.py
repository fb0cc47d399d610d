"""Reverse what an import posted to the ledger, which is written once, and close the rows that it is about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from billing.ledger.entries import FigureChange, LedgerBatch, PostingDraft, locked_balances
from billing.models import Balance, Grant, LedgerEntry, Posting, Rollover
from customers import clock
from customers.bulk import pieces, update_rows

#: The columns of grants and rollovers that only ledger entries change.
FIGURES = frozenset({"included_grant", "prepaid_grant", "usage", "granted", "left", "entries"})


def reverse_postings(
    keys: Sequence[str], created: Collection[str], same: Collection[str], reason: str
) -> int:
    """Reverse postings of an import by entries of the opposite amounts. Return how many.

    What is done with a grant since stays: one that the import `created` is only reversed if it is the `same` as it was,
    and one that has ended or was reset since is left alone. Runs in the caller's transaction.
    """
    entries = [
        entry
        for piece in pieces(keys)
        for entry in LedgerEntry.objects.filter(posting__pk__in=piece, posting__reversals=None)
        .select_related("posting", "grant__balance", "rollover__balance")
        .order_by("-number")
    ]
    locked_balances({str(entry.owner.balance.customer_id) for entry in entries})
    rows: dict[str, Grant | Rollover] = {}
    changes: dict[str, list[FigureChange]] = defaultdict(list)
    postings: dict[str, Posting] = {}
    resets = _resets([str(entry.grant_id) for entry in entries if entry.grant_id])
    for entry in entries:
        row = rows.setdefault(str(entry.owner.pk), entry.owner)
        key = str(row.pk)
        is_changed = key in created and key not in same
        if is_changed or row.ended_at is not None or resets.get(key, 0) > entry.number:
            continue
        postings[str(entry.posting_id)] = entry.posting
        changes[str(entry.posting_id)].append(FigureChange(row, entry.figure, entry.amount.copy_negate()))
    book = LedgerBatch()
    for key, of_posting in changes.items():
        posting = postings[key]
        book.add(
            PostingDraft(
                customer_id=of_posting[0].row.balance.customer_id,
                kind=Posting.Kind.IMPORT,
                feature_id=posting.feature_id,
                occurred_at=clock.now(),
                done_by="import",
                changes=of_posting,
                reason=reason,
                reverses_id=key,
            )
        )
    book.write()
    return len(changes)


def _resets(grants: Sequence[str]) -> dict[str, int]:
    """The number of the last entry of a reset, by grant."""
    found: dict[str, int] = {}
    for piece in pieces(grants):
        rows = LedgerEntry.objects.filter(grant__pk__in=piece, posting__kind=Posting.Kind.RESET)
        for grant, number in rows.values_list("grant", "number"):
            found[str(grant)] = max(number, found.get(str(grant), 0))
    return found


def close_rows(rows: Sequence[Any], reason: str) -> set[str]:
    """End grants and rollovers, and mark balances as removed, because the ledger is about them. Return their keys."""
    now = clock.now()
    grants = [row for row in rows if isinstance(row, Grant)]
    for row in grants:
        row.refresh_from_db()
        row.ended_at = row.ended_at or now
        row.subscription = row.purchase = row.entity = row.plan = None
    update_rows(grants, ["ended_at", "subscription", "purchase", "entity", "plan"], reason)
    rollovers = [row for row in rows if isinstance(row, Rollover)]
    for each in rollovers:
        each.refresh_from_db()
        each.ended_at = each.ended_at or now
    update_rows(rollovers, ["ended_at"], reason)
    balances = [row for row in rows if isinstance(row, Balance) and not _has_current_grants(row)]
    for balance in balances:
        balance.removed_at = now
    update_rows(balances, ["removed_at"], reason)
    return {str(row.pk) for row in (*grants, *rollovers, *balances)}


def _has_current_grants(balance: Balance) -> bool:
    return balance.grants.filter(ended_at=None).exists() or balance.rollovers.filter(ended_at=None).exists()
