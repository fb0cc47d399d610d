"""Renders features and plans in full."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, UnsetType, structs

from billing.document import schema
from billing.document.renderer.scalars import choice, nullable_figure, optional_count, optional_figure
from billing.models import CreditCost, Feature, Grant, Plan, PlanItem
from customers.json_types import AnyEpochMs


@dataclass(frozen=True, slots=True)
class RenderedCatalog:
    """Rendered features and plans, by the keys of their rows.

    Stubs are left out: documents show only the ID of what was never described.
    """

    features: Mapping[str, schema.Feature]
    plans: Mapping[str, schema.Plan]


def render_catalog(features: Collection[Feature], plans: Collection[Plan]) -> RenderedCatalog:
    """`features` and `plans` in full, in a fixed number of queries."""
    items: dict[str, list[PlanItem]] = defaultdict(list)
    described = [plan for plan in plans if not plan.is_stub]
    if described:
        for item in PlanItem.objects.filter(plan__in=described).select_related("feature"):
            items[item.plan_id].append(item)
    rows = {feature.pk: feature for feature in features}
    rows |= {item.feature_id: item.feature for each in items.values() for item in each}
    costs: dict[str, list[CreditCost]] = defaultdict(list)
    if rows:
        for cost in CreditCost.objects.filter(credit_system__in=rows.values()).select_related(
            "metered_feature"
        ):
            costs[cost.credit_system_id].append(cost)
    shown = {key: _feature(row, costs[key]) for key, row in rows.items() if not row.is_stub}
    return RenderedCatalog(shown, {plan.pk: _plan(plan, items[plan.pk], shown) for plan in described})


def price_arguments(row: Grant | PlanItem) -> dict[str, Any]:
    """The arguments that the prices of grants and of plan items share. `row` has a billing method."""
    tier = _plan_tier if isinstance(row, PlanItem) else _tier
    return {
        "amount": optional_figure(row.price_amount),
        "tiers": UNSET if row.price_tiers is None else list(map(tier, row.price_tiers)),
        "tier_behavior": row.price_tier_behavior or UNSET,
        "billing_units": schema.Positive(1 if row.billing_units is None else row.billing_units),
        "billing_method": row.billing_method,
        "max_purchase": nullable_figure(row.max_purchase),
    }


def _feature(row: Feature, costs: Sequence[CreditCost]) -> schema.Feature:
    is_called = row.display_singular is not None or row.display_plural is not None
    draws = bool(costs) or row.type == Feature.Type.CREDIT_SYSTEM
    return schema.Feature(
        id=row.feature_id,
        name=row.name,
        type=choice(row.type),
        consumable=row.consumable,
        archived=row.archived,
        event_names=UNSET if row.event_names is None else row.event_names,
        credit_schema=[
            schema.CreditCost(
                metered_feature_id=cost.metered_feature.feature_id,
                credit_cost=schema.Positive(cost.credit_cost),
            )
            for cost in costs
        ]
        if draws
        else UNSET,
        display=schema.FeatureDisplay(singular=row.display_singular, plural=row.display_plural)
        if is_called
        else UNSET,
    )


def _plan(row: Plan, items: Sequence[PlanItem], features: Mapping[str, schema.Feature]) -> schema.Plan:
    return schema.Plan(
        id=row.plan_id,
        name=row.name,
        description=row.description,
        group=row.group,
        version=schema.Whole(row.version),
        add_on=row.add_on,
        auto_enable=row.auto_enable,
        price=None
        if row.price_amount is None
        else schema.PlanPrice(
            amount=schema.NonNegative(row.price_amount),
            interval=choice(row.price_interval or "one_off"),
            interval_count=optional_count(row.price_interval_count),
            additional_currencies=_in_other_currencies(row.additional_currencies),
        ),
        items=[_item(item, features.get(item.feature_id)) for item in items],
        free_trial=_free_trial(row),
        created_at=AnyEpochMs.fromisoformat(row.created_at.isoformat()),
        env=choice(row.env),
        archived=row.archived,
        base_variant_id=row.base_variant_id,
        config=row.config,
        metadata=row.metadata,
    )


def _free_trial(row: Plan) -> schema.FreeTrial | UnsetType:
    if row.free_trial_length is None:
        return UNSET
    return schema.FreeTrial(
        duration_length=schema.Count(row.free_trial_length),
        duration_type=choice(row.free_trial_unit or "day"),
        card_required=row.free_trial_card_required,
        on_end=choice(row.free_trial_on_end) if row.free_trial_on_end else UNSET,
    )


def _item(row: PlanItem, feature: schema.Feature | None) -> schema.PlanItem:
    return schema.PlanItem(
        feature_id=row.feature.feature_id,
        included=schema.NonNegative(row.included),
        unlimited=row.unlimited,
        reset=schema.PlanItemReset(
            interval=choice(row.reset_interval), interval_count=optional_count(row.reset_interval_count)
        )
        if row.reset_interval
        else None,
        price=schema.PlanItemPrice(
            interval=choice(row.price_interval or "one_off"),
            interval_count=optional_count(row.price_interval_count),
            additional_currencies=_in_other_currencies(row.additional_currencies),
            **price_arguments(row),
        )
        if row.billing_method
        else None,
        rollover=_item_rollover(row),
        expiry=schema.ItemExpiry(
            duration=choice(row.expiry_unit), length=schema.Count(row.expiry_length or 1)
        )
        if row.expiry_unit
        else UNSET,
        threshold_billing=UNSET
        if row.billing_threshold is None
        else schema.ThresholdBilling(threshold=schema.Positive(row.billing_threshold)),
        proration=schema.ItemProration(
            on_increase=choice(row.on_increase) if row.on_increase else UNSET,
            on_decrease=choice(row.on_decrease) if row.on_decrease else UNSET,
        )
        if row.on_increase or row.on_decrease
        else UNSET,
        pooled=row.pooled or UNSET,
        feature=schema.ItemFeature(**structs.asdict(feature)) if feature else UNSET,
    )


def _item_rollover(row: PlanItem) -> schema.ItemRollover | UnsetType:
    if not row.rollover_expiry_unit:
        return UNSET
    length = row.rollover_expiry_length
    return schema.ItemRollover(
        max=nullable_figure(row.rollover_max),
        expiry_duration_type=choice(row.rollover_expiry_unit),
        expiry_duration_length=UNSET if length is None else schema.Whole(length),
    )


def _tier(tier: Mapping[str, Any]) -> schema.Tier:
    return schema.Tier(**_tier_arguments(tier))


def _plan_tier(tier: Mapping[str, Any]) -> schema.Tier:
    others = tier.get("additional_currencies")
    return schema.PlanTier(
        **_tier_arguments(tier),
        additional_currencies=UNSET
        if others is None
        else [
            schema.TierCurrency(
                currency=each["currency"],
                amount=_optional(each.get("amount")),
                flat_amount=_optional(each.get("flat_amount")),
            )
            for each in others
        ],
    )


def _tier_arguments(tier: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "to": schema.TierEnd(str(tier["to"])),
        "amount": schema.NonNegative(str(tier["amount"])),
        "flat_amount": _optional(tier.get("flat_amount")),
    }


def _in_other_currencies(stored: Any) -> list[schema.CurrencyAmount] | UnsetType:
    if stored is None:
        return UNSET
    return [
        schema.CurrencyAmount(currency=each["currency"], amount=schema.NonNegative(str(each["amount"])))
        for each in stored
    ]


def _optional(figure: Any) -> schema.NonNegative | UnsetType:
    return UNSET if figure is None else schema.NonNegative(str(figure))
