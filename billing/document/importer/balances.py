"""Imports balances with their grants and rollovers, and flags.

A changed figure becomes a ledger entry of the difference.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import F
from msgspec import UNSET

from billing.document import schema
from billing.document.importer.batch import ImportBatch, Items, ListMapping, listed, marking
from billing.document.importer.catalog import present, price_columns
from billing.document.schema import BillingCustomer
from billing.ledger.entries import FigureChange, LedgerBatch, PostingDraft, locked_balances
from billing.models import Balance, Flag, Grant, Posting, Purchase, Rollover, Subscription
from customers.ingest.importer import Incoming
from customers.json_types import LARGEST, Refused, within

Document = Incoming[BillingCustomer]


@dataclass(frozen=True, slots=True)
class _ReceivedFigures:
    """The figures of a grant or rollover in the document, by column."""

    row: Grant | Rollover
    values: dict[str, Decimal]


_GrantItem = tuple[str, schema.BreakdownRow]


def apply_balances(batch: ImportBatch) -> None:
    """Import balances. A balance that is no longer listed is marked as removed, and its grants end."""
    lists = listed(batch, _balances)
    locked_balances([str(each.incoming.customer.pk) for each in lists])
    mark = marking(batch, "removed_at")
    incoming_of = {each.incoming.customer.pk: each.incoming for each in lists}
    gone: list[Balance] = []

    def remove(rows: list[Balance]) -> None:
        gone.extend(rows)
        mark(rows)

    balances = {
        (balance.customer_id, sent.feature_id): balance
        for sent, balance in _BALANCES.sync(batch, lists, remove)
    }
    grants: list[Items[_GrantItem]] = []
    rollovers: list[Items[schema.Rollover]] = []
    for each in lists:
        for sent in each.listed:
            balance = balances[each.incoming.customer.pk, sent.feature_id]
            rows = [(sent.feature_id, row) for row in schema.rows_of(sent)]
            grants.append(Items(each.incoming, balance, rows))
            rollovers.append(Items(each.incoming, balance, present(sent.rollovers) or []))
    for balance in gone:
        grants.append(Items(incoming_of[balance.customer_id], balance, []))
        rollovers.append(Items(incoming_of[balance.customer_id], balance, []))
    received = [
        _ReceivedFigures(
            row,
            {"included_grant": sent.included_grant, "prepaid_grant": sent.prepaid_grant, "usage": sent.usage},
        )
        for (_, sent), row in _GRANTS.sync(batch, grants, marking(batch, "ended_at"))
    ]
    received += [
        _ReceivedFigures(row, {"granted": _carried_over(sent, row), "left": sent.balance})
        for sent, row in _ROLLOVERS.sync(batch, rollovers, marking(batch, "ended_at"))
    ]
    _post_differences(batch, {str(row.pk): row for row in balances.values()}, received)


def _post_differences(
    batch: ImportBatch, balances: dict[str, Balance], received: Iterable[_ReceivedFigures]
) -> None:
    """Post the differences: one posting for each balance with a changed figure."""
    changes: dict[str, list[FigureChange]] = {}
    for each in received:
        for figure, value in each.values.items():
            if (difference := value - getattr(each.row, figure)) != 0:
                changes.setdefault(str(each.row.balance_id), []).append(
                    FigureChange(each.row, figure, difference)
                )
    book = LedgerBatch()
    for balance_id, of_balance in changes.items():
        for change in of_balance:
            if isinstance(change.row, Grant) and change.figure == "included_grant":
                # The platform's figure replaces ours, adjustments included.
                change.row.adjusted = Decimal(0)
        balance = balances[balance_id]
        book.add(
            PostingDraft(
                customer_id=balance.customer_id,
                kind=Posting.Kind.IMPORT,
                feature_id=balance.feature_id,
                occurred_at=batch.now,
                done_by="import",
                reason=batch.reason,
                changes=of_balance,
            )
        )
    book.write()


def apply_flags(batch: ImportBatch) -> None:
    _FLAGS.sync(batch, listed(batch, _flags))


def _balances(document: BillingCustomer) -> Any:
    return UNSET if document.balances is UNSET else document.balances.values()


def _flags(document: BillingCustomer) -> Any:
    return UNSET if document.flags is UNSET else document.flags.values()


def _balance(
    batch: ImportBatch, incoming: Document, sent: schema.Balance, ours: Balance | None
) -> dict[str, Any]:
    return {
        "feature_id": batch.feature_key(sent.feature_id),
        "overage_allowed": sent.overage_allowed,
        "max_purchase": sent.max_purchase,
        "removed_at": None,
    }


def _grant_of_item(item: _GrantItem) -> Hashable:
    _, sent = item
    if sent.id is not UNSET:
        return "id", sent.id
    return "plan", sent.plan_id, sent.reset.interval if sent.reset else ""


def _grant_of_row(row: Grant) -> Hashable:
    if row.grant_id:
        return "id", row.grant_id
    if not row.imported:
        return "own", row.pk
    return "plan", row.plan and row.plan.plan_id, row.reset_interval


def _grant(batch: ImportBatch, incoming: Document, item: _GrantItem, ours: Grant | None) -> dict[str, Any]:
    feature_id, sent = item
    for name in ("included_grant", "usage"):
        if abs(getattr(sent, name)) >= LARGEST:
            raise Refused(
                within("$.balances", feature_id),
                "Without its rollovers, the balance has more than 15 digits before the decimal point.",
            )
    reset = sent.reset
    source = batch.attached.get((incoming.customer.pk, sent.plan_id)) if sent.plan_id else None
    return {
        "grant_id": present(sent.id) or "",
        "plan_id": batch.plan_key(incoming, sent.plan_id, ours.plan if ours else None),
        "subscription": source if isinstance(source, Subscription) else None,
        "purchase": source if isinstance(source, Purchase) else None,
        "unlimited": sent.unlimited,
        "reset_interval": reset.interval if reset else "",
        "reset_interval_count": reset and present(reset.interval_count),
        "next_reset_at": reset and reset.resets_at,
        **price_columns(sent.price),
        "expires_at": sent.expires_at,
        "ended_at": None,
    }


def _carried_over(sent: schema.Rollover, ours: Rollover) -> Decimal:
    """The amount carried over. If an older client leaves it out, our amount stays, but is at least what is left."""
    return max(sent.balance, ours.granted) if sent.granted is UNSET else sent.granted


def _rollover(
    batch: ImportBatch, incoming: Document, sent: schema.Rollover, ours: Rollover | None
) -> dict[str, Any]:
    return {"expires_at": sent.expiry, "ended_at": None}


def _flag(batch: ImportBatch, incoming: Document, sent: schema.Flag, ours: Flag | None) -> dict[str, Any]:
    return {
        "feature_id": batch.feature_key(sent.feature_id),
        "flag_id": sent.id,
        "plan_id": batch.plan_key(incoming, sent.plan_id, ours.plan if ours else None),
        "expires_at": sent.expires_at,
    }


_BALANCES = ListMapping[Balance, schema.Balance](
    model=Balance,
    key_of_item=lambda sent: sent.feature_id,
    key_of_row=lambda row: row.feature.feature_id,
    columns=_balance,
    is_shared=True,
    stays_ours=True,
    related=("feature",),
)
_GRANTS = ListMapping[Grant, _GrantItem](
    model=Grant,
    key_of_item=_grant_of_item,
    key_of_row=_grant_of_row,
    columns=_grant,
    parent="balance",
    is_shared=True,
    stays_ours=True,
    related=("plan",),
    # Of rows with the same key, those that still count come first.
    order=(F("ended_at").asc(nulls_first=True), "position", "pk"),
)
_ROLLOVERS = ListMapping[Rollover, schema.Rollover](
    model=Rollover,
    key_of_item=lambda sent: sent.expiry,
    key_of_row=lambda row: row.expires_at,
    columns=_rollover,
    parent="balance",
    is_shared=True,
    stays_ours=True,
    order=(F("ended_at").asc(nulls_first=True), "position", "pk"),
)
_FLAGS = ListMapping[Flag, schema.Flag](
    model=Flag,
    key_of_item=lambda sent: sent.feature_id,
    key_of_row=lambda row: row.feature.feature_id,
    columns=_flag,
    is_shared=True,
    stays_ours=True,
    related=("feature", "plan"),
)
