"""Which customers bring in how much: the sums of `billing.revenue.monthly` as the database works them out, to narrow lists.

In floating point, since SQLite knows no other: exact enough to tell two amounts of money apart, not to show one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Case, F, FloatField, OuterRef, QuerySet, Subquery, Sum, Value, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Ceil, Coalesce, Greatest, Least, NullIf
from django.db.models.lookups import GreaterThan, LessThanOrEqual

from billing.models import Grant, PlanItem
from billing.models.figures import Interval
from billing.revenue.monthly import NOT_RECURRING, Unreckonable, earning, price_ahead, sold_ahead
from billing.rules.monthly_value import monthly
from billing.rules.prices import Price
from customers import clock

#: Less than the smallest coin, more than what a sum of floats is wrong by.
_HAIR = 1e-6
_PACK_HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class MonthlyRange:
    """More than `above` and no more than `up_to` (None: no end) a month, in major units of a currency."""

    above: Decimal
    up_to: Decimal | None = None


def customers_earning(within: MonthlyRange, currency: str | None = None) -> QuerySet[Any]:
    """The keys of the customers whose MRR in `currency`, or in any one currency, lies `within`; for a subquery."""
    sums = monthly_sums().filter(mrr__gt=float(within.above) + _HAIR)
    if within.up_to is not None:
        sums = sums.filter(mrr__lte=float(within.up_to) + _HAIR)
    if currency is not None:
        sums = sums.filter(plan__currency=currency)
    return sums.values("customer")


def monthly_sums() -> QuerySet[Any]:
    """`mrr`, in major units, for each `customer` and currency (`plan__currency`) of what earns now."""
    at = clock.now()
    grouped = earning(at).order_by().values("customer", "plan__currency")
    return grouped.annotate(mrr=Sum(_base() + _ahead(at)))


def _base() -> Any:
    """The base price times the quantity, by the month."""
    months = Case(
        *(
            When(plan__price_interval=interval, then=Value(float(monthly(Decimal(1), interval))))
            for interval in Interval.values
            if interval not in NOT_RECURRING
        ),
        default=Value(0.0),
        output_field=FloatField(),
    )
    count = Coalesce(NullIf(F("plan__price_interval_count"), Value(0)), Value(1))
    return (
        Coalesce(_number(F("plan__price_amount")), Value(0.0))
        * _number(F("quantity"))
        * months
        / _number(count)
    )


def _ahead(at: datetime) -> Any:
    """What is bought ahead, by the month: each plan that sells so has a case of its own."""
    items: dict[str, list[PlanItem]] = defaultdict(list)
    for item in sold_ahead().filter(plan__subscriptions__in=earning(at)).distinct():
        items[item.plan_id].append(item)
    cases = []
    for plan_id, of_plan in items.items():
        costs = [cost for item in of_plan if (cost := _cost(item, at)) is not None]
        if costs:
            cases.append(When(plan=plan_id, then=_plus(costs)))
    return Case(*cases, default=Value(0.0), output_field=FloatField())


def _cost(item: PlanItem, at: datetime) -> Any:
    """What one item costs a month, as `billing.rules.prices` reckons it; None for a price it cannot reckon with."""
    try:
        price = price_ahead(item)
    except Unreckonable:
        return None
    month = float(monthly(Decimal(1), item.price_interval, item.price_interval_count or 1))
    units = _units(item, at)
    included = Value(float(item.included)) * _number(F("quantity"))
    if not price.tiers:
        cost = _packs(units, price) * Value(float(price.amount or 0))
    elif price.tier_behavior == "volume":
        cost = _volume(price, _packs(units + included, price))
    else:
        cost = _graduated(price, included, included + _packs(units, price) * _pack(price))
    return Case(When(GreaterThan(units, Value(0.0)), then=cost * Value(month)), default=Value(0.0))


def _units(item: PlanItem, at: datetime) -> Any:
    granted = (
        Grant.objects.counted(at)
        .filter(subscription=OuterRef("pk"), balance__feature=item.feature_id)
        .order_by()
        .values("subscription")
        .annotate(units=Sum(_number(F("prepaid_grant"))))
        .values("units")
    )
    said = KeyTextTransform(item.feature.feature_id, "prepaid_quantities")
    return Coalesce(Subquery(granted), _number(said), Value(0.0))


def _volume(price: Price, packs: Any) -> Any:
    """All packs in the tier that they reach."""
    costs = [
        (tier.to, packs * Value(float(tier.amount)) + Value(float(tier.flat_amount))) for tier in price.tiers
    ]
    reached = packs * _pack(price)
    return Case(
        *(
            When(LessThanOrEqual(reached, Value(float(to) + _HAIR)), then=cost)
            for to, cost in costs[:-1]
            if to is not None
        ),
        default=costs[-1][1],
        output_field=FloatField(),
    )


def _graduated(price: Price, start: Any, end: Any) -> Any:
    """Each part in its own tier, and the flat amount of every tier that is entered."""
    costs: list[Any] = []
    bottom = 0.0
    for tier in price.tiers:
        is_last = tier is price.tiers[-1] or tier.to is None
        top = end if is_last else Least(end, Value(float(tier.to or 0)))
        inside = Greatest(top - Greatest(start, Value(bottom)), Value(0.0))
        costs.append(inside * Value(float(tier.amount)) / _pack(price))
        costs.append(
            Case(
                When(GreaterThan(inside, Value(_PACK_HAIR)), then=Value(float(tier.flat_amount))),
                default=Value(0.0),
            )
        )
        bottom = float(tier.to or 0)
    return _plus(costs)


def _packs(units: Any, price: Price) -> Any:
    # A quotient of floats may lie just above a whole number that it should be.
    return Ceil(units / _pack(price) - Value(_PACK_HAIR), output_field=FloatField())


def _pack(price: Price) -> Value:
    return Value(float(price.billing_units))


def _plus(parts: Sequence[Any]) -> Any:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _number(expression: Any) -> Any:
    return Cast(expression, FloatField())
