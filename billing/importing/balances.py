"""What a customer may use: balances with their grants and rollovers, and flags."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from django.db.models import F
from msgspec import UNSET

from billing import documents
from billing.catalogue import present, price_columns
from billing.documents import BillingCustomer
from billing.importing.batch import Batch, Items, Kind, listed, marking
from billing.models import Balance, Flag, Grant, Rollover
from customers.importing import Incoming
from customers.wire import LARGEST, Refused, within

Document = Incoming[BillingCustomer]
_GrantItem = tuple[str, documents.BreakdownRow]


def apply_balances(batch: Batch) -> None:
    """Balances with their grants and rollovers. The grants of a balance that is no longer listed have ended."""
    lists = listed(batch, _balances)
    mark = marking(batch, "removed_at")
    gone: list[Balance] = []

    def remove(rows: list[Balance]) -> None:
        gone.extend(rows)
        mark(rows)

    standing = {
        (balance.customer_id, sent.feature_id): balance
        for sent, balance in _BALANCES.sync(batch, lists, remove)
    }
    incoming_of = {each.incoming.customer.pk: each.incoming for each in lists}
    grants: list[Items[_GrantItem]] = []
    rollovers: list[Items[documents.Rollover]] = []
    for each in lists:
        for sent in each.listed:
            balance = standing[each.incoming.customer.pk, sent.feature_id]
            rows = [(sent.feature_id, row) for row in documents.rows_of(sent)]
            grants.append(Items(each.incoming, balance, rows))
            rollovers.append(Items(each.incoming, balance, present(sent.rollovers) or []))
    for balance in gone:
        grants.append(Items(incoming_of[balance.customer_id], balance, []))
        rollovers.append(Items(incoming_of[balance.customer_id], balance, []))
    _GRANTS.sync(batch, grants, marking(batch, "ended_at"))
    _ROLLOVERS.sync(batch, rollovers)


def apply_flags(batch: Batch) -> None:
    """Boolean features."""
    _FLAGS.sync(batch, listed(batch, _flags))


def _balances(document: BillingCustomer) -> Any:
    return UNSET if document.balances is UNSET else document.balances.values()


def _flags(document: BillingCustomer) -> Any:
    return UNSET if document.flags is UNSET else document.flags.values()


def _balance(
    batch: Batch, incoming: Document, sent: documents.Balance, ours: Balance | None
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


def _grant(batch: Batch, incoming: Document, item: _GrantItem, ours: Grant | None) -> dict[str, Any]:
    feature_id, sent = item
    for name in ("included_grant", "usage"):
        if abs(getattr(sent, name)) >= LARGEST:
            raise Refused(
                within("$.balances", feature_id),
                "Less the rollovers, the balance is out of range: at most 15 digits before the point.",
            )
    reset = sent.reset
    return {
        "grant_id": present(sent.id) or "",
        "plan_id": batch.plan_key(incoming, sent.plan_id, ours.plan if ours else None),
        "included_grant": sent.included_grant,
        "prepaid_grant": sent.prepaid_grant,
        "usage": sent.usage,
        "unlimited": sent.unlimited,
        "reset_interval": reset.interval if reset else "",
        "reset_interval_count": reset and present(reset.interval_count),
        "next_reset_at": reset and reset.resets_at,
        **price_columns(sent.price),
        "expires_at": sent.expires_at,
        "ended_at": None,
    }


def _rollover(
    batch: Batch, incoming: Document, sent: documents.Rollover, ours: Rollover | None
) -> dict[str, Any]:
    return {
        "granted": sent.balance if sent.granted is UNSET else sent.granted,
        "left": sent.balance,
        "expires_at": sent.expiry,
    }


def _flag(batch: Batch, incoming: Document, sent: documents.Flag, ours: Flag | None) -> dict[str, Any]:
    return {
        "feature_id": batch.feature_key(sent.feature_id),
        "flag_id": sent.id,
        "plan_id": batch.plan_key(incoming, sent.plan_id, ours.plan if ours else None),
        "expires_at": sent.expires_at,
    }


_BALANCES = Kind[Balance, documents.Balance](
    model=Balance,
    key_of_item=lambda sent: sent.feature_id,
    key_of_row=lambda row: row.feature.feature_id,
    columns=_balance,
    is_shared=True,
    related=("feature",),
)
_GRANTS = Kind[Grant, _GrantItem](
    model=Grant,
    key_of_item=_grant_of_item,
    key_of_row=_grant_of_row,
    columns=_grant,
    parent="balance",
    scope="balance__customer",
    is_shared=True,
    related=("plan",),
    # Of rows that look alike, those that still count come first.
    order=(F("ended_at").asc(nulls_first=True), "position", "pk"),
)
_ROLLOVERS = Kind[Rollover, documents.Rollover](
    model=Rollover,
    key_of_item=lambda sent: None,
    key_of_row=lambda row: None,
    columns=_rollover,
    parent="balance",
    scope="balance__customer",
)
_FLAGS = Kind[Flag, documents.Flag](
    model=Flag,
    key_of_item=lambda sent: sent.feature_id,
    key_of_row=lambda row: row.feature.feature_id,
    columns=_flag,
    is_shared=True,
    related=("feature", "plan"),
)
