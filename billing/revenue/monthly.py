"""What customers bring in month after month: MRR and ARR, from their subscriptions.

A subscription earns while it is active, past due ones included: a trial not yet, one that was cancelled until it ends.
Counted are the base price times the quantity and what is bought ahead again and again. What is not known ahead (use
beyond a grant), what is billed once, discounts and tax are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from billing.models import Grant, PlanItem, Subscription
from billing.models.figures import BillingMethod, Interval
from billing.rules.exact import EXACT
from billing.rules.monthly_value import RecurringCharge, RecurringRevenue, recurring_revenue
from billing.rules.prices import Price, base_cost, prepaid_cost
from customers import clock
from customers.bulk import pieces

#: Intervals of prices that do not come again of themselves.
NOT_RECURRING = ("", Interval.ONE_OFF.value, Interval.MULTIPLE.value)

_ZERO = Decimal(0)


class Unreckonable(Exception):
    """A stored price cannot be reckoned with; the message says which and why."""


def earning(at: datetime) -> QuerySet[Subscription]:
    """The subscriptions that earn something at `at`."""
    return Subscription.objects.active().filter(
        Q(trial_ends_at=None) | Q(trial_ends_at__lte=at), Q(expires_at=None) | Q(expires_at__gt=at)
    )


def earns(subscription: Subscription, at: datetime) -> bool:
    """Whether the subscription is one of those that are `earning`."""
    is_tried = subscription.trial_ends_at is not None and subscription.trial_ends_at > at
    is_over = subscription.expires_at is not None and subscription.expires_at <= at
    return subscription.status == Subscription.Status.ACTIVE and not is_tried and not is_over


def with_charges(subscriptions: QuerySet[Subscription]) -> QuerySet[Subscription]:
    """`subscriptions` with what their charges are made of, in two queries more."""
    with_rows: Any = subscriptions
    found: QuerySet[Subscription] = with_rows.select_related("plan").prefetch_related(
        Prefetch("plan__items", sold_ahead(), to_attr="sold_ahead"),
        Prefetch(
            "grants", Grant.objects.counted(clock.now()).select_related("balance"), to_attr="counted_grants"
        ),
    )
    return found


def sold_ahead() -> QuerySet[PlanItem]:
    """The items of plans that are bought ahead again and again, each with its feature."""
    items = PlanItem.objects.filter(billing_method=BillingMethod.PREPAID).exclude(
        price_interval__in=NOT_RECURRING
    )
    return items.exclude(price_amount=None, price_tiers__isnull=True).select_related("feature")


def price_ahead(item: PlanItem) -> Price:
    """The price of an item that is `sold_ahead`. Raises `Unreckonable` for one that no invoice could charge either."""
    try:
        return Price.from_stored(
            item.price_amount, item.price_tiers, item.price_tier_behavior, item.billing_units
        )
    except ValueError as problem:
        raise Unreckonable(f"the price of {item.feature} is wrong: {problem}") from None


def charges_of(subscription: Subscription) -> list[RecurringCharge]:
    """What a subscription from `with_charges` is charged again and again, whether it earns now or not.

    Raises `Unreckonable` for a price that is.
    """
    plan: Any = subscription.plan
    charges = []
    if plan.price_amount is not None and plan.price_interval not in NOT_RECURRING:
        charges.append(
            RecurringCharge(
                currency=plan.currency,
                amount=base_cost(plan.price_amount, subscription.quantity),
                interval=plan.price_interval,
                interval_count=plan.price_interval_count or 1,
            )
        )
    charges += [
        RecurringCharge(
            currency=plan.currency,
            amount=_cost_ahead(item, units, subscription.quantity),
            interval=item.price_interval,
            interval_count=item.price_interval_count or 1,
        )
        for item in plan.sold_ahead
        if (units := _bought(subscription, item))
    ]
    return charges


def revenue_of(customer_ids: Iterable[str]) -> dict[str, dict[str, RecurringRevenue]]:
    """By customer and currency, what each brings in; those who bring in nothing are not in it.

    Three queries, for up to some thousand customers. What is `Unreckonable` is left out (`manage.py doctor` names it),
    and so is a sum that 64 bits of minor units cannot hold.
    """
    at = clock.now()
    found: dict[str, dict[str, RecurringRevenue]] = {}
    for piece in pieces(customer_ids):
        of_customer: dict[str, list[Subscription]] = defaultdict(list)
        for subscription in with_charges(earning(at).filter(customer_id__in=piece)):
            of_customer[str(subscription.customer_id)].append(subscription)
        for customer_id, subscriptions in of_customer.items():
            if sums := _summed(subscriptions):
                found[customer_id] = sums
    return found


def revenue_of_subscription(subscription: Subscription, at: datetime) -> dict[str, RecurringRevenue]:
    """What a subscription from `with_charges` brings in; empty if it does not earn at `at`."""
    return _summed([subscription]) if earns(subscription, at) else {}


def _summed(subscriptions: Sequence[Subscription]) -> dict[str, RecurringRevenue]:
    charges: dict[str, list[RecurringCharge]] = defaultdict(list)
    for subscription in subscriptions:
        try:
            for charge in charges_of(subscription):
                charges[charge.currency].append(charge)
        except Unreckonable:
            continue
    sums: dict[str, RecurringRevenue] = {}
    for of_currency in charges.values():
        try:
            sums |= recurring_revenue(of_currency)
        except ValueError:  # no currency, or more than 64 bits of minor units
            continue
    return {currency: each for currency, each in sorted(sums.items()) if each.arr}


def _bought(subscription: Any, item: PlanItem) -> Decimal:
    """How many units of the item the subscription has bought ahead: what its grants say, else what it says."""
    grants = [grant for grant in subscription.counted_grants if grant.balance.feature_id == item.feature_id]
    if grants:
        units = _ZERO
        for grant in grants:
            units = EXACT.add(units, grant.prepaid_grant)
        return max(units, _ZERO)
    return Decimal(subscription.prepaid_quantities.get(item.feature.feature_id, 0))


def _cost_ahead(item: PlanItem, units: Decimal, quantity: Decimal) -> Decimal:
    return prepaid_cost(price_ahead(item), units, EXACT.multiply(item.included, quantity))
