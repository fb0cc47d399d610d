"""Filters by plan, subscription, MRR, balance and renewal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, FloatField, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Cast, Coalesce, Greatest, NullIf

from billing.document.filters import RUNNING, subscribed
from billing.models import Balance, Feature, Grant, Plan, Rollover, Subscription
from billing.revenue.range import MonthlyRange, customers_earning
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
from customers.formats import counted
from customers.formats import number as formatted

#: What two sums of floats that should be equal may differ by.
_HAIR = 1e-6
_FARTHEST = 3660
_MRR = {"some": "Any", "none": "None"}
_FIGURES = {"remaining": "Remaining", "granted": "Granted", "usage": "Usage", "used": "Used, in percent"}
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
    own = Subscription.objects.filter(customer=OuterRef("pk"))
    active = own.active()
    states = {
        "active": lambda: Q(Exists(active)),
        "scheduled": lambda: Q(Exists(own.filter(status=Subscription.Status.SCHEDULED))),
        "trial": lambda: Q(Exists(active.filter(trial_ends_at__gt=context.at))),
        "past_due": lambda: Q(Exists(active.filter(past_due=True))),
        "ending": lambda: Q(Exists(active.filter(canceled_at__isnull=False))),
        "none": lambda: ~Q(Exists(own.running())),
    }
    condition = Q()
    for state in values["subscription"]:
        condition |= states[state]()
    return condition


def _mrr(values: Values, context: FilterContext) -> Q:
    currency = values.get("mrr_currency")
    if values.get("mrr") == "none":
        return ~Q(pk__in=customers_earning(MonthlyRange(Decimal(0)), currency))
    within = MonthlyRange(values.get("mrr_from", Decimal(0)), values.get("mrr_to"))
    return Q(pk__in=customers_earning(within, currency))


def _mrr_words(values: Values) -> str:
    currency = f" {values['mrr_currency']}" if "mrr_currency" in values else ""
    if values.get("mrr") == "none":
        return f"no MRR{f' in{currency}' if currency else ''}"
    amounts = span(values, "mrr_from", "mrr_to")
    return f"MRR {amounts}{currency}" if amounts else f"some MRR{f' in{currency}' if currency else ''}"


def _balance(values: Values, context: FilterContext) -> Q:
    balances = Balance.objects.filter(
        customer=OuterRef("pk"), feature__feature_id=_feature(values), removed_at=None
    )
    low, high = values.get("balance_from"), values.get("balance_to")
    if low is not None or high is not None:
        unlimited = Grant.objects.counted(context.at).filter(balance=OuterRef("pk"), unlimited=True)
        balances = balances.filter(~Exists(unlimited)).annotate(
            figure=_figure(values.get("balance_figure", "remaining"), context)
        )
        if low is not None:
            balances = balances.filter(figure__gt=float(low) + _HAIR)
        if high is not None:
            balances = balances.filter(figure__lte=float(high) + _HAIR)
    return Q(Exists(balances))


def _feature(values: Values) -> str:
    if "balance" not in values:
        raise BadValue("Choose the feature of the balance.")
    return str(values["balance"])


def _figure(chosen: str, context: FilterContext) -> Any:
    """A figure of a balance, as `billing.rules.figures` reckons it from what counts now."""
    granted = _number("included_grant") + _number("prepaid_grant")
    used = _number("usage")
    carried, left = _number("granted"), _number("left")
    nothing = Value(0.0)

    def sums(grants: Any, rollovers: Any) -> Any:
        return _sum_of(Grant, grants, context) + _sum_of(Rollover, rollovers, context)

    if chosen == "granted":
        return sums(granted, carried)
    if chosen == "usage":
        return sums(used, carried - left)
    if chosen == "used":
        return sums(used, carried - left) * Value(100.0) / NullIf(sums(granted, carried), nothing)
    return sums(Greatest(granted - used, nothing), left)


def _sum_of(model: Any, expression: Any, context: FilterContext) -> Any:
    rows = model.objects.counted(context.at).filter(balance=OuterRef("pk")).order_by().values("balance")
    return Coalesce(Subquery(rows.annotate(total=Sum(expression)).values("total")), Value(0.0))


def _number(column: str) -> Any:
    return Cast(F(column), FloatField())


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


def _renewal(values: Values, context: FilterContext) -> Q:
    until = context.at + timedelta(days=values["renews"])
    return Q(Exists(Subscription.objects.renewing(context.at, until).filter(customer=OuterRef("pk"))))


def _plans() -> Iterable[tuple[str, str]]:
    found: dict[str, str] = {}
    for plan_id, words in Plan.objects.order_by("name", "plan_id").values_list("plan_id", "name"):
        found.setdefault(plan_id, words or plan_id)
    return found.items()


def _features() -> Iterable[tuple[str, str]]:
    metered = Feature.objects.exclude(type=Feature.Type.BOOLEAN).order_by("name", "feature_id")
    return [(key, words or key) for key, words in metered.values_list("feature_id", "name")]


def _currencies() -> Iterable[tuple[str, str]]:
    sold = Plan.objects.order_by().values_list("currency", flat=True).distinct()
    return [(currency, currency) for currency in sorted({settings.DEFAULT_CURRENCY, *sold})]


FILTERS = (
    SegmentFilter(
        name="plan",
        label="Plan",
        parameters=(
            FilterParameter(name="plan", label="Plan", read=names, choices=_plans, takes_several=True),
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
            FilterParameter(name="balance", label="Balance of", read=name, choices=_features),
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
