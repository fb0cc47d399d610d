"""Move the subscriptions of a plan to one of its versions, and what that does to MRR."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch, QuerySet

from billing.models import Plan, Subscription
from billing.revenue.monthly import (
    UnusablePrice,
    charges,
    charges_of,
    prepaid_units,
    recurring_prepaid_items,
    with_charges,
)
from billing.rules.monthly_value import RecurringCharge, recurring_revenue
from billing.subscriptions.change_plan import change_plan
from billing.subscriptions.errors import CannotBill, CannotSubscribe

#: MRR in minor units, by currency.
MonthlyRevenue = dict[str, int]


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of one subscription; `refusal` says why it stays on its version."""

    subscription: Subscription
    messages: tuple[str, ...] = ()
    refusal: str = ""


def to_move(version: Plan) -> QuerySet[Subscription]:
    """The active subscriptions that are billed here and on another version of the plan, and to which no change is scheduled."""
    others = Subscription.objects.active().filter(
        billed_here=True, plan__plan_id=version.plan_id, plan__env=version.env
    )
    return others.exclude(plan=version).exclude(followed_by__status=Subscription.Status.SCHEDULED)


def revenue_of_move(version: Plan) -> tuple[MonthlyRevenue, MonthlyRevenue]:
    """The MRR of the subscriptions that would move, before and after. Quantities and prepaid packs stay.

    One with a price that can't be used is left out.
    """
    items = Prefetch("items", recurring_prepaid_items(), to_attr="prepaid_items")
    new: Any = Plan.objects.prefetch_related(items).get(pk=version.pk)
    before: list[RecurringCharge] = []
    after: list[RecurringCharge] = []
    for subscription in with_charges(to_move(version)):
        units = prepaid_units(new, subscription.prepaid_quantities, {})
        try:
            was, will_be = (
                charges_of(subscription),
                charges(new, subscription.quantity, units, subscription.billing_currency),
            )
        except UnusablePrice:
            continue
        before += was
        after += will_be
    return _summed(before), _summed(after)


def move_subscriptions(version: Plan, *, at_once: bool = False, done_by: str) -> Iterator[Moved]:
    """Move them one after the other, each in a transaction of its own: at period end, or immediately and prorated.

    One that can't be moved stays on its version, and the others are moved.
    """
    for subscription in to_move(version).select_related("customer", "plan", "entity").order_by("pk"):
        try:
            result = change_plan(subscription, version, at_once=at_once, done_by=done_by)
        except (CannotSubscribe, CannotBill) as problem:
            yield Moved(subscription, refusal=str(problem))
        else:
            yield Moved(subscription, messages=tuple(result.messages))


def _summed(found: Iterable[RecurringCharge]) -> MonthlyRevenue:
    by_currency: dict[str, list[RecurringCharge]] = defaultdict(list)
    for charge in found:
        by_currency[charge.currency].append(charge)
    sums = {name: recurring_revenue(of_currency) for name, of_currency in by_currency.items()}
    return {name: each[name].mrr for name, each in sorted(sums.items()) if name in each}
