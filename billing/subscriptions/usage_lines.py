"""The invoice lines of a subscription for what was used: overage, and seats and the like, which are in use.

They are in minor units of the currency in which the grant is billed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, auto
from functools import partial
from itertools import pairwise

from django.utils.timezone import override

from billing.catalog.plan_items import item_of_grant
from billing.models import Grant, Plan, PlanItem, Purchase, Subscription
from billing.models.catalog import Proration
from billing.models.figures import BillingMethod
from billing.rules.exact import EXACT
from billing.rules.invoice_totals import BilledLine
from billing.rules.money import round_to_minor
from billing.rules.prices import Price, cost_of
from billing.rules.seats import prorated_cost
from billing.subscriptions.charges import Rhythm, interval_of, is_billed_by_period, price_of, rhythm_of
from billing.subscriptions.seat_changes import seat_changes
from billing.subscriptions.unit_of_work import UnitOfWork
from customers.formats import day, number

_ZERO, _ONE = Decimal(0), Decimal(1)
_TICK = timedelta(microseconds=1)
#: Changes of seats that a line lists; of more, it says how many there were.
_MOST_TOLD = 4
#: Seats for a part of the period are a part of a seat.
_QUANTITY = Decimal("0.0001")


class Seats(Enum):
    """What becomes of seats at the moment until which they are billed."""

    GO_ON = auto()
    #: They end with their grant, as if they were all given up.
    END = auto()
    #: They stay in use under another item, which bills them from that moment on.
    PASS_ON = auto()


def overage_lines(work: UnitOfWork, grant: Grant, at: datetime) -> list[BilledLine]:
    """Bill the overage of a grant that is not billed yet. What is used in a trial is free. Updates `billed_overage`.

    Tiers continue after what was billed before: together, the lines are the price of the whole overage.
    """
    overage: Decimal = grant.figures.overage
    billed = min(grant.billed_overage, overage)
    source, price, plan = grant.subscription or grant.purchase, price_of(grant), grant.plan
    if grant.billing_method != BillingMethod.USAGE_BASED or price is None or plan is None:
        return []
    grant.billed_overage = overage
    if _is_tried(source, at) or overage <= billed or work.free_overage.covers(grant):
        return []
    included = grant.figures.granted
    whole = EXACT.subtract(cost_of(price, overage, included), cost_of(price, billed, included))
    return [_usage_line(grant, plan, source, whole, EXACT.subtract(overage, billed), included)]


def threshold_lines(work: UnitOfWork, grant: Grant, threshold: Decimal) -> list[BilledLine]:
    """Bill the overage of a grant in steps of `threshold` units, as far as they are reached. Updates `billed_overage`."""
    price, plan = price_of(grant), grant.plan
    waiting = EXACT.subtract(grant.figures.overage, grant.billed_overage)
    units = EXACT.multiply(EXACT.divide_int(max(waiting, _ZERO), threshold), threshold)
    if not units or price is None or plan is None or work.free_overage.covers(grant):
        return []
    before, included = grant.billed_overage, grant.figures.granted
    grant.billed_overage = EXACT.add(before, units)
    whole = EXACT.subtract(cost_of(price, grant.billed_overage, included), cost_of(price, before, included))
    return [_usage_line(grant, plan, grant.subscription, whole, units, included)]


def seat_lines(
    work: UnitOfWork, subscription: Subscription, grant: Grant, at: datetime, seats: Seats = Seats.GO_ON
) -> list[BilledLine]:
    """Bill what is in use beyond the included amount at the end of a period, of a feature that is not consumed.

    If the item says how, what was taken and given up within the period is billed. `seats` that are passed on are billed
    until then. A trial is free.
    """
    price, plan = price_of(grant), grant.plan
    if grant.billing_method != BillingMethod.USAGE_BASED or price is None or plan is None:
        return []
    if _is_tried(subscription, at):
        return []
    overage, included = grant.figures.overage, grant.figures.granted
    item = item_of(work, subscription, grant)
    period = charged_period(work, subscription, item)
    line: BilledLine | None
    if item is None or period is None or not bills_changes(item):
        part = _ONE if period is None else _part_billed(grant, period, at, seats)
        cost = EXACT.multiply(_cost_of(price, included, overage), part)
        units = EXACT.quantize(EXACT.multiply(overage, part), _QUANTITY) if part != _ONE else overage
        line = _usage_line(grant, plan, subscription, cost, units, included) if units or cost else None
    else:
        line = _line_of_changes(work, grant, subscription, item, period, at, seats)
    return [] if line is None or work.free_overage.covers(grant) else [line]


def bills_changes(item: PlanItem) -> bool:
    """Whether seats are billed by when they are taken and given up within a period, not by their count at its end."""
    return bool(item.on_increase or item.on_decrease)


def period_usage_lines(
    work: UnitOfWork, subscription: Subscription, rhythm: Rhythm | None, at: datetime
) -> list[BilledLine]:
    """Bill what is in use, and overage that no reset bills, of the prices charged at `rhythm` (None: at no other)."""
    lines = []
    items = work.plan_items.of(str(subscription.plan_id))
    charged = {
        (str(item.feature_id), item.reset_interval)
        for item in items
        if is_billed_by_period(item)
        and rhythm_of(item) in ((rhythm,) if rhythm else (interval_of(subscription.plan, items), None))
    }
    for grant in work.grants_of(subscription):
        if (work.feature_id_of(grant), grant.reset_interval) in charged:
            is_consumed = work.balances[str(grant.balance_id)].feature.consumable
            lines += (
                overage_lines(work, grant, at) if is_consumed else seat_lines(work, subscription, grant, at)
            )
            work.book.touch(grant)
    return lines


def item_of(work: UnitOfWork, subscription: Subscription, grant: Grant) -> PlanItem | None:
    """The item of the subscription's plan that the grant comes from."""
    plan = grant.plan_id or subscription.plan_id
    return item_of_grant(work.plan_items.of(str(plan)), grant, work.feature_id_of(grant))


def charged_period(
    work: UnitOfWork, subscription: Subscription, item: PlanItem | None
) -> tuple[datetime, datetime] | None:
    """The period for which the price of an item is charged now; None if none is running."""
    rhythm = None if item is None else rhythm_of(item)
    for cycle in work.cycles_of(subscription):
        if cycle.rhythm == rhythm:
            return cycle.period_start, cycle.period_end
    start, end = subscription.current_period_start, subscription.current_period_end
    return None if start is None or end is None else (start, end)


def _line_of_changes(
    work: UnitOfWork,
    grant: Grant,
    subscription: Subscription,
    item: PlanItem,
    period: tuple[datetime, datetime],
    at: datetime,
    seats: Seats,
) -> BilledLine | None:
    """Bill seats by when they were taken and given up; None if there were none beyond the included ones.

    What a grant began with within the period was not taken then, but passed on to it: it costs from then on.
    """
    price, plan, included = price_of(grant), grant.plan, grant.figures.granted
    start, end = period
    entries = [*work.seat_entries.of(grant), *work.book.entries]
    begun = start if grant.imported else max(start, min(grant.created_at, at))
    first, changes = seat_changes(grant, entries, begun, at)
    if price is None or plan is None or not any((first, *(units for _, units in changes))):
        return None
    shares = [(_share(moment, start, end), units) for moment, units in changes]
    held, rest = changes[-1][1] if changes else first, _share(at, start, end)
    if seats is Seats.END:
        shares.append((rest, _ZERO))

    def billed(cost: Callable[[Decimal], Decimal]) -> Decimal:
        up, down = (bool(way) and Proration(way).is_prorated for way in (item.on_increase, item.on_decrease))
        whole = prorated_cost(cost, first, shares, up=up, down=down)
        before = EXACT.multiply(cost(first), EXACT.subtract(_ONE, _share(begun, start, end)))
        after = EXACT.multiply(cost(held), rest) if seats is Seats.PASS_ON else _ZERO
        return EXACT.subtract(EXACT.subtract(whole, before), after)

    amount = billed(partial(_cost_of, price, included))
    quantity = EXACT.quantize(billed(lambda units: units), _QUANTITY)
    if not amount and not quantity:
        return None
    line = _usage_line(grant, plan, subscription, amount, quantity, included)
    name = f"{grant.balance.feature} above {number(included)} included"
    return replace(line, description=f"{name}: {_told(first, changes)}")


def _part_billed(grant: Grant, period: tuple[datetime, datetime], at: datetime, seats: Seats) -> Decimal:
    """The part of the period for which the count at `at` is billed: what other grants did not bill, nor will."""
    since = grant.seats_billed_until
    before = _ONE if since is None else _share(since, *period)
    return EXACT.subtract(before, _share(at, *period)) if seats is Seats.PASS_ON else before


def _told(first: Decimal, changes: Sequence[tuple[datetime, Decimal]]) -> str:
    """How many there were, and from when on: `2; 4 from Jan 16, 2026`. Of a day, it says the last count."""
    # An invoice must not depend on who causes it, so its days are in the installation's time zone, not the user's.
    with override(None):
        by_day = {day(moment): units for moment, units in changes}
    different = [
        (since, units)
        for (_, before), (since, units) in pairwise([("", first), *by_day.items()])
        if units != before
    ]
    if len(different) > _MOST_TOLD:
        counts = [first, *(units for _, units in different)]
        return f"{number(min(counts))} to {number(max(counts))}, in {len(different)} changes"
    return "; ".join([number(first), *(f"{number(units)} from {since}" for since, units in different)])


def _cost_of(price: Price, included: Decimal, units: Decimal) -> Decimal:
    return cost_of(price, units, included) if units else _ZERO


def _share(at: datetime, start: datetime, end: datetime) -> Decimal:
    """The part of the period that is left at `at`."""
    left = max(timedelta(), end - max(at, start))
    return EXACT.divide(Decimal(left // _TICK), Decimal((end - start) // _TICK))


def _is_tried(source: Subscription | Purchase | None, at: datetime) -> bool:
    """Whether a period that ends at `at` belongs to a trial."""
    return (
        isinstance(source, Subscription) and source.trial_ends_at is not None and at <= source.trial_ends_at
    )


def _usage_line(
    grant: Grant,
    plan: Plan,
    source: Subscription | Purchase | None,
    amount: Decimal,
    quantity: Decimal,
    included: Decimal,
) -> BilledLine:
    return BilledLine(
        kind="usage",
        description=f"{grant.balance.feature}: {number(quantity)} above {number(included)} included",
        amount=round_to_minor(amount, grant.billing_currency),
        quantity=quantity,
        subscription_id=source.subscription_id if isinstance(source, Subscription) else None,
        plan_id=plan.plan_id,
        feature=str(grant.balance.feature_id),
    )
