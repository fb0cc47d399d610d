"""End subscriptions, grants, rollovers and flags."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from billing.ledger.entries import FigureChange
from billing.models import Grant, Posting, Purchase, Rollover, Subscription
from billing.models.figures import BillingMethod
from billing.rules.invoice_totals import BilledLine
from billing.subscriptions.cycles import end_cycles
from billing.subscriptions.flags import lower_flags
from billing.subscriptions.pending_lines import take_pending_lines
from billing.subscriptions.unit_of_work import UnitOfWork
from billing.subscriptions.usage_lines import (
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
    work: UnitOfWork, source: Subscription | Purchase, at: datetime, *, goes_on: Collection[str] = ()
) -> list[BilledLine]:
    """End what a subscription or purchase grants. Returns the lines that bill its overage.

    `goes_on` are the keys of features that stay in use under the plan that follows, which bills them, unless the old
    item bills changes.
    """
    lines = []
    for grant in work.grants_of(source):
        if work.feature_id_of(grant) not in goes_on or is_billed_until_its_end(work, grant):
            lines += last_overage_lines(work, grant, at)
        expire_grant(work, grant, at, f"{source.plan} ended")
    lower_flags(work, source)
    return lines


def last_overage_lines(work: UnitOfWork, grant: Grant, at: datetime) -> list[BilledLine]:
    """Bill the overage of a grant that ends, if nothing has billed it."""
    is_consumed = work.balances[str(grant.balance_id)].feature.consumable
    source = grant.subscription
    if is_consumed or source is None:
        return overage_lines(work, grant, at)
    # What is in use is billed for whole periods, so a period that has just begun bills nothing.
    period = charged_period(work, source, item_of(work, source, grant))
    return [] if period is None or period[0] >= at else seat_lines(work, source, grant, at, ends=True)


def is_billed_until_its_end(work: UnitOfWork, grant: Grant) -> bool:
    """Whether a grant is billed when it ends, although what is in use stays in use under the plan that follows."""
    item = None if grant.subscription is None else item_of(work, grant.subscription, grant)
    return item is not None and bills_changes(item)


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
