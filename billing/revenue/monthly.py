"""MRR and ARR of customers, from their subscriptions.

A subscription earns while it is active and not on trial. A past-due one still earns, and so does a canceled one until
it ends. What counts is the base price times the quantity, and recurring prepaid packs. One-time charges, overage,
discounts and tax do not count. `billing.rules.monthly_value` does the arithmetic.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from billing.catalog.currencies import NoPrice, base_price_in, item_price_in
from billing.models import Grant, PlanItem, Subscription
from billing.models.figures import BillingMethod, Interval
from billing.rules.exact import EXACT
from billing.rules.monthly_value import RecurringCharge, RecurringRevenue, recurring_revenue
from billing.rules.prices import Price, base_cost, prepaid_cost
from customers import clock
from customers.bulk import pieces

#: Intervals of prices that do not recur.
NOT_RECURRING = ("", Interval.ONE_OFF.value, Interval.MULTIPLE.value)

_ZERO = Decimal(0)


class UnusablePrice(Exception):
    """A stored price cannot be charged; the message says which and why."""


def earning(at: datetime) -> QuerySet[Subscription]:
    """The subscriptions that earn at `at`. `earns` is the same rule for one subscription."""
    return Subscription.objects.active().filter(
        Q(trial_ends_at=None) | Q(trial_ends_at__lte=at), Q(expires_at=None) | Q(expires_at__gt=at)
    )


def earns(subscription: Subscription, at: datetime) -> bool:
    """Whether the subscription earns at `at`."""
    on_trial = subscription.trial_ends_at is not None and subscription.trial_ends_at > at
    is_over = subscription.expires_at is not None and subscription.expires_at <= at
    return subscription.status == Subscription.Status.ACTIVE and not on_trial and not is_over


def with_charges(subscriptions: QuerySet[Subscription], at: datetime | None = None) -> QuerySet[Subscription]:
    """`subscriptions` with the rows that `charges_of` reads at `at` (default: now), in two more queries."""
    with_rows: Any = subscriptions
    found: QuerySet[Subscription] = with_rows.select_related("plan").prefetch_related(
        Prefetch("plan__items", recurring_prepaid_items(), to_attr="prepaid_items"),
        Prefetch("grants", Grant.objects.counted(at).select_related("balance"), to_attr="counted_grants"),
    )
    return found


def recurring_prepaid_items() -> QuerySet[PlanItem]:
    """The plan items that are sold in prepaid packs at a recurring price, each with its feature."""
    items = PlanItem.objects.filter(billing_method=BillingMethod.PREPAID).exclude(
        price_interval__in=NOT_RECURRING
    )
    return items.exclude(price_amount=None, price_tiers__isnull=True).select_related("feature")


def prepaid_price(item: PlanItem, plan: Any, currency: str) -> Price:
    """The price of a prepaid item. Raises `UnusablePrice` for one that invoices could not charge either."""
    try:
        price = item_price_in(item, plan, currency)
        return Price.from_stored(price.amount, price.tiers, item.price_tier_behavior, item.billing_units)
    except NoPrice as missing:
        raise UnusablePrice(str(missing)) from None
    except ValueError as problem:
        raise UnusablePrice(f"the price of {item.feature} can't be used: {problem}") from None


def charges_of(subscription: Subscription) -> list[RecurringCharge]:
    """The recurring charges of a subscription from `with_charges`, whether it earns or not.

    Raises `UnusablePrice`.
    """
    units = _prepaid_units(subscription)
    return charges(subscription.plan, subscription.quantity, units, subscription.billing_currency)


def charges(
    plan: Any, quantity: Decimal, prepaid: Mapping[str, Decimal], currency: str
) -> list[RecurringCharge]:
    """The recurring charges of a plan with its `prepaid_items`, in `currency`. `prepaid` has units by the feature's key.

    Raises `UnusablePrice`.
    """
    found = []
    try:
        base = base_price_in(plan, currency)
    except NoPrice as missing:
        raise UnusablePrice(str(missing)) from None
    if base is not None and plan.price_interval not in NOT_RECURRING:
        found.append(
            RecurringCharge(
                currency=currency,
                amount=base_cost(base, quantity),
                interval=plan.price_interval,
                interval_count=plan.price_interval_count or 1,
            )
        )
    for item in plan.prepaid_items:
        units = prepaid.get(str(item.feature_id), _ZERO)
        if units:
            included = EXACT.multiply(item.included, quantity)
            found.append(
                RecurringCharge(
                    currency=currency,
                    amount=prepaid_cost(prepaid_price(item, plan, currency), units, included),
                    interval=item.price_interval,
                    interval_count=item.price_interval_count or 1,
                )
            )
    return found


def revenue_of(
    customer_ids: Iterable[str], at: datetime | None = None
) -> dict[str, dict[str, RecurringRevenue]]:
    """MRR and ARR at `at` (default: now) by customer ID and currency; customers without any are left out.

    Three queries for up to some thousand customers. A subscription with an unusable price is left out (the doctor
    reports it), and so is a sum of more than 64 bits of minor units.
    """
    at = at or clock.now()
    found: dict[str, dict[str, RecurringRevenue]] = {}
    for piece in pieces(customer_ids):
        of_customer: dict[str, list[Subscription]] = defaultdict(list)
        for subscription in with_charges(earning(at).filter(customer_id__in=piece), at):
            of_customer[str(subscription.customer_id)].append(subscription)
        for customer_id, subscriptions in of_customer.items():
            if sums := _summed(subscriptions):
                found[customer_id] = sums
    return found


def revenue_of_subscription(subscription: Subscription, at: datetime) -> dict[str, RecurringRevenue]:
    """MRR and ARR by currency of a subscription from `with_charges`; empty if it does not earn at `at`."""
    return _summed([subscription]) if earns(subscription, at) else {}


def revenue_of_subscriptions(
    subscriptions: Sequence[Subscription], at: datetime
) -> dict[str, RecurringRevenue]:
    """MRR and ARR at `at` by currency of subscriptions of one customer, from `with_charges`."""
    return _summed([each for each in subscriptions if earns(each, at)])


def prepaid_units(
    plan: Any, quantities: Mapping[str, Any], granted: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    """The prepaid units of a subscription by the feature's key.

    They are the sums `granted` by its grants that count, or else its own `prepaid_quantities`, passed as `quantities`.
    """
    return {
        str(item.feature_id): max(granted[str(item.feature_id)], _ZERO)
        if str(item.feature_id) in granted
        else Decimal(quantities.get(item.feature.feature_id, 0))
        for item in plan.prepaid_items
    }


def _prepaid_units(subscription: Any) -> dict[str, Decimal]:
    granted: dict[str, Decimal] = {}
    for grant in subscription.counted_grants:
        feature_id = str(grant.balance.feature_id)
        granted[feature_id] = EXACT.add(granted.get(feature_id, _ZERO), grant.prepaid_grant)
    return prepaid_units(subscription.plan, subscription.prepaid_quantities, granted)


def _summed(subscriptions: Sequence[Subscription]) -> dict[str, RecurringRevenue]:
    by_currency: dict[str, list[RecurringCharge]] = defaultdict(list)
    for subscription in subscriptions:
        try:
            for charge in charges_of(subscription):
                by_currency[charge.currency].append(charge)
        except UnusablePrice:
            continue
    sums: dict[str, RecurringRevenue] = {}
    for of_currency in by_currency.values():
        try:
            sums |= recurring_revenue(of_currency)
        except ValueError:  # no currency, or more than 64 bits of minor units
            continue
    return {currency: each for currency, each in sorted(sums.items()) if each.arr}
