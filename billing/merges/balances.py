"""The billing part of merging two customers: one balance of each feature, and the ledger goes along by entries.

A grant keeps its entries. When its customer changes, one posting takes its figures from the one customer and another
gives them to the other, so that the entries of each customer add up to what that customer holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Case, F, Model, Q, QuerySet, Value, When

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
from customers.row_snapshots import as_json, brought_back, put_away

_BATCH = 2000
_FIGURES: dict[type[Model], tuple[str, ...]] = {
    Grant: ("included_grant", "prepaid_grant", "usage"),
    Rollover: ("granted", "left"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """From which customer to which, when, and in whose name."""

    giver_id: str
    taker_id: str
    at: datetime
    done_by: str
    reason: str


@dataclass(slots=True)
class Joined:
    """What is not found by `came_with`: balances that were put away, and rules set: name, key of the
    balance, column, before, after."""

    put_away: list[dict[str, Any]] = field(default_factory=list)
    settings: list[tuple[str, str, str, Any, Any]] = field(default_factory=list)


def join_balances(handover: Handover) -> Joined:
    """Give the survivor what the other holds, in the caller's transaction, which holds the balances of both.

    Where both have a balance of a feature, the other's grants and rollovers go into the survivor's; overage is allowed
    if either allowed it, up to the larger of the limits of those that did. Where only the other has one, it moves.
    """
    ours = {row.feature_id: row for row in _rows(Balance, customer=handover.taker_id)}
    theirs = list(_rows(Balance, customer=handover.giver_id).order_by("pk"))
    if not theirs:
        return Joined()
    rows = [_rows(model, balance__in=theirs) for model in (Grant, Rollover)]
    for each in rows:
        each.filter(came_with=None).update(came_with=handover.giver_id)
    _hand_over(rows, handover)
    joined = Joined()
    for balance in theirs:
        own = ours.get(balance.feature_id)
        if own is None:
            continue
        for model in (Grant, Rollover):
            _rows(model, balance=balance).update(balance=own)
        joined.put_away.append(put_away(balance))
        joined.settings += _combine(own, balance)
    _rows(Balance, pk__in=[away["columns"]["id"] for away in joined.put_away]).delete()
    moving = _rows(Balance, customer=handover.giver_id)
    moving.filter(came_with=None).update(customer=handover.taker_id, came_with=handover.giver_id)
    moving.update(customer=handover.taker_id)
    return joined


def take_apart(
    handover: Handover, homes: Collection[str], away: Iterable[dict[str, Any]]
) -> list[QuerySet[Any]]:
    """Give back what `join_balances` gave; `homes` are the customer that it goes back to and those merged into it.

    What was granted since because of a plan or an entity of theirs goes along, and is the answer.
    """
    held = _rows(Balance, customer=handover.giver_id)
    grants = _rows(Grant, balance__in=held)
    hanging = Q()
    for name, source in (("subscription", Subscription), ("purchase", Purchase), ("entity", Entity)):
        theirs = _rows(source, customer=handover.giver_id, came_with__in=homes)
        hanging |= Q(**{f"{name}__in": theirs})
    claimed = [_claim(grants.filter(hanging, came_with=None), handover.taker_id)]
    rollovers = _rows(Rollover, balance__in=held)
    theirs_now = grants.filter(came_with__in=homes)
    claimed.append(_claim(rollovers.filter(came_with=None, grant__in=theirs_now), handover.taker_id))
    _hand_over([theirs_now, rollovers.filter(came_with__in=homes)], handover)
    _part(handover, homes, [brought_back(each) for each in away])
    for model in (Grant, Rollover):
        rows = _rows(model, balance__customer=handover.taker_id, came_with=handover.taker_id)
        rows.update(came_with=None)
    return claimed


def claim_what_hangs(survivor_id: str, other_id: str, homes: Collection[str]) -> list[QuerySet[Any]]:
    """Let what came of the other's subscriptions and entities since the merge be known as the other's too.

    That is the answer.
    """

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


def tell_where_they_are(claimed: Iterable[QuerySet[Any]], reason: str) -> None:
    """Leave a history row of each of these: they are not where the histories tell, nor did they come from there."""
    for rows in claimed:
        write_history(list(rows), reason)


def _claim(rows: QuerySet[Any], other_id: str) -> QuerySet[Any]:
    keys = list(rows.values_list("pk", flat=True))
    claimed = _rows(rows.model, pk__in=keys)
    claimed.update(came_with=other_id)
    return claimed


def _rows(model: Any, *conditions: Q, **lookups: Any) -> QuerySet[Any]:
    """Rows of a model by whatever is known of them."""
    rows: QuerySet[Any] = model.objects.filter(*conditions, **lookups)
    return rows


def _part(handover: Handover, homes: Collection[str], away: list[Any]) -> None:
    """Put everything of theirs into balances of theirs, and leave the giver its own."""
    giver, taker = handover.giver_id, handover.taker_id
    moved = list(_rows(Balance, customer=giver, came_with__in=homes).order_by("pk"))
    _rows(Balance, pk__in=[each.pk for each in moved]).update(
        customer=taker, came_with=Case(When(came_with=taker, then=Value(None)), default=F("came_with"))
    )
    create_rows(away, reason=handover.reason)
    kept = {row.feature_id: row for row in _rows(Balance, customer=giver)}
    back = {str(row.feature_id): row for row in (*away, *moved)}
    for model in (Grant, Rollover):
        rows = _rows(model, came_with__in=homes, balance__customer=giver)
        for feature_id in {str(key) for key in rows.values_list("balance__feature", flat=True)}:
            if feature_id not in back:
                back[feature_id] = _like(kept[feature_id], taker)
            of_feature = _rows(Balance, customer=giver, feature=feature_id)
            rows.filter(balance__in=of_feature).update(balance=back[feature_id])
        for balance in moved:
            staying = _rows(model, balance=balance).exclude(came_with__in=homes)
            # `exclude` keeps the rows that came with nobody.
            if staying.exists():
                if balance.feature_id not in kept:
                    kept[balance.feature_id] = _like(balance, giver)
                staying.update(balance=kept[balance.feature_id])


def _like(balance: Balance, customer_id: str) -> Balance:
    """Another balance of the same feature for a customer, with the same rules of overage."""
    return Balance.objects.create(
        customer_id=customer_id,
        feature_id=balance.feature_id,
        overage_allowed=balance.overage_allowed,
        max_purchase=balance.max_purchase,
        position=balance.position,
    )


def _combine(own: Balance, other: Balance) -> list[tuple[str, str, str, Any, Any]]:
    """Let the survivor's balance allow what either did; answers what changed."""
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
    """Post every figure of these grants and rollovers away from the one customer and to the other."""
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
            postings = [_posting(handover, key) for key in (handover.giver_id, handover.taker_id)]
            Posting.objects.bulk_create(postings)
        counted: Any = sum(Case(When(**{name: 0}, then=Value(0)), default=Value(2)) for name in figures)
        _rows(each.model, pk__in=moving.order_by().values("pk")).update(entries=F("entries") + counted)
        LedgerEntry.objects.bulk_create(_entries(each.model, figures, held, postings), batch_size=_BATCH)


def _posting(handover: Handover, customer_id: str) -> Posting:
    return Posting(
        customer_id=customer_id,
        kind=Posting.Kind.MERGE,
        occurred_at=handover.at,
        recorded_at=handover.at,
        done_by=handover.done_by,
        reason=handover.reason,
    )


def _entries(
    model: type[Model], figures: tuple[str, ...], held: Iterable[tuple[Any, ...]], postings: list[Posting]
) -> Iterator[LedgerEntry]:
    owner = "grant_id" if model is Grant else "rollover_id"
    taken, given = postings
    for key, entries, *values in held:
        number = entries
        for name, value in zip(figures, values, strict=True):
            if not value:
                continue
            for posting, amount, after in ((taken, -value, Decimal(0)), (given, value, value)):
                number += 1
                yield LedgerEntry(
                    posting=posting, figure=name, number=number, amount=amount, after=after, **{owner: key}
                )
