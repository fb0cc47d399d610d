"""The billing part of merging two customers, and of undoing it: one balance per feature, moved through the ledger.

A grant keeps its entries. When it moves to another customer, one posting subtracts its figures from the one customer and
another adds them to the other, so that each customer's entries add up to its balances.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Case, F, Model, Q, QuerySet, Value, When

from billing.ledger.entries import PostingDraft, next_entry
from billing.models import (
    Balance,
    Entity,
    Grant,
    Invoice,
    LedgerEntry,
    Posting,
    Purchase,
    Rollover,
    Subscription,
)
from customers.bulk import create_rows, write_history
from customers.row_snapshots import as_json, restore_snapshot, take_snapshot

_BATCH = 2000
_FIGURES: dict[type[Grant | Rollover], tuple[str, ...]] = {
    Grant: ("included_grant", "prepaid_grant", "usage"),
    Rollover: ("granted", "left"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """The customers that balances move from and to, with the time, the user and the reason."""

    from_customer_id: str
    to_customer_id: str
    at: datetime
    done_by: str
    reason: str


@dataclass(slots=True)
class JoinedBalances:
    """What an unmerge can't restore from `came_with`: balances that were deleted, and settings that were combined.

    `put_away` has snapshots of the deleted balances. Each setting is its name, the key of the balance, the column, and
    the values before and after.
    """

    put_away: list[dict[str, Any]] = field(default_factory=list)
    settings: list[tuple[str, str, str, Any, Any]] = field(default_factory=list)


def join_balances(handover: Handover) -> JoinedBalances:
    """Move a merged customer's balances to the survivor, in the caller's transaction, which has locked both.

    If both have a balance of a feature, the grants and rollovers move into the survivor's. Overage is then allowed if
    either balance allowed it, up to the larger limit. If only the merged customer has one, the balance itself moves.
    """
    ours = {row.feature_id: row for row in _rows(Balance, customer=handover.to_customer_id)}
    theirs = list(_rows(Balance, customer=handover.from_customer_id).order_by("pk"))
    if not theirs:
        return JoinedBalances()
    rows = [_rows(model, balance__in=theirs) for model in (Grant, Rollover)]
    for each in rows:
        each.filter(came_with=None).update(came_with=handover.from_customer_id)
    _hand_over(rows, handover)
    joined = JoinedBalances()
    for balance in theirs:
        own = ours.get(balance.feature_id)
        if own is None:
            continue
        for model in (Grant, Rollover):
            _rows(model, balance=balance).update(balance=own)
        joined.put_away.append(take_snapshot(balance))
        joined.settings += _combine(own, balance)
    _rows(Balance, pk__in=[away["columns"]["id"] for away in joined.put_away]).delete()
    moving = _rows(Balance, customer=handover.from_customer_id)
    moving.filter(came_with=None).update(
        customer=handover.to_customer_id, came_with=handover.from_customer_id
    )
    moving.update(customer=handover.to_customer_id)
    return joined


def take_apart(
    handover: Handover, homes: Collection[str], away: Iterable[dict[str, Any]]
) -> list[QuerySet[Any]]:
    """Undo `join_balances`. `homes`: the customer that gets its balances back, and the customers merged into it.

    Grants made since the merge move too if their subscription, purchase or entity goes back, with their rollovers.
    Returns these grants and rollovers.
    """
    held = _rows(Balance, customer=handover.from_customer_id)
    grants = _rows(Grant, balance__in=held)
    hanging = Q()
    for name, source in (("subscription", Subscription), ("purchase", Purchase), ("entity", Entity)):
        theirs = _rows(source, customer=handover.from_customer_id, came_with__in=homes)
        hanging |= Q(**{f"{name}__in": theirs})
    claimed = [_claim(grants.filter(hanging, came_with=None), handover.to_customer_id)]
    rollovers = _rows(Rollover, balance__in=held)
    theirs_now = grants.filter(came_with__in=homes)
    claimed.append(_claim(rollovers.filter(came_with=None, grant__in=theirs_now), handover.to_customer_id))
    _hand_over([theirs_now, rollovers.filter(came_with__in=homes)], handover)
    _part(handover, homes, [restore_snapshot(each) for each in away])
    for model in (Grant, Rollover):
        rows = _rows(model, balance__customer=handover.to_customer_id, came_with=handover.to_customer_id)
        rows.update(came_with=None)
    return claimed


def claim_dependents(survivor_id: str, other_id: str, homes: Collection[str]) -> list[QuerySet[Any]]:
    """Mark and return the rows created since the merge for the merged customer's subscriptions and entities."""

    def theirs(model: type[Model]) -> QuerySet[Any]:
        return _rows(model, customer=survivor_id, came_with__in=homes)

    def ours(model: type[Model]) -> QuerySet[Any]:
        return _rows(model, customer=survivor_id, came_with=None)

    claimed: list[QuerySet[Any]] = []
    hanging = Q(follows__in=theirs(Subscription)) | Q(entity__in=theirs(Entity))
    while (subscriptions := ours(Subscription).filter(hanging)).exists():
        claimed.append(_claim(subscriptions, other_id))
    claimed.append(_claim(ours(Purchase).filter(entity__in=theirs(Entity)), other_id))
    claimed.append(_claim(ours(Invoice).filter(subscription__in=theirs(Subscription)), other_id))
    return claimed


def write_histories(claimed: Iterable[QuerySet[Any]], reason: str) -> None:
    """Write a history row for each of these rows, because their histories so far show them only at the survivor."""
    for rows in claimed:
        write_history(list(rows), reason)


def _claim(rows: QuerySet[Any], other_id: str) -> QuerySet[Any]:
    keys = list(rows.values_list("pk", flat=True))
    claimed = _rows(rows.model, pk__in=keys)
    claimed.update(came_with=other_id)
    return claimed


def _rows(model: Any, *conditions: Q, **lookups: Any) -> QuerySet[Any]:
    """The rows of a model that meet the conditions."""
    rows: QuerySet[Any] = model.objects.filter(*conditions, **lookups)
    return rows


def _part(handover: Handover, homes: Collection[str], away: list[Any]) -> None:
    """Move the merged customer's grants and rollovers into its own balances, and keep the rest at the survivor."""
    survivor_id, merged_id = handover.from_customer_id, handover.to_customer_id
    moved = list(_rows(Balance, customer=survivor_id, came_with__in=homes).order_by("pk"))
    _rows(Balance, pk__in=[each.pk for each in moved]).update(
        customer=merged_id,
        came_with=Case(When(came_with=merged_id, then=Value(None)), default=F("came_with")),
    )
    create_rows(away, reason=handover.reason)
    kept = {row.feature_id: row for row in _rows(Balance, customer=survivor_id)}
    back = {str(row.feature_id): row for row in (*away, *moved)}
    for model in (Grant, Rollover):
        rows = _rows(model, came_with__in=homes, balance__customer=survivor_id)
        for feature_id in {str(key) for key in rows.values_list("balance__feature", flat=True)}:
            if feature_id not in back:
                back[feature_id] = _like(kept[feature_id], merged_id)
            of_feature = _rows(Balance, customer=survivor_id, feature=feature_id)
            rows.filter(balance__in=of_feature).update(balance=back[feature_id])
        for balance in moved:
            staying = _rows(model, balance=balance).exclude(came_with__in=homes)
            # `exclude` keeps the rows whose `came_with` is NULL.
            if staying.exists():
                if balance.feature_id not in kept:
                    kept[balance.feature_id] = _like(balance, survivor_id)
                staying.update(balance=kept[balance.feature_id])


def _like(balance: Balance, customer_id: str) -> Balance:
    """A new balance of the same feature for a customer, with the same overage settings."""
    return Balance.objects.create(
        customer_id=customer_id,
        feature_id=balance.feature_id,
        overage_allowed=balance.overage_allowed,
        max_purchase=balance.max_purchase,
        position=balance.position,
    )


def _combine(own: Balance, other: Balance) -> list[tuple[str, str, str, Any, Any]]:
    """Allow in the survivor's balance what either one allowed; return the settings that changed."""
    wanted: dict[str, Any] = {}
    if other.overage_allowed:
        limits = [each.max_purchase for each in (own, other) if each.overage_allowed]
        largest = None if None in limits else max(limit for limit in limits if limit is not None)
        wanted = {"overage_allowed": True, "max_purchase": largest}
    if own.removed_at is not None and other.removed_at is None:
        wanted["removed_at"] = None
    changed = []
    for column, value in wanted.items():
        if getattr(own, column) != value:
            before = as_json(own, column)
            setattr(own, column, value)
            changed.append(
                (
                    f"balance.{own.feature.feature_id}.{column}",
                    str(own.pk),
                    column,
                    before,
                    as_json(own, column),
                )
            )
    if changed:
        own.save(update_fields=[column for _, _, column, _, _ in changed])
    return changed


def _hand_over(rows: list[QuerySet[Any]], handover: Handover) -> None:
    """Post every figure of these grants and rollovers from the one customer to the other."""
    postings: list[Posting] = []
    for each in rows:
        figures = _FIGURES[each.model]
        something = Q()
        for name in figures:
            something |= ~Q(**{name: 0})
        moving = each.filter(something).order_by("pk")
        held = list(moving.values_list("pk", "entries", *figures))
        if not held:
            continue
        if not postings:
            postings = [
                _posting(handover, key) for key in (handover.from_customer_id, handover.to_customer_id)
            ]
            Posting.objects.bulk_create(postings)
        counted: Any = sum(Case(When(**{name: 0}, then=Value(0)), default=Value(2)) for name in figures)
        _rows(each.model, pk__in=moving.order_by().values("pk")).update(entries=F("entries") + counted)
        LedgerEntry.objects.bulk_create(_entries(each.model, figures, held, postings), batch_size=_BATCH)


def _posting(handover: Handover, customer_id: str) -> Posting:
    draft = PostingDraft(
        customer_id=customer_id,
        kind=Posting.Kind.MERGE,
        occurred_at=handover.at,
        done_by=handover.done_by,
        reason=handover.reason,
    )
    return draft.as_posting(handover.at)


def _entries(
    model: type[Grant | Rollover],
    figures: tuple[str, ...],
    held: Iterable[tuple[Any, ...]],
    postings: list[Posting],
) -> Iterator[LedgerEntry]:
    taken, given = postings
    for key, so_far, *values in held:
        entries = so_far
        for figure, value in zip(figures, values, strict=True):
            if not value:
                continue
            leaving = next_entry(model, key, figure, -value, entries=entries, before=value)
            arriving = next_entry(model, key, figure, value, entries=leaving.number, before=leaving.after)
            entries = arriving.number
            yield leaving.as_entry(taken)
            yield arriving.as_entry(given)
