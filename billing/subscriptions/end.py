"""End subscriptions, grants, rollovers and flags."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from billing.ledger.entries import FigureChange
from billing.models import Grant, PlanItem, Posting, Purchase, Rollover, Subscription
from billing.models.figures import BillingMethod
from billing.rules.invoice_totals import BilledLine
from billing.subscriptions.charges import interval_of, rhythm_of
from billing.subscriptions.cycles import end_cycles
from billing.subscriptions.flags import lower_flags
from billing.subscriptions.pending_lines import take_pending_lines
from billing.subscriptions.unit_of_work import UnitOfWork
from billing.subscriptions.usage_lines import (
    Seats,
    bills_changes,
    charged_period,
    item_of,
    overage_lines,
    seat_lines,
)


def end(work: UnitOfWork, subscription: Subscription, at: datetime) -> list[BilledLine]:
    """End a subscription. Returns the lines that bill its overage and what waited for its next invoice."""
    subscription.status = Subscription.Status.ENDED
    subscription.expires_at = at
    work.change(subscription)
    lines = [*end_grants(work, subscription, at), *take_pending_lines(work, subscription, at)]
    end_cycles(work, subscription)
    return lines


def end_grants(
    work: UnitOfWork,
    source: Subscription | Purchase,
    at: datetime,
    *,
    taken_over: Mapping[str, PlanItem] | None = None,
) -> list[BilledLine]:
    """End what a subscription or purchase grants. Returns the lines that bill its overage.

    `taken_over` has the items under which what is in use stays in use, by the key of their feature.
    """
    lines = []
    for grant in work.grants_of(source):
        lines += last_overage_lines(work, grant, at, (taken_over or {}).get(work.feature_id_of(grant)))
        expire_grant(work, grant, at, f"{source.plan} ended")
    lower_flags(work, source)
    return lines


def last_overage_lines(
    work: UnitOfWork, grant: Grant, at: datetime, follower: PlanItem | None = None
) -> list[BilledLine]:
    """Bill the overage of a grant that ends, if nothing has billed it and the `follower` won't.

    The `follower` is the item under which what is in use stays in use, and is billed.
    """
    is_consumed = work.balances[str(grant.balance_id)].feature.consumable
    source = grant.subscription
    if is_consumed or source is None:
        return overage_lines(work, grant, at)
    # What is in use is billed for whole periods, so a period that has just begun bills nothing.
    item = item_of(work, source, grant)
    period = charged_period(work, source, item)
    if period is None or period[0] >= at:
        return []
    if follower is None:
        return seat_lines(work, source, grant, at, Seats.END)
    is_split = item is not None and _is_split(work, item, follower)
    if not is_split:
        return []
    lines = seat_lines(work, source, grant, at, Seats.PASS_ON)
    grant.seats_billed_until = at
    return lines


def _is_split(work: UnitOfWork, old: PlanItem, new: PlanItem) -> bool:
    """Whether seats that stay in use are billed by the old item until the switch, and by the new one from then on.

    A new item that bills their count at the end of a period bills the whole one, so that the old one must not, unless
    another period begins, and what the old one billed by changes would be lost.
    """
    return bills_changes(new) or (bills_changes(old) and _charged_with(work, old) != _charged_with(work, new))


def _charged_with(work: UnitOfWork, item: PlanItem) -> tuple[object, bool]:
    """The interval of an item's price, and whether it is that of the plan, not of a cycle of its own."""
    rhythm = rhythm_of(item)
    return rhythm, rhythm == interval_of(item.plan, work.plan_items.of(str(item.plan_id)))


def expire_grant(work: UnitOfWork, grant: Grant, at: datetime, reason: str) -> None:
    """End a grant and its rollovers. What is left of it is lost."""
    for rollover in work.rollovers.values():
        if rollover.grant_id == grant.pk and rollover.ended_at is None:
            expire_rollover(work, rollover, at, reason)
    grant.ended_at = at
    work.book.touch(grant)
    if grant.figures.remaining and not grant.unlimited:
        _post_loss(work, grant, "included_grant", grant.figures.remaining, at, reason)
    _forbid_overage(work, grant)


def expire_rollover(work: UnitOfWork, rollover: Rollover, at: datetime, reason: str) -> None:
    """End a rollover. What is left of it is lost."""
    rollover.ended_at = at
    work.book.touch(rollover)
    _post_loss(work, rollover, "left", rollover.left, at, reason)


def _post_loss(
    work: UnitOfWork, row: Grant | Rollover, figure: str, amount: Decimal, at: datetime, reason: str
) -> None:
    work.post(
        Posting.Kind.EXPIRY,
        at,
        [FigureChange(row, figure, amount.copy_negate())],
        feature_id=work.feature_id_of(row),
        entity_id=row.entity_id if isinstance(row, Grant) else None,
        reason=reason,
    )


def _forbid_overage(work: UnitOfWork, ended: Grant) -> None:
    """Turn overage off for the balance when its last grant with a usage-based price ends."""
    if ended.billing_method != BillingMethod.USAGE_BASED:
        return
    is_priced = any(
        grant.balance_id == ended.balance_id
        and grant.ended_at is None
        and grant.billing_method == BillingMethod.USAGE_BASED
        for grant in work.grants.values()
    )
    if not is_priced:
        balance = work.balances[str(ended.balance_id)]
        balance.overage_allowed = False
        work.change(balance)
