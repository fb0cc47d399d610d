"""What stays when a subscription changes: what was used and bought, adjustments, rollovers, reset dates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from billing.catalog.currencies import ItemPrice
from billing.ledger.entries import FigureChange
from billing.models import Feature, Grant, Plan, PlanItem, Posting, Rollover, Subscription
from billing.models.figures import BillingMethod
from billing.rules.exact import EXACT
from billing.rules.figures import included_grant
from billing.rules.invoice_totals import BilledLine
from billing.subscriptions.charges import stored_price
from billing.subscriptions.end import (
    expire_grant,
    expire_rollover,
    last_overage_lines,
)
from billing.subscriptions.start import grant_item
from billing.subscriptions.unit_of_work import UnitOfWork
from customers.configuration.table import RESET_PAST_DUE
from customers.configuration.values import value_of

_ZERO = Decimal(0)


def adapt_grants(
    work: UnitOfWork, subscription: Subscription, before: Plan, at: datetime
) -> list[BilledLine]:
    """Give a subscription's grants what its plan now holds, in its quantity and packs. `before` is its plan until now.

    A grant stays, with what was used of it, if its item has the same reset and price. Otherwise the item gets a grant of
    its own, which takes over what was used, adjusted and carried over, and the old one is billed and ends. Returns the
    lines that bill it.
    """
    waiting = work.grants_of(subscription)
    new: list[PlanItem] = []
    for item in work.plan_items.of(str(subscription.plan_id)):
        if item.feature.type == Feature.Type.BOOLEAN:
            continue
        same = next((grant for grant in waiting if _is_of(work, grant, item, subscription)), None)
        if same is None:
            new.append(item)
        else:
            waiting.remove(same)
            _resize(work, same, item, subscription, at)
    replaced = {grant.pk: _replaced_by(work, grant, new) for grant in waiting}
    freed = {grant.pk: _set_free(work, grant) for grant in waiting}
    lines = [
        line
        for grant in waiting
        for line in last_overage_lines(work, grant, at, _follower(work, grant, replaced[grant.pk]))
    ]
    for grant in waiting:
        expire_grant(work, grant, at, f"{before} ended")
    for item in new:
        own = [grant for grant in waiting if replaced[grant.pk] is item]
        made = grant_item(work, item, subscription, at, _packs(subscription, item))
        _take_over(work, made, own, [rollover for grant in own for rollover in freed[grant.pk]], at)
    for grant in waiting:
        if replaced[grant.pk] is None:
            for rollover in freed[grant.pk]:
                expire_rollover(work, rollover, at, f"Not included in {subscription.plan}")
    return lines


def carry_usage(
    work: UnitOfWork, subscription: Subscription, replaced: Iterable[Grant], at: datetime
) -> None:
    """Carry over what is in use, such as seats, from the grants of the plan that another one replaced."""
    before = list(replaced)
    for grant in work.grants_of(subscription):
        feature = work.balances[str(grant.balance_id)].feature
        if feature.consumable:
            continue
        own = [old for old in before if old.balance_id == grant.balance_id]
        before = [old for old in before if old.balance_id != grant.balance_id]
        _bill_from(grant, own)
        _post(work, grant, Posting.Kind.USAGE, "usage", sum((old.usage for old in own), _ZERO), at, _CARRIED)


def holds_back(subscription: Subscription) -> bool:
    """Whether the subscription gets no more until it is paid, as its balances are not refilled either."""
    return subscription.past_due and not value_of(RESET_PAST_DUE)


def left_of_balances(grants: Iterable[Grant]) -> dict[str, Decimal]:
    """What is left of the grants, by the key of their balance."""
    left: dict[str, Decimal] = defaultdict(Decimal)
    for grant in grants:
        left[str(grant.balance_id)] = EXACT.add(left[str(grant.balance_id)], grant.figures.remaining)
    return left


def hold_back(work: UnitOfWork, subscription: Subscription, left: dict[str, Decimal], at: datetime) -> None:
    """Give the grants of a new plan no more than was `left` of the balance under the plan before.

    The next reset, which waits for the payment, adds the rest.
    """
    for grant in work.grants_of(subscription):
        remaining = left.get(str(grant.balance_id), _ZERO)
        more = EXACT.subtract(grant.figures.remaining, remaining)
        if more > 0 and grant.next_reset_at is not None and not grant.unlimited:
            grant.adjusted = EXACT.subtract(grant.adjusted, more)
            _post(work, grant, Posting.Kind.ADJUSTMENT, "included_grant", -more, at, _HELD_BACK)
            left[str(grant.balance_id)] = _ZERO
        elif grant.next_reset_at is not None:
            left[str(grant.balance_id)] = EXACT.subtract(remaining, grant.figures.remaining)


def keep_resets(work: UnitOfWork, subscription: Subscription, replaced: Iterable[Grant]) -> None:
    """Reset the grants of a subscription when the grants that they replace would have been reset."""
    before = {_place(grant): grant for grant in replaced}
    for grant in work.grants_of(subscription):
        old = before.get(_place(grant))
        if old is not None and old.next_reset_at is not None:
            grant.next_reset_at, grant.anchor_day = old.next_reset_at, old.anchor_day


def _resize(work: UnitOfWork, grant: Grant, item: PlanItem, subscription: Subscription, at: datetime) -> None:
    """Give a grant the included amount and packs of its item. An adjustment stays."""
    included = included_grant(item.included, subscription.quantity)
    more = EXACT.subtract(included, EXACT.subtract(grant.included_grant, grant.adjusted))
    packs = EXACT.subtract(_packs(subscription, item), grant.prepaid_grant)
    grant.plan = subscription.plan
    grant.unlimited, grant.max_purchase = item.unlimited, item.max_purchase
    work.book.touch(grant)
    is_held_back = more > 0 and holds_back(subscription) and grant.next_reset_at is not None
    if is_held_back:
        # Until it is paid, a past-due subscription gets no more; the next reset adds it.
        grant.adjusted = EXACT.subtract(grant.adjusted, more)
    else:
        _post(work, grant, Posting.Kind.GRANT, "included_grant", more, at, _CHANGED)
    if item.billing_method == BillingMethod.PREPAID:
        _post(work, grant, Posting.Kind.GRANT, "prepaid_grant", packs, at, _CHANGED)


def _take_over(
    work: UnitOfWork, grant: Grant, replaced: list[Grant], rollovers: list[Rollover], at: datetime
) -> None:
    adjusted = sum((old.adjusted for old in replaced), _ZERO)
    grant.adjusted = adjusted
    _bill_from(grant, replaced)
    in_use = sum((_unbilled(work, old) for old in replaced), _ZERO)
    _post(work, grant, Posting.Kind.USAGE, "usage", in_use, at, _CARRIED)
    _post(work, grant, Posting.Kind.ADJUSTMENT, "included_grant", adjusted, at, _CARRIED)
    for rollover in rollovers:
        rollover.grant = grant
    for old in replaced:
        if old.next_reset_at is not None and _place(old) == _place(grant):
            grant.next_reset_at, grant.anchor_day = old.next_reset_at, old.anchor_day


def _bill_from(grant: Grant, replaced: Iterable[Grant]) -> None:
    """Leave the time that the replaced grants, or those before them, billed what is in use to them."""
    billed = (old.seats_billed_until for old in replaced)
    grant.seats_billed_until = max(filter(None, billed), default=None)


def _is_of(work: UnitOfWork, grant: Grant, item: PlanItem, subscription: Subscription) -> bool:
    """Whether the grant can stay as the grant of the item."""
    if work.feature_id_of(grant) != str(item.feature_id):
        return False
    currency = subscription.billing_currency
    price = stored_price(item, subscription.plan, currency)
    own = ItemPrice(grant.price_amount, grant.price_tiers)
    is_same_price = own == price and (not item.billing_method or grant.billing_currency == currency)
    return is_same_price and _shape(grant) == _shape(item)


def _shape(row: Grant | PlanItem) -> tuple[object, ...]:
    return (
        row.reset_interval,
        row.reset_interval_count or 1,
        row.billing_method,
        row.price_tier_behavior,
        row.billing_units,
    )


def _replaced_by(work: UnitOfWork, grant: Grant, items: Iterable[PlanItem]) -> PlanItem | None:
    """The new item that takes over from the grant: of its feature, if possible with the same reset."""
    own = [item for item in items if str(item.feature_id) == work.feature_id_of(grant)]
    return max(own, key=lambda item: item.reset_interval == grant.reset_interval, default=None)


def _follower(work: UnitOfWork, grant: Grant, item: PlanItem | None) -> PlanItem | None:
    """The item that takes over, if what is in use stays in use and the item bills it."""
    is_consumed = work.balances[str(grant.balance_id)].feature.consumable
    is_billed = item is not None and item.billing_method == BillingMethod.USAGE_BASED
    return item if is_billed and not is_consumed else None


def _set_free(work: UnitOfWork, grant: Grant) -> list[Rollover]:
    """Detach a grant's rollovers, so that they stay when it ends."""
    free = [row for row in work.rollovers.values() if row.ended_at is None and row.grant_id == grant.pk]
    for rollover in free:
        rollover.grant = None
        work.book.touch(rollover)
    return free


def _unbilled(work: UnitOfWork, grant: Grant) -> Decimal:
    """The usage of a grant without the overage, if that was billed."""
    in_use: Decimal = grant.usage
    is_consumed = work.balances[str(grant.balance_id)].feature.consumable
    if grant.billing_method != BillingMethod.USAGE_BASED or not is_consumed:
        return in_use
    return min(in_use, grant.figures.granted)


def _packs(subscription: Subscription, item: PlanItem) -> Decimal:
    return Decimal(subscription.prepaid_quantities.get(item.feature.feature_id, 0))


def _place(grant: Grant) -> tuple[str, str, int]:
    return str(grant.balance_id), grant.reset_interval, grant.reset_interval_count or 1


def _post(
    work: UnitOfWork,
    grant: Grant,
    kind: Posting.Kind,
    figure: str,
    amount: Decimal,
    at: datetime,
    reason: str,
) -> None:
    work.post(
        kind,
        at,
        [FigureChange(grant, figure, amount)],
        feature_id=work.feature_id_of(grant),
        entity_id=grant.entity_id,
        reason=reason,
    )


_CARRIED = "Carried over from the previous plan"
_CHANGED = "Subscription changed"
_HELD_BACK = "Held back until the subscription is paid"
