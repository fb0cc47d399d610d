"""Filters by plan, subscription, MRR, balance and renewal."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal

from django.db.models import Exists, OuterRef, Q

from billing.document.filters import RUNNING, subscribed
from billing.models import Feature, Plan
from billing.rules.exact import EXACT
from billing.rules.money import LARGEST_MINOR, digits, is_known
from crm.desk.segments.filter import (
    BadValue,
    FilterContext,
    FilterParameter,
    SegmentFilter,
    Values,
    any_of,
    name,
    names,
    number,
    one_of,
    some_of,
    span,
    whole,
)
from crm.models import BalanceFacts, CurrencyFacts
from customers.configuration.table import DEFAULT_CURRENCY
from customers.configuration.values import value_of
from customers.formats import counted
from customers.formats import number as formatted
from customers.json_types import DECIMALS

_FARTHEST = 3660
_MRR = {"some": "Any", "none": "None"}
_FIGURES = {"remaining": "Remaining", "granted": "Granted", "usage": "Usage", "used": "Used, in percent"}
_COLUMNS = {"remaining": "remaining", "granted": "granted", "usage": "usage", "used": "used_percent"}
_STATES = {
    "active": "Active",
    "scheduled": "Scheduled",
    "trial": "On trial",
    "past_due": "Past due",
    "ending": "Canceled",
    "none": "None",
}


def _plan(values: Values, context: FilterContext) -> Q:
    return Q(subscribed(RUNNING, Q(plan__plan_id__in=values["plan"])))


def _subscription(values: Values, context: FilterContext) -> Q:
    states = {
        "active": Q(facts__is_active=True),
        "scheduled": Q(facts__is_scheduled=True),
        "trial": Q(facts__trial_ends_at__gt=context.at),
        "past_due": Q(facts__is_past_due=True),
        "ending": Q(facts__is_ending=True),
        "none": ~Q(facts__is_active=True) & ~Q(facts__is_scheduled=True),
    }
    condition = Q()
    for state in values["subscription"]:
        condition |= states[state]
    return condition


def _mrr(values: Values, context: FilterContext) -> Q:
    currency = values.get("mrr_currency")
    codes = [code for code in ([currency] if currency else _codes()) if is_known(code)]
    if values.get("mrr") == "none":
        return ~_mrr_within(codes, Decimal(0), None)
    return _mrr_within(codes, values.get("mrr_from", Decimal(0)), values.get("mrr_to"))


def _mrr_within(codes: Iterable[str], above: Decimal, up_to: Decimal | None) -> Q:
    """An MRR, in major units of one of these currencies, of more than `above` and at most `up_to` (None: no limit)."""
    ranges = Q(pk__in=[])
    for code in codes:
        scale = digits(code)
        in_range = Q(currency=code.upper(), mrr__gt=_minor(above, scale))
        ranges |= in_range if up_to is None else in_range & Q(mrr__lte=_minor(up_to, scale))
    # MRR is never below 0, and 0 isn't stored.
    return Q(Exists(CurrencyFacts.objects.filter(ranges, customer=OuterRef("pk"), mrr__gt=0)))


def _minor(amount: Decimal, scale: int) -> int:
    """The amount in minor units, rounded down, and at most the largest that is stored."""
    return min(math.floor(EXACT.scaleb(amount, scale)), LARGEST_MINOR)


def _mrr_words(values: Values) -> str:
    currency = f" {values['mrr_currency']}" if "mrr_currency" in values else ""
    if values.get("mrr") == "none":
        return f"no MRR{f' in{currency}' if currency else ''}"
    amounts = span(values, "mrr_from", "mrr_to")
    return f"MRR {amounts}{currency}" if amounts else f"some MRR{f' in{currency}' if currency else ''}"


def _balance(values: Values, context: FilterContext) -> Q:
    found = BalanceFacts.objects.filter(customer=OuterRef("pk"), feature__feature_id=_feature(values))
    low, high = values.get("balance_from"), values.get("balance_to")
    if low is not None or high is not None:
        found = found.filter(unlimited=False)
    column = _COLUMNS[values.get("balance_figure", "remaining")]
    if low is not None:
        found = found.filter(**{f"{column}__gt": _cut(low)})
    if high is not None:
        found = found.filter(**{f"{column}__lte": _cut(high)})
    return Q(Exists(found))


def _cut(bound: Decimal) -> Decimal:
    """Figures have ten decimals, so further ones of a bound make no difference."""
    return bound.quantize(DECIMALS, ROUND_FLOOR, context=EXACT)


def _feature(values: Values) -> str:
    if "balance" not in values:
        raise BadValue("Choose the feature of the balance.")
    return str(values["balance"])


def _balance_words(values: Values) -> str:
    feature = _feature(values)
    if values.get("balance_figure") == "used":
        parts = [
            f"{words} {formatted(values[key])}%"
            for key, words in (("balance_from", "over"), ("balance_to", "up to"))
            if key in values
        ]
        return f"{feature} used {' and '.join(parts)}" if parts else f"a balance of {feature}"
    amounts = span(values, "balance_from", "balance_to")
    chosen = _FIGURES[values.get("balance_figure", "remaining")].lower()
    return f"{feature} {chosen} {amounts}" if amounts else f"a balance of {feature}"


def _late(values: Values, context: FilterContext) -> Q:
    """An unpaid invoice was due so many days ago, or longer."""
    return Q(facts__oldest_due_at__lte=context.at - timedelta(days=values["late"]))


def _renewal(values: Values, context: FilterContext) -> Q:
    until = context.at + timedelta(days=values["renews"])
    return Q(facts__renews_at__gt=context.at, facts__renews_at__lte=until)


def plans() -> Iterable[tuple[str, str]]:
    """The plans to choose from, by name."""
    found: dict[str, str] = {}
    for plan_id, words in Plan.objects.order_by("name", "plan_id").values_list("plan_id", "name"):
        found.setdefault(plan_id, words or plan_id)
    return found.items()


def features() -> Iterable[tuple[str, str]]:
    """The features that have balances, by name."""
    metered = Feature.objects.exclude(type=Feature.Type.BOOLEAN).order_by("name", "feature_id")
    return [(key, words or key) for key, words in metered.values_list("feature_id", "name")]


def _codes() -> list[str]:
    """The currencies of the catalog: no MRR is in another one."""
    sold = Plan.objects.order_by().values_list("currency", flat=True).distinct()
    return sorted({value_of(DEFAULT_CURRENCY), *sold})


def _currencies() -> Iterable[tuple[str, str]]:
    return [(code, code) for code in _codes()]


FILTERS = (
    SegmentFilter(
        name="late",
        label="Past due",
        parameters=(
            FilterParameter(name="late", label="Past due for at least (days)", read=whole(0, _FARTHEST)),
        ),
        condition=_late,
        words=lambda values: (
            f"past due for {counted(values['late'], 'day')} or more" if values["late"] else "past due"
        ),
        permission="billing.view_invoice",
    ),
    SegmentFilter(
        name="plan",
        label="Plan",
        parameters=(
            FilterParameter(name="plan", label="Plan", read=names, choices=plans, takes_several=True),
        ),
        condition=_plan,
        words=lambda values: f"on plan {any_of(values['plan'])}",
        permission="billing.view_subscription",
    ),
    SegmentFilter(
        name="subscription",
        label="Subscription",
        parameters=(
            FilterParameter(
                name="subscription",
                label="Subscription",
                read=some_of(_STATES),
                choices=_STATES.items,
                takes_several=True,
            ),
        ),
        condition=_subscription,
        words=lambda values: f"subscription {any_of(values['subscription'], _STATES).lower()}",
        permission="billing.view_subscription",
    ),
    SegmentFilter(
        name="mrr",
        label="MRR",
        parameters=(
            FilterParameter(name="mrr", label="MRR", read=one_of(_MRR), choices=_MRR.items),
            FilterParameter(name="mrr_from", label="MRR over", read=number),
            FilterParameter(name="mrr_to", label="MRR up to", read=number),
            FilterParameter(name="mrr_currency", label="MRR in", read=name, choices=_currencies),
        ),
        condition=_mrr,
        words=_mrr_words,
        permission="billing.view_subscription",
    ),
    SegmentFilter(
        name="balance",
        label="Balance",
        parameters=(
            FilterParameter(name="balance", label="Balance of", read=name, choices=features),
            FilterParameter(
                name="balance_figure",
                label="Figure",
                read=one_of(_FIGURES),
                choices=_FIGURES.items,
            ),
            FilterParameter(name="balance_from", label="Over", read=number),
            FilterParameter(name="balance_to", label="Up to", read=number),
        ),
        condition=_balance,
        words=_balance_words,
        permission="billing.view_balance",
    ),
    SegmentFilter(
        name="renewal",
        label="Renewal",
        parameters=(FilterParameter(name="renews", label="Renews within (days)", read=whole(1, _FARTHEST)),),
        condition=_renewal,
        words=lambda values: f"renews within {counted(values['renews'], 'day')}",
        permission="billing.view_subscription",
    ),
)
