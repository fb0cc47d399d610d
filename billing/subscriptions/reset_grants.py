"""Resets of grants: usage returns to zero, overage is billed, and what is left may roll over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from billing.catalog.plan_items import item_of_grant
from billing.ledger.drawable_balances import drawable_grant, drawable_rollover
from billing.ledger.entries import FigureChange
from billing.models import Grant, Posting, Purchase, Rollover, Subscription
from billing.models.figures import BillingMethod
from billing.rules.due_events import DueKind, due_since
from billing.rules.exact import EXACT, total
from billing.rules.intervals import NEVER_RESETS, anchor_day, is_made_of_months
from billing.rules.invoice_totals import BilledLine
from billing.rules.resets import ResetResult, RolloverRule, reset
from billing.subscriptions.later_uses import LaterUse
from billing.subscriptions.renewal_counts import RenewalCounts
from billing.subscriptions.start import anchor_days_of
from billing.subscriptions.unit_of_work import UnitOfWork
from billing.subscriptions.usage_lines import overage_lines

_INSTANT = timedelta(microseconds=1)
_ZERO = Decimal(0)


def reset_due_grants(
    work: UnitOfWork, grants: Iterable[Grant], at: datetime, now: datetime, tally: RenewalCounts
) -> dict[str, list[BilledLine]]:
    """Reset the grants with a reset due by `at`. Returns the lines that bill their overage, by subscription ID."""
    lines: dict[str, list[BilledLine]] = {}
    for grant in grants:
        if due_since(grant.due_events(), DueKind.RESET, at) is not None:
            lines.setdefault(str(grant.subscription_id), []).extend(_reset(work, grant, at, now))
            tally.resets += 1
    return lines


def _reset(work: UnitOfWork, grant: Grant, at: datetime, now: datetime) -> list[BilledLine]:
    """Reset one grant. Returns the lines that bill its overage."""
    balance = work.balances[str(grant.balance_id)]
    if not balance.feature.consumable and grant.subscription is not None and grant.subscription.billed_here:
        # What is in use stays in use.
        grant.next_reset_at = None
        work.book.touch(grant)
        return []
    rule = _rollover_rule(work, grant)
    later = _later_uses(work, grant)
    # Until the reset is posted, without what was used since it was due: that stays in use in the next period.
    used_later = total(amount for _, amount in later)
    grant.usage = EXACT.subtract(grant.usage, used_later)
    row = drawable_grant(grant, balance, credit_cost=None, is_sharing_overage=False)
    rollovers = [
        drawable_rollover(rollover, credit_cost=None)
        for rollover in work.rollovers_of(grant)
        if rollover.counts_at(at)
    ]
    is_billed = grant.billing_method == BillingMethod.USAGE_BASED
    anchor = _anchor_of(grant)
    renewed = reset(
        row,
        rollovers,
        at if rule is not None or later else _until(work, at, now),
        rule,
        included=grant.included_grant - grant.adjusted,
        anchor_day=anchor,
        usage_based=is_billed,
    )
    lines = [] if renewed is None else overage_lines(work, grant, renewed.due_at)
    grant.usage = EXACT.add(grant.usage, used_later)
    if renewed is None:
        return []
    grant.anchor_day = anchor
    _post_reset(work, grant, renewed, balance.feature_id)
    grant.billed_overage = _ZERO
    return lines


def reset_waiting_grants(work: UnitOfWork, subscription: Subscription, at: datetime) -> list[BilledLine]:
    """Reset the grants of a subscription that ends at `at`, as often as a payment was waited for with it.

    Returns the lines that bill their overage. What was used in each period is billed with what it included.
    """
    lines: list[BilledLine] = []
    for grant in work.grants_of(subscription):
        if grant.reset_interval in NEVER_RESETS:
            continue
        while grant.next_reset_at is not None and grant.next_reset_at < at:
            lines += _reset(work, grant, grant.next_reset_at, grant.next_reset_at)
    return lines


def _later_uses(work: UnitOfWork, grant: Grant) -> list[LaterUse]:
    """What was used since the reset of the grant fell due."""
    due = grant.next_reset_at
    return [each for each in work.later_uses.get(str(grant.pk), []) if due is not None and each[0] >= due]


def _post_reset(work: UnitOfWork, grant: Grant, renewed: ResetResult, feature_id: str) -> None:
    grant.last_reset_at, grant.next_reset_at = renewed.last_reset_at, renewed.next_reset_at
    grant.adjusted = grant.adjusted + renewed.included_change
    work.book.touch(grant)
    work.post(
        Posting.Kind.RESET,
        renewed.due_at,
        [
            FigureChange(grant, "usage", renewed.usage_change),
            FigureChange(grant, "included_grant", renewed.included_change),
        ],
        feature_id=feature_id,
        entity_id=grant.entity_id,
    )
    changes: list[FigureChange] = []
    for trim in renewed.trims:
        rollover = work.rollovers[trim.rollover_id]
        changes += [
            FigureChange(rollover, "granted", -trim.amount),
            FigureChange(rollover, "left", -trim.amount),
        ]
        if trim.emptied:
            rollover.ended_at = renewed.due_at
            work.book.touch(rollover)
    if renewed.rollover is not None:
        made = Rollover(
            balance_id=grant.balance_id,
            grant=grant,
            expires_at=renewed.rollover.expires_at,
            position=1 + max((row.position for row in work.rollovers.values()), default=-1),
        )
        work.rollovers[str(made.pk)] = made
        amount = renewed.rollover.balance
        changes += [FigureChange(made, "granted", amount), FigureChange(made, "left", amount)]
    work.post(
        Posting.Kind.ROLLOVER, renewed.due_at, changes, feature_id=feature_id, entity_id=grant.entity_id
    )


def _until(work: UnitOfWork, at: datetime, now: datetime) -> datetime:
    """The moment up to which missed resets can be skipped: just before any other event or invoice due date."""
    moments = [event.at for event in work.due_events() if event.kind is not DueKind.RESET]
    if work.invoice_requests:
        moments.append(work.due_at(at))
    until = min([now, *(moment - _INSTANT for moment in moments if moment >= at)])
    return max(at, until)


def _rollover_rule(work: UnitOfWork, grant: Grant) -> RolloverRule | None:
    items = [] if grant.plan_id is None else work.plan_items.of(str(grant.plan_id))
    item = item_of_grant(items, grant, work.feature_id_of(grant))
    if item is None or not item.rollover_expiry_unit:
        return None
    months = (item.rollover_expiry_length or 1) if item.rollover_expiry_unit == "month" else None
    return RolloverRule(maximum=item.rollover_max, months=months)


def _anchor_of(grant: Grant) -> int | None:
    """The day of the month that the grant's resets keep to; None for intervals not made of months."""
    if grant.next_reset_at is None or not is_made_of_months(grant.reset_interval):
        return None
    source: Subscription | Purchase | None = grant.subscription or grant.purchase
    days = [grant.anchor_day]
    if isinstance(source, Subscription):
        days += anchor_days_of(source, grant.next_reset_at)
    elif source is not None:
        days.append(source.started_at.day)
    elif not grant.imported:
        days.append(grant.created_at.day)
    return anchor_day(grant.next_reset_at, *days)
