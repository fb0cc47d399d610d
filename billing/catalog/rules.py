"""Rules for features and plans, used by the catalog import and by forms.

They read unsaved rows and no database. Each problem names its column, so that a form can show it beside the field.
`DOCUMENT_STEPS` says where a document has that column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from billing.models import CreditCost, Feature, Plan, PlanItem
from billing.models.figures import BillingMethod, Interval
from billing.rules import money
from billing.rules.prices import Price

#: The intervals that a price can have.
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
#: The intervals that a reset can have: all except `multiple`, which stands for several.
RESET_INTERVALS = frozenset(Interval) - {Interval.MULTIPLE}

#: The path of a column in a document, if it is not the column's own name.
DOCUMENT_STEPS: dict[type, dict[str, tuple[str, ...]]] = {
    Plan: {
        "price_amount": ("price", "amount"),
        "price_interval": ("price", "interval"),
        "price_interval_count": ("price", "interval_count"),
        "free_trial_length": ("free_trial", "duration_length"),
        "free_trial_unit": ("free_trial", "duration_type"),
        "currency": (),
        "additional_currencies": ("price", "additional_currencies"),
    },
    PlanItem: {
        "feature": ("feature_id",),
        "reset_interval": ("reset", "interval"),
        "reset_interval_count": ("reset", "interval_count"),
        "price_amount": ("price", "amount"),
        "price_tiers": ("price", "tiers"),
        "additional_currencies": ("price", "additional_currencies"),
        "price_interval": ("price", "interval"),
        "price_interval_count": ("price", "interval_count"),
        "billing_units": ("price", "billing_units"),
        "billing_method": ("price", "billing_method"),
        "rollover_max": ("rollover", "max"),
        "rollover_expiry_unit": ("rollover", "expiry_duration_type"),
        "rollover_expiry_length": ("rollover", "expiry_duration_length"),
        "expiry_unit": ("expiry", "duration"),
        "expiry_length": ("expiry", "length"),
    },
    CreditCost: {"metered_feature": ("metered_feature_id",), "credit_system": ()},
}


@dataclass(frozen=True, slots=True)
class CatalogProblem:
    """What is wrong with the column `field`; the message says what to do."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class FeatureInUse:
    """How a feature is in use, which rules out some types."""

    has_balances: bool = False
    has_flags: bool = False
    #: Whether plans include an amount of it, reset it, sell it or carry it over.
    is_counted_in_plans: bool = False
    #: Whether credit systems draw on it.
    is_drawn: bool = False


def feature_problems(feature: Feature, was: str, use: FeatureInUse) -> Iterator[CatalogProblem]:
    """Why `feature` can't have its type. `was` is its former type, empty for a new feature or a stub.

    A feature that keeps its type has no problems, even if an import made it break these rules.
    """
    if feature.type == was:
        return
    is_boolean = feature.type == Feature.Type.BOOLEAN
    if use.has_balances and (is_boolean or was):
        yield _type_problem(feature, "customers have balances of it")
    elif use.has_flags and not is_boolean:
        yield _type_problem(feature, "customers have it as a flag")
    elif use.is_counted_in_plans and is_boolean:
        yield _type_problem(feature, "plans include an amount of it, reset it or sell more of it")
    elif use.is_drawn and feature.type != Feature.Type.METERED:
        yield _type_problem(feature, "credit systems draw on it as a metered feature")


def cost_problems(cost: CreditCost) -> Iterator[CatalogProblem]:
    """Problems of a credit cost."""
    system, metered = cost.credit_system, cost.metered_feature
    if system.type != Feature.Type.CREDIT_SYSTEM:
        yield CatalogProblem(
            "credit_system",
            f"Make {system.feature_id} a credit system, or remove its credit costs. It is {_kind(system)}.",
        )
    if metered.feature_id == system.feature_id:
        yield CatalogProblem(
            "metered_feature", "Choose a metered feature. A credit system can't draw on itself."
        )
    elif metered.type != Feature.Type.METERED:
        yield CatalogProblem(
            "metered_feature",
            f"Choose a metered feature. {metered.feature_id} is {_kind(metered)}.",
        )
    if not cost.credit_cost > 0:
        yield CatalogProblem("credit_cost", "Enter a cost above 0 credits.")


def plan_problems(plan: Plan) -> Iterator[CatalogProblem]:
    """Problems of a plan's own price, trial and currency."""
    if plan.price_amount is not None:
        yield from _recurring("price_interval", plan.price_interval, "price")
    yield from _count("price_interval_count", plan.price_interval_count)
    if plan.free_trial_length is not None and plan.free_trial_length < 1:
        yield CatalogProblem(
            "free_trial_length", "Enter a trial length of 1 or more. Leave blank for no trial."
        )
    if plan.free_trial_length is not None and not plan.free_trial_unit:
        yield CatalogProblem("free_trial_unit", "Choose days, months or years for the trial length.")
    if plan.free_trial_length is None and plan.free_trial_unit:
        yield CatalogProblem("free_trial_length", "Enter a trial length, or leave its unit blank.")
    if not money.is_known(plan.currency):
        yield CatalogProblem(
            "currency",
            f"Enter an ISO 4217 code in capitals, such as USD. {plan.currency!r} is not a currency.",
        )
    yield from _currency_problems(plan.price_amount, plan.additional_currencies)


def item_problems(item: PlanItem) -> Iterator[CatalogProblem]:
    """Problems of a plan item."""
    if item.feature.type == Feature.Type.BOOLEAN:
        yield from _boolean_problems(item)
        return
    yield from _price_problems(item)
    if item.reset_interval and item.reset_interval not in RESET_INTERVALS:
        yield CatalogProblem(
            "reset_interval", f"Choose a reset interval. {item.reset_interval!r} is not one."
        )
    if item.reset_interval_count is not None and not item.reset_interval:
        yield CatalogProblem("reset_interval", "Choose a reset interval, or leave its count blank.")
    yield from _count("reset_interval_count", item.reset_interval_count)
    yield from _rollover_problems(item)
    yield from _expiry_problems(item)


def _boolean_problems(item: PlanItem) -> Iterator[CatalogProblem]:
    because = f"{item.feature.feature_id} is an on/off feature."
    if item.included:
        yield CatalogProblem("included", f"Enter 0 as the included amount. {because}")
    if item.reset_interval:
        yield CatalogProblem("reset_interval", f"Leave the reset blank. {because}")
    if _is_priced(item):
        yield CatalogProblem("billing_method", f"Leave the price blank. {because}")
    if item.rollover_expiry_unit:
        yield CatalogProblem("rollover_expiry_unit", f"Leave the rollover blank. {because}")


def _price_problems(item: PlanItem) -> Iterator[CatalogProblem]:
    if not _is_priced(item):
        return
    if not item.billing_method:
        yield CatalogProblem(
            "billing_method",
            "Choose a billing method, prepaid or usage-based. The item has a price.",
        )
    if item.price_amount is not None and item.price_tiers:
        yield CatalogProblem("price_tiers", "Leave the amount or the tiers blank. A price has one of them.")
    if item.price_amount is None and not item.price_tiers:
        yield CatalogProblem("price_amount", "Enter an amount or tiers. 0 is an amount.")
    if item.billing_units is None or not item.billing_units > 0:
        yield CatalogProblem(
            "billing_units", "Enter the number of units that one price buys, above 0 and usually 1."
        )
    elif item.price_tiers:
        yield from _tier_problems(item)
    yield from _currency_problems(item.price_amount, item.additional_currencies)
    yield from _recurring("price_interval", item.price_interval, "price")
    yield from _count("price_interval_count", item.price_interval_count)
    if item.billing_method == BillingMethod.USAGE_BASED and item.price_interval == Interval.ONE_OFF:
        yield CatalogProblem(
            "price_interval",
            "Choose a recurring interval such as month, or the prepaid method. A usage-based price can't be charged once.",
        )


def _tier_problems(item: PlanItem) -> Iterator[CatalogProblem]:
    """Why the tiers can't be charged."""
    try:
        Price.from_stored(None, item.price_tiers, item.price_tier_behavior, item.billing_units)
    except ValueError as problem:
        yield CatalogProblem("price_tiers", f"{problem}.")


def _currency_problems(amount: Decimal | None, others: Any) -> Iterator[CatalogProblem]:
    """Problems of amounts in other currencies. Those of tiers are within the tiers."""
    codes = [str(each["currency"]).upper() for each in others or ()]
    twice = next((code for code in codes if codes.count(code) > 1), None)
    if codes and amount is None:
        yield CatalogProblem(
            "additional_currencies",
            "Enter the price in the plan's currency too, or leave other currencies blank. Tiers have their own.",
        )
    if twice is not None:
        yield CatalogProblem("additional_currencies", f"Keep one of the amounts in {twice}. It has two.")


def _rollover_problems(item: PlanItem) -> Iterator[CatalogProblem]:
    if not item.rollover_expiry_unit:
        if item.rollover_max is not None or item.rollover_expiry_length is not None:
            yield CatalogProblem(
                "rollover_expiry_unit", "Choose whether rollovers last for months or forever."
            )
        return
    if item.reset_interval in ("", Interval.ONE_OFF):
        yield CatalogProblem(
            "rollover_expiry_unit",
            "Choose a reset interval, or leave the rollover blank. An item that never resets has nothing to carry over.",
        )
    if item.rollover_expiry_length == 0:
        yield CatalogProblem(
            "rollover_expiry_length",
            "Enter 1 or more months, or choose forever. Leave blank for 1.",
        )


def _expiry_problems(item: PlanItem) -> Iterator[CatalogProblem]:
    if not item.expiry_unit:
        if item.expiry_length is not None:
            yield CatalogProblem("expiry_unit", "Choose days, weeks, months or years for the expiry.")
        return
    yield from _count("expiry_length", item.expiry_length)
    if item.reset_interval not in ("", Interval.ONE_OFF):
        yield CatalogProblem(
            "expiry_unit", "Leave the reset or the expiry blank. An amount that resets never expires."
        )


def _recurring(field: str, interval: str, what: str) -> Iterator[CatalogProblem]:
    if not interval:
        yield CatalogProblem(field, f"Choose how often the {what} is charged, such as once or every month.")
    elif interval not in PRICE_INTERVALS:
        allowed = ", ".join(each.value for each in Interval if each in PRICE_INTERVALS)
        yield CatalogProblem(field, f"Choose one of {allowed}. {interval!r} is not a price interval.")


def _count(field: str, count: int | None) -> Iterator[CatalogProblem]:
    if count is not None and count < 1:
        yield CatalogProblem(field, "Enter an interval count of 1 or more. Leave blank for 1.")


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
        f"Keep the type, or create a feature with another ID. It can't be {_kind(feature)} because {reason}.",
    )


def _kind(feature: Feature) -> str:
    return {
        Feature.Type.BOOLEAN.value: "a feature that is on or off",
        Feature.Type.METERED.value: "a metered feature",
        Feature.Type.CREDIT_SYSTEM.value: "a credit system",
    }.get(feature.type, f"of the type {feature.type!r}")
