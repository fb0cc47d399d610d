"""What features and plans must keep to: the rules of the catalogue's import and of the admin's forms.

The rules read rows that need not be saved, and ask no database. Each names the column that breaks it, so that a
form can show the problem beside its field; `DOCUMENT_STEPS` says where a document holds that column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from billing.models import CreditCost, Feature, Plan, PlanItem
from billing.models.figures import BillingMethod, Interval
from billing.rules import money
from billing.rules.prices import Price

#: What a plan and what is billed may recur by.
PRICE_INTERVALS = frozenset(
    {
        Interval.ONE_OFF,
        Interval.WEEK,
        Interval.MONTH,
        Interval.QUARTER,
        Interval.SEMI_ANNUAL,
        Interval.YEAR,
    }
)
#: What usage may return to zero by: all but the mixture that only an aggregate shows.
RESET_INTERVALS = frozenset(Interval) - {Interval.MULTIPLE}

#: The keys under which a document holds a column that it does not hold under the column's own name.
DOCUMENT_STEPS: dict[type, dict[str, tuple[str, ...]]] = {
    Plan: {
        "price_amount": ("price", "amount"),
        "price_interval": ("price", "interval"),
        "price_interval_count": ("price", "interval_count"),
        "free_trial_length": ("free_trial", "duration_length"),
        "free_trial_unit": ("free_trial", "duration_type"),
        "currency": (),
    },
    PlanItem: {
        "feature": ("feature_id",),
        "reset_interval": ("reset", "interval"),
        "reset_interval_count": ("reset", "interval_count"),
        "price_amount": ("price", "amount"),
        "price_tiers": ("price", "tiers"),
        "price_interval": ("price", "interval"),
        "price_interval_count": ("price", "interval_count"),
        "billing_units": ("price", "billing_units"),
        "billing_method": ("price", "billing_method"),
        "rollover_max": ("rollover", "max"),
        "rollover_expiry_unit": ("rollover", "expiry_duration_type"),
        "rollover_expiry_length": ("rollover", "expiry_duration_length"),
    },
    CreditCost: {"metered_feature": ("metered_feature_id",), "credit_system": ()},
}


@dataclass(frozen=True, slots=True)
class CatalogProblem:
    """What is wrong with the column `field`, in a sentence that says what to do."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class FeatureInUse:
    """What is there of a feature, and forbids it some types."""

    has_balances: bool = False
    has_flags: bool = False
    #: Whether plans include an amount of it, reset it, sell it or carry it over.
    is_counted_in_plans: bool = False
    #: Whether credit systems draw on it.
    is_drawn: bool = False


def feature_problems(feature: Feature, was: str, use: FeatureInUse) -> Iterator[CatalogProblem]:
    """What forbids `feature` its type. `was` is the type it had, empty for a new feature or a stub.

    A feature that keeps its type keeps the rules, whatever an import made of it.
    """
    if feature.type == was:
        return
    is_boolean = feature.type == Feature.Type.BOOLEAN
    if use.has_balances and (is_boolean or was):
        yield _type_problem(feature, "customers have balances of it")
    elif use.has_flags and not is_boolean:
        yield _type_problem(feature, "customers have it switched on as a flag")
    elif use.is_counted_in_plans and is_boolean:
        yield _type_problem(feature, "plans include an amount of it, reset it or sell more of it")
    elif use.is_drawn and feature.type != Feature.Type.METERED:
        yield _type_problem(feature, "credit systems draw on it as a metered feature")


def cost_problems(cost: CreditCost) -> Iterator[CatalogProblem]:
    """What is wrong with what a feature costs in a credit system."""
    system, metered = cost.credit_system, cost.metered_feature
    if system.type != Feature.Type.CREDIT_SYSTEM:
        yield CatalogProblem(
            "credit_system",
            f"Only a credit system has credit costs: {system.feature_id} is {_kind(system)}. Make it a credit"
            " system, or take the costs away.",
        )
    if metered.feature_id == system.feature_id:
        yield CatalogProblem(
            "metered_feature", "A credit system cannot draw on itself: name a metered feature."
        )
    elif metered.type != Feature.Type.METERED:
        yield CatalogProblem(
            "metered_feature",
            f"Credits are spent on metered features: {metered.feature_id} is {_kind(metered)}. Name another.",
        )
    if not cost.credit_cost > 0:
        yield CatalogProblem("credit_cost", "A unit costs more than 0 credits.")


def plan_problems(plan: Plan) -> Iterator[CatalogProblem]:
    """What is wrong with a plan's own price, trial and currency."""
    if plan.price_amount is not None:
        yield from _recurring("price_interval", plan.price_interval, "price")
    yield from _count("price_interval_count", plan.price_interval_count)
    if plan.free_trial_length is not None and plan.free_trial_length < 1:
        yield CatalogProblem("free_trial_length", "A trial lasts 1 or more: without a trial, leave it out.")
    if plan.free_trial_length is not None and not plan.free_trial_unit:
        yield CatalogProblem("free_trial_unit", "Say what the trial's length counts: days, months or years.")
    if plan.free_trial_length is None and plan.free_trial_unit:
        yield CatalogProblem(
            "free_trial_length", "Say how long the trial lasts, or leave out what its length counts."
        )
    if not money.is_known(plan.currency):
        yield CatalogProblem(
            "currency", f"{plan.currency!r} is no currency: give an ISO 4217 code in capitals, such as USD."
        )


def item_problems(item: PlanItem) -> Iterator[CatalogProblem]:
    """What is wrong with what a plan includes of a feature."""
    if item.feature.type == Feature.Type.BOOLEAN:
        yield from _boolean_problems(item)
        return
    yield from _price_problems(item)
    if item.reset_interval and item.reset_interval not in RESET_INTERVALS:
        yield CatalogProblem(
            "reset_interval", f"Nothing resets every {item.reset_interval!r}: choose an interval."
        )
    if item.reset_interval_count is not None and not item.reset_interval:
        yield CatalogProblem("reset_interval", "Say what the interval count counts, or leave the count out.")
    yield from _count("reset_interval_count", item.reset_interval_count)
    yield from _rollover_problems(item)


def _boolean_problems(item: PlanItem) -> Iterator[CatalogProblem]:
    what = f"{item.feature.feature_id} is on or off"
    if item.included:
        yield CatalogProblem("included", f"{what}, so no amount of it can be included: write 0.")
    if item.reset_interval:
        yield CatalogProblem("reset_interval", f"{what}, so it does not reset: leave the reset out.")
    if _is_priced(item):
        yield CatalogProblem(
            "billing_method", f"{what}, so there is nothing of it to sell or bill: leave the price out."
        )
    if item.rollover_expiry_unit:
        yield CatalogProblem(
            "rollover_expiry_unit", f"{what}, so nothing of it is carried over: leave the rollover out."
        )


def _price_problems(item: PlanItem) -> Iterator[CatalogProblem]:
    if not _is_priced(item):
        return
    if not item.billing_method:
        yield CatalogProblem(
            "billing_method",
            "A price needs a billing method: prepaid for what is bought ahead, or usage-based.",
        )
    if item.price_amount is not None and item.price_tiers:
        yield CatalogProblem("price_tiers", "A price has either an amount or tiers: leave one of them out.")
    if item.price_amount is None and not item.price_tiers:
        yield CatalogProblem("price_amount", "A price needs an amount or tiers: 0 is an amount.")
    if item.billing_units is None or not item.billing_units > 0:
        yield CatalogProblem("billing_units", "Say how many units one price buys: more than 0, usually 1.")
    elif item.price_tiers:
        yield from _tier_problems(item)
    yield from _recurring("price_interval", item.price_interval, "price")
    yield from _count("price_interval_count", item.price_interval_count)
    if item.billing_method == BillingMethod.USAGE_BASED and item.price_interval == Interval.ONE_OFF:
        yield CatalogProblem(
            "price_interval",
            "What is billed after use is billed again and again: choose an interval such as month, or prepaid.",
        )


def _tier_problems(item: PlanItem) -> Iterator[CatalogProblem]:
    """What keeps a price from being computed."""
    try:
        Price.from_stored(None, item.price_tiers, item.price_tier_behavior, item.billing_units)
    except ValueError as problem:
        yield CatalogProblem("price_tiers", f"{problem}.")


def _rollover_problems(item: PlanItem) -> Iterator[CatalogProblem]:
    if not item.rollover_expiry_unit:
        if item.rollover_max is not None or item.rollover_expiry_length is not None:
            yield CatalogProblem(
                "rollover_expiry_unit", "Say whether what is carried over lasts for months or for ever."
            )
        return
    if item.reset_interval in ("", Interval.ONE_OFF):
        yield CatalogProblem(
            "rollover_expiry_unit",
            "An item that never resets has nothing to carry over: give it a reset, or leave the rollover out.",
        )
    if item.rollover_expiry_length == 0:
        yield CatalogProblem(
            "rollover_expiry_length",
            "What is carried over lasts for 1 month or more: leave it out for 1, or choose for ever.",
        )


def _recurring(field: str, interval: str, what: str) -> Iterator[CatalogProblem]:
    if not interval:
        yield CatalogProblem(
            field, f"Say how often the {what} is charged: once, or every week, month or year."
        )
    elif interval not in PRICE_INTERVALS:
        allowed = ", ".join(each.value for each in Interval if each in PRICE_INTERVALS)
        yield CatalogProblem(field, f"Nothing is charged every {interval!r}: choose one of {allowed}.")


def _count(field: str, count: int | None) -> Iterator[CatalogProblem]:
    if count is not None and count < 1:
        yield CatalogProblem(
            field, "An interval is counted from 1: leave the count out for every single one."
        )


def _is_priced(item: PlanItem) -> bool:
    figures: tuple[Decimal | int | None, ...] = (
        item.price_amount,
        item.billing_units,
        item.max_purchase,
        item.price_interval_count,
    )
    return (
        any(figure is not None for figure in figures)
        or bool(item.price_tiers)
        or bool(item.billing_method or item.price_interval or item.price_tier_behavior)
    )


def _type_problem(feature: Feature, reason: str) -> CatalogProblem:
    return CatalogProblem(
        "type",
        f"It cannot be {_kind(feature)}, for {reason}: leave its type, or make a feature with another id.",
    )


def _kind(feature: Feature) -> str:
    return {
        Feature.Type.BOOLEAN.value: "a feature that is on or off",
        Feature.Type.METERED.value: "a metered feature",
        Feature.Type.CREDIT_SYSTEM.value: "a credit system",
    }.get(feature.type, f"of the type {feature.type!r}")
