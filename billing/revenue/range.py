"""Which customers have an MRR within a range. The reference is `billing.revenue.monthly.revenue_of`.

PostgreSQL adds up base prices itself, in numerics that it multiplies but never divides, so that no digit is lost.
Customers with prepaid packs, whose tiers SQL would have to repeat, and all customers on SQLite, which has no exact
decimals, are computed here from a few columns. `tests/billing/revenue/test_range.py` holds both to the reference.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import (
    Case,
    CharField,
    DecimalField,
    ExpressionWrapper,
    F,
    Prefetch,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.db.models.expressions import RawSQL

from billing.models import Grant, Plan, Subscription
from billing.revenue.monthly import (
    NOT_RECURRING,
    UnusablePrice,
    charges,
    earning,
    prepaid_units,
    recurring_prepaid_items,
)
from billing.rules.exact import EXACT
from billing.rules.money import LARGEST_MINOR, digits, is_known
from billing.rules.monthly_value import TIMES_A_YEAR, rounded, yearly
from customers import clock
from customers.typed_ids import uuid_of

_ZERO = Decimal(0)
_NUMERIC: Any = DecimalField()


@dataclass(frozen=True, slots=True)
class MonthlyRange:
    """An MRR, in major units of a currency, of more than `above` and at most `up_to` (None: no limit)."""

    above: Decimal
    up_to: Decimal | None = None

    def minor_units(self, currency: str) -> tuple[int, int]:
        """The lowest and the highest MRR in the range, in minor units."""
        power = digits(currency)
        above = math.floor(EXACT.scaleb(self.above, power))
        up_to = LARGEST_MINOR if self.up_to is None else math.floor(EXACT.scaleb(self.up_to, power))
        return above + 1, min(up_to, LARGEST_MINOR)


def earning_within(within: MonthlyRange, currency: str | None = None) -> Q:
    """The customers whose MRR in `currency`, or in any one currency, lies within the range."""
    at = clock.now()
    subscriptions = earning(at)
    if currency is not None:
        subscriptions = subscriptions.filter(plan__currency=currency)
    if connection.vendor != "postgresql":
        return _computed(subscriptions, within, at)
    computed = subscriptions.filter(
        Q(plan__items__in=recurring_prepaid_items()) | ~Q(plan__price_interval__in=["", *TIMES_A_YEAR])
    ).values("customer")
    found = _computed(subscriptions.filter(customer__in=computed), within, at)
    for code, rhythms in _rhythms(subscriptions).items():
        plain = subscriptions.filter(plan__currency=code).exclude(customer__in=computed)
        found |= Q(pk__in=_summed(plain, rhythms, within.minor_units(code), code))
    return found


def _rhythms(subscriptions: QuerySet[Subscription]) -> dict[str, list[tuple[str, int | None]]]:
    """The interval and interval count of every recurring base price, by currency."""
    plans = Plan.objects.filter(subscriptions__in=subscriptions, price_interval__in=TIMES_A_YEAR)
    found: dict[str, list[tuple[str, int | None]]] = defaultdict(list)
    rows = plans.exclude(price_amount=None).exclude(price_interval__in=NOT_RECURRING).order_by()
    for code, interval, count in rows.values_list(
        "currency", "price_interval", "price_interval_count"
    ).distinct():
        if is_known(code):
            found[code].append((interval, count))
    return found


def _summed(
    plain: QuerySet[Subscription],
    rhythms: Sequence[tuple[str, int | None]],
    minor: tuple[int, int],
    code: str,
) -> QuerySet[Any]:
    """The customers whose base prices sum to an MRR between two amounts of minor units, both included.

    The sums are yearly amounts times `parts`, the common multiple of all interval counts. Without it, a charge every
    5 months, which recurs 12/5 times a year, would need a division.
    """
    parts = math.lcm(*(count or 1 for _, count in rhythms))
    times = Case(
        *(
            When(
                Q(plan__price_interval=interval, plan__price_interval_count=count),
                then=Value(Decimal(TIMES_A_YEAR[interval] * parts // (count or 1)), _NUMERIC),
            )
            for interval, count in rhythms
        ),
        output_field=_NUMERIC,
    )
    cost = ExpressionWrapper(F("plan__price_amount") * F("quantity") * times, _NUMERIC)
    sums = plain.order_by().values("customer").annotate(years=Sum(cost))
    low, high = minor
    within = _is_at_least(low, parts, code) & ~_is_at_least(high + 1, parts, code)
    return sums.filter(within).values("customer")


def _is_at_least(minor: int, parts: int, code: str) -> Q:
    """The condition that a twelfth of the yearly sum, rounded half-even, is `minor` or more."""
    least = EXACT.scaleb(Decimal((2 * minor - 1) * 6 * parts), -digits(code))
    return Q(years__gt=least) if minor % 2 else Q(years__gte=least)


def _computed(subscriptions: QuerySet[Subscription], within: MonthlyRange, at: datetime) -> Q:
    """The customers whose MRR from these subscriptions is within the range, computed by the reference."""
    years: dict[tuple[Any, str], Decimal] = {}
    for customer, code, year in _years(subscriptions, at):
        years[customer, code] = EXACT.add(years.get((customer, code), _ZERO), year)
    found = set()
    for (customer, code), year in years.items():
        try:
            mrr = rounded(year, code).mrr
            low, high = within.minor_units(code)
        except ValueError:  # no currency, or more than 64 bits of minor units
            continue
        if low <= mrr <= high:
            found.add(customer)
    # All keys in one parameter, because databases limit the number of parameters.
    if connection.vendor == "postgresql":
        return Q(pk__in=RawSQL("SELECT unnest(%s::uuid[])", [list(found)]))
    return Q(pk__in=RawSQL("SELECT value FROM json_each(%s)", [json.dumps(list(found))]))


def _years(subscriptions: QuerySet[Subscription], at: datetime) -> Iterator[tuple[Any, str, Decimal]]:
    """For each subscription, the customer's key as stored, the currency, and the exact yearly charges."""
    items = Prefetch("items", recurring_prepaid_items(), to_attr="prepaid_items")
    plans: dict[Any, Any] = {}
    for plan in Plan.objects.filter(pk__in=subscriptions.values("plan")).prefetch_related(items):
        uuid = uuid_of(plan.pk)
        plans[uuid if connection.vendor == "postgresql" else uuid.hex] = plan
    features = {item.feature_id for plan in plans.values() for item in plan.prepaid_items}
    granted: dict[Any, dict[str, Decimal]] = defaultdict(dict)
    grants = Grant.objects.counted(at).filter(subscription__in=subscriptions, balance__feature__in=features)
    for key, feature_id, units in grants.order_by().values_list(
        _stored("subscription_id"), "balance__feature_id", "prepaid_grant"
    ):
        own = granted[key]
        own[str(feature_id)] = EXACT.add(own.get(str(feature_id), _ZERO), units)
    # Many subscriptions have the same charges, so each combination is computed once.
    known: dict[tuple[Any, ...], Decimal] = {}
    rows = subscriptions.order_by().values_list(
        _stored("id"), _stored("customer_id"), _stored("plan_id"), "quantity", "prepaid_quantities"
    )
    for key, customer, plan_key, quantity, quantities in rows.iterator():
        plan = plans[plan_key]
        prepaid = prepaid_units(plan, quantities, granted.get(key, {})) if plan.prepaid_items else {}
        kind = (plan_key, quantity, *prepaid.values())
        if kind not in known:
            known[kind] = _year(plan, quantity, prepaid)
        if known[kind]:
            yield customer, plan.currency, known[kind]


def _stored(column: str) -> Any:
    """A key as stored, because converting tens of thousands of keys to typed IDs takes seconds."""
    return ExpressionWrapper(F(column), CharField())


def _year(plan: Any, quantity: Decimal, prepaid: Mapping[str, Decimal]) -> Decimal:
    """The yearly charges of a subscription. NaN if an interval is unknown, so that the customer's sum is left out."""
    try:
        return yearly(charges(plan, quantity, prepaid)).get(plan.currency, _ZERO)
    except UnusablePrice:
        return _ZERO
    except ValueError:
        return Decimal("NaN")
