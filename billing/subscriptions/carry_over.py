"""Carry usage, adjustments and rollovers over from the subscription that a new one follows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from billing.ledger.entries import FigureChange
from billing.models import Grant, Posting, Rollover, Subscription
from billing.models.figures import BillingMethod
from billing.subscriptions.end import expire_rollover
from billing.subscriptions.unit_of_work import UnitOfWork

_ZERO = Decimal(0)


def carry_usage(work: UnitOfWork, new: Subscription, at: datetime, *, is_same_plan: bool) -> None:
    """Carry over usage from the subscription that `new` follows.

    If both are of the same plan, in any version or quantity, all unbilled usage is carried over. Otherwise only usage of
    features that are held rather than consumed, such as seats.
    """
    items = {str(item.feature_id): item.feature for item in work.plan_items.of(str(new.plan_id))}
    for grant, replaced in _replaced(work, new):
        feature = items[work.feature_id_of(grant)]
        if not replaced or not (is_same_plan or not feature.consumable):
            continue
        in_use = sum((_unbilled(old) for old in replaced), _ZERO)
        work.post(
            Posting.Kind.USAGE,
            at,
            [FigureChange(grant, "usage", in_use)],
            feature_id=str(feature.pk),
            entity_id=grant.entity_id,
            reason="Carried over from the previous plan",
        )


def follower_of_same_plan(work: UnitOfWork, subscription: Subscription) -> Subscription | None:
    """The scheduled subscription to the same plan, in another quantity or version, that follows this one."""
    for each in work.subscriptions:
        is_next = each.status == Subscription.Status.SCHEDULED and each.follows_id == subscription.pk
        if is_next and each.plan.plan_id == subscription.plan.plan_id:
            return each
    return None


def keep_resets(work: UnitOfWork, new: Subscription) -> None:
    """Reset the grants of `new` when the grants that they replace would have been reset."""
    before = {
        (str(grant.balance_id), grant.reset_interval, grant.reset_interval_count): grant
        for grant in work.grants.values()
        if grant.subscription_id == new.follows_id
    }
    for grant in work.grants_of(new):
        place = (str(grant.balance_id), grant.reset_interval, grant.reset_interval_count)
        if place in before and before[place].next_reset_at is not None:
            grant.next_reset_at, grant.anchor_day = before[place].next_reset_at, before[place].anchor_day


def set_rollovers_free(work: UnitOfWork, subscription: Subscription) -> dict[str, list[Rollover]]:
    """Detach a subscription's rollovers from its grants, so that they stay when the grants end. By grant ID."""
    free: dict[str, list[Rollover]] = {}
    for grant in work.grants_of(subscription):
        free[str(grant.pk)] = [
            rollover
            for rollover in work.rollovers.values()
            if rollover.ended_at is None and rollover.grant_id == grant.pk
        ]
        for rollover in free[str(grant.pk)]:
            rollover.grant = None
            work.book.touch(rollover)
    return free


def carry_extras(
    work: UnitOfWork, new: Subscription, at: datetime, rollovers: dict[str, list[Rollover]]
) -> None:
    """Carry adjustments and rollovers over to another version or quantity of the same plan."""
    for grant, replaced in _replaced(work, new):
        adjusted = sum((old.adjusted for old in replaced), _ZERO)
        grant.adjusted = adjusted
        work.post(
            Posting.Kind.ADJUSTMENT,
            at,
            [FigureChange(grant, "included_grant", adjusted)],
            feature_id=work.feature_id_of(grant),
            entity_id=grant.entity_id,
            reason="Carried over from the previous plan",
        )
        for old in replaced:
            for rollover in rollovers.pop(str(old.pk), []):
                rollover.grant = grant
    for left_over in rollovers.values():
        for rollover in left_over:
            expire_rollover(work, rollover, at, f"Not included in {new.plan}")


def _replaced(work: UnitOfWork, new: Subscription) -> Iterator[tuple[Grant, list[Grant]]]:
    """The grants of `new`, each with the grants of the previous subscription that it replaces."""
    before: dict[tuple[str, str], list[Grant]] = defaultdict(list)
    for grant in work.grants.values():
        if grant.subscription_id == new.follows_id:
            before[str(grant.balance_id), grant.reset_interval].append(grant)
    grants = work.grants_of(new)
    waiting = Counter((str(grant.balance_id), grant.reset_interval) for grant in grants)
    for grant in grants:
        place = str(grant.balance_id), grant.reset_interval
        waiting[place] -= 1
        # Each replaces one, and the last replaces all that are left.
        replaced = before[place][:1] if waiting[place] else before[place]
        before[place] = before[place][len(replaced) :]
        yield grant, replaced


def _unbilled(grant: Grant) -> Decimal:
    """The usage of a grant without the overage, if that was billed."""
    in_use: Decimal = grant.usage
    if grant.billing_method != BillingMethod.USAGE_BASED:
        return in_use
    return min(in_use, grant.figures.granted)
