"""Imports the features and plans in billing documents: described in full, or only named.

A feature or plan that is only named becomes a stub, which a later description completes. The number of queries doesn't
depend on how many features and plans there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from django.db import models
from msgspec import UNSET, UnsetType

from billing.document import schema
from billing.models import CreditCost, Feature, Plan, PlanItem
from customers.bulk import create_rows, pieces, sync_rows, update_rows
from customers.configuration.table import DEFAULT_CURRENCY
from customers.configuration.values import value_of
from customers.json_types import JsonDocument, to_plain
from customers.signals import renamed

#: (environment, plan ID).
PlanName = tuple[str, str]
#: (environment, plan ID, version).
PlanVersion = tuple[str, str, int]

FEATURE_FIELDS = (
    "name",
    "type",
    "consumable",
    "archived",
    "event_names",
    "display_singular",
    "display_plural",
    "is_stub",
)
PLAN_FIELDS = (
    "version",
    "name",
    "description",
    "group",
    "add_on",
    "auto_enable",
    "price_amount",
    "price_interval",
    "price_interval_count",
    "free_trial_length",
    "free_trial_unit",
    "free_trial_card_required",
    "free_trial_on_end",
    "archived",
    "base_variant_id",
    "config",
    "metadata",
    "created_at",
    "is_stub",
    "currency",
    "additional_currencies",
)
ITEM_FIELDS = (
    "position",
    "included",
    "unlimited",
    "reset_interval",
    "reset_interval_count",
    "price_amount",
    "price_tiers",
    "price_tier_behavior",
    "billing_units",
    "billing_method",
    "max_purchase",
    "price_interval",
    "price_interval_count",
    "additional_currencies",
    "rollover_max",
    "rollover_expiry_unit",
    "rollover_expiry_length",
    "expiry_unit",
    "expiry_length",
    "billing_threshold",
    "on_increase",
    "on_decrease",
    "pooled",
)

_T = TypeVar("_T")
_M = TypeVar("_M", bound=models.Model)


def upsert_features(
    sent: Iterable[schema.Feature | schema.ItemFeature], reason: str, named: Iterable[str] = ()
) -> dict[str, Feature]:
    """Create or update the features in `sent`, and return them and those `named`, by feature ID.

    An existing feature changes only in the columns that `sent` has. If `sent` describes a feature twice, the later counts.
    """
    described = list(sent)
    costed: dict[str, Sequence[schema.CreditCost]] = {}
    for each in described:
        if isinstance(each.credit_schema, list):
            costed[each.id] = each.credit_schema
        elif each.type != "credit_system":
            costed[each.id] = []
    metered = {cost.metered_feature_id for costs in costed.values() for cost in costs}
    wanted = dict.fromkeys([*(each.id for each in described), *named, *sorted(metered)])
    rows = {row.feature_id: row for row in _among(Feature, "feature_id", wanted)}
    before = {key: _values(row, FEATURE_FIELDS) for key, row in rows.items()}
    for feature_id in wanted:
        if feature_id not in rows:
            rows[feature_id] = Feature(feature_id=feature_id, name=feature_id, is_stub=True)
    for each in described:
        _set(rows[each.id], _feature_values(each))
    create_rows([row for key, row in rows.items() if key not in before], reason)
    _update(rows, before, FEATURE_FIELDS, reason)
    _sync_costs(costed, rows, reason)
    return rows


def upsert_plans(
    sent: Iterable[schema.Plan],
    features: Mapping[str, Feature],
    reason: str,
    named: Iterable[PlanName] = (),
    *,
    currency: str | None = None,
) -> dict[PlanVersion, Plan]:
    """Create or update the plans in `sent`, and return them and every version of those `named`.

    `features` are those of the plans' items. An existing version is updated; a new one completes the plan's stub, if
    there is one. If `sent` describes a version twice, the later description counts.

    Documents have no currency. A new version takes the currency of the version before it. A new plan takes `currency`, or
    else the setting DEFAULT_CURRENCY.
    """
    described = {(each.env, each.id, int(each.version)): each for each in sent}
    names = {version[:2] for version in described} | set(named)
    rows = {
        (row.env, row.plan_id, row.version): row
        for row in _among(Plan, "plan_id", [plan_id for _, plan_id in names])
        if (row.env, row.plan_id) in names
    }
    before = {row.pk: _values(row, PLAN_FIELDS) for row in rows.values()}
    latest = {version[:2]: rows[version] for version in sorted(rows) if not rows[version].is_stub}
    stubs = {
        (row.env, row.plan_id): row
        for version, row in rows.items()
        if row.is_stub and version not in described
    }
    for version in sorted(described.keys() - rows.keys(), reverse=True):
        stub = stubs.pop(version[:2], None)
        if stub is None:
            rows[version] = _new_plan(version, latest.get(version[:2]), currency)
        else:
            rows[version] = rows.pop((stub.env, stub.plan_id, stub.version))
            stub.version = version[2]
    for version, each in described.items():
        row = rows[version]
        if row.is_stub and currency is not None and version[:2] not in latest:
            row.currency = currency
        _set(row, plan_columns(each))
    for env, plan_id in sorted(names - {version[:2] for version in rows}):
        rows[env, plan_id, 1] = _new_plan((env, plan_id, 1))
    create_rows([row for row in rows.values() if row.pk not in before], reason)
    _update({row.pk: row for row in rows.values()}, before, PLAN_FIELDS, reason)
    _sync_items({rows[version].pk: each for version, each in described.items()}, features, reason)
    return rows


def features_of(plan: schema.Plan) -> list[schema.ItemFeature]:
    """The features that `plan` describes in full."""
    return [item.feature for item in plan.items if item.feature is not UNSET]


def plan_columns(sent: schema.Plan) -> dict[str, Any]:
    """The columns of a plan described in full; what it leaves out is empty."""
    price, trial = sent.price, present(sent.free_trial)
    values = {
        "name": sent.name,
        "description": sent.description,
        "group": sent.group,
        "add_on": sent.add_on,
        "auto_enable": sent.auto_enable,
        "price_amount": price and price.amount,
        "price_interval": price.interval if price else "",
        "price_interval_count": price and present(price.interval_count),
        "additional_currencies": price and as_stored(price.additional_currencies),
        "free_trial_length": trial and trial.duration_length,
        "free_trial_unit": trial.duration_type if trial else "",
        "free_trial_card_required": bool(trial and trial.card_required),
        "free_trial_on_end": (trial and present(trial.on_end)) or "",
        "archived": sent.archived,
        "base_variant_id": sent.base_variant_id,
        "created_at": sent.created_at,
        "is_stub": False,
    }
    return values | {
        name: value
        for name, value in (("config", sent.config), ("metadata", sent.metadata))
        if value is not UNSET
    }


def item_columns(sent: schema.PlanItem) -> dict[str, Any]:
    """The columns of a plan item, except plan, feature and position."""
    price, reset = sent.price, sent.reset
    rollover, expiry = present(sent.rollover), present(sent.expiry)
    threshold, proration = present(sent.threshold_billing), present(sent.proration)
    return {
        "included": sent.included,
        "unlimited": sent.unlimited,
        "reset_interval": reset.interval if reset else "",
        "reset_interval_count": reset and present(reset.interval_count),
        **price_columns(price),
        "price_interval": price.interval if price else "",
        "price_interval_count": price and present(price.interval_count),
        "additional_currencies": price and as_stored(price.additional_currencies),
        "rollover_max": rollover and rollover.max,
        "rollover_expiry_unit": rollover.expiry_duration_type if rollover else "",
        "rollover_expiry_length": rollover and present(rollover.expiry_duration_length),
        "expiry_unit": expiry.duration if expiry else "",
        "expiry_length": expiry and expiry.length,
        "billing_threshold": threshold and threshold.threshold,
        "on_increase": (proration and present(proration.on_increase)) or "",
        "on_decrease": (proration and present(proration.on_decrease)) or "",
        "pooled": present(sent.pooled) or False,
    }


def price_columns(price: schema.RowPrice | None) -> dict[str, Any]:
    """The price columns of grants and plan items.

    Tiers store their figures as text, because JSON numbers would lose digits.
    """
    if price is None:
        return {
            "price_amount": None,
            "price_tiers": None,
            "price_tier_behavior": "",
            "billing_units": None,
            "billing_method": "",
            "max_purchase": None,
        }
    return {
        "price_amount": present(price.amount),
        "price_tiers": as_stored(price.tiers),
        "price_tier_behavior": present(price.tier_behavior) or "",
        "billing_units": price.billing_units,
        "billing_method": price.billing_method,
        "max_purchase": price.max_purchase,
    }


def present(value: Any) -> Any:
    """`value`, or None if the document leaves it out."""
    return None if value is UNSET else value


def numbered(items: Iterable[_T]) -> Iterator[tuple[_T, int]]:
    """Each item with the number of equal items before it."""
    counts: Counter[_T] = Counter()
    for item in items:
        yield item, counts[item]
        counts[item] += 1


def _feature_values(sent: schema.Feature | schema.ItemFeature) -> dict[str, Any]:
    """The columns that `sent` has a value for."""
    whole = sent if isinstance(sent, schema.Feature) else sent.whole()
    values: dict[str, Any] = {"type": whole.type}
    if sent.name:
        values |= {"name": sent.name, "is_stub": False}
    elif isinstance(sent, schema.Feature):
        values |= {"name": "", "is_stub": False}
    if sent.consumable is not UNSET or sent.type in ("single_use", "continuous_use"):
        values["consumable"] = whole.consumable
    if isinstance(sent.archived, bool):
        values["archived"] = sent.archived
    if sent.event_names is not UNSET:
        values["event_names"] = list(sent.event_names)
    if isinstance(sent.display, schema.FeatureDisplay):
        values |= {"display_singular": sent.display.singular, "display_plural": sent.display.plural}
    return values


def as_stored(objects: Sequence[JsonDocument] | UnsetType) -> list[Any] | None:
    """A list of objects as JSON columns store it, figures as text; None if the document leaves it out."""
    return None if objects is UNSET else [_with_texts(to_plain(each)) for each in objects]


def _with_texts(value: Any) -> Any:
    """`value` with its figures as text."""
    if isinstance(value, Mapping):
        return {name: _with_texts(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_texts(each) for each in value]
    return value if isinstance(value, str) else f"{Decimal(value):f}"


def _new_plan(version: PlanVersion, before: Plan | None = None, currency: str | None = None) -> Plan:
    """A stub of the version, with what documents leave out copied from the version `before` it."""
    env, plan_id, number = version
    return Plan(
        env=env,
        plan_id=plan_id,
        version=number,
        name=plan_id,
        currency=before.currency if before else currency or value_of(DEFAULT_CURRENCY),
        trial_once_per_fingerprint=before is not None and before.trial_once_per_fingerprint,
        is_stub=True,
    )


def _sync_costs(
    costed: Mapping[str, Sequence[schema.CreditCost]], rows: Mapping[str, Feature], reason: str
) -> None:
    if not costed:
        return
    systems = [rows[feature_id] for feature_id in costed]
    wanted = [
        CreditCost(
            credit_system=rows[feature_id],
            metered_feature=rows[cost.metered_feature_id],
            credit_cost=cost.credit_cost,
            position=position,
        )
        for feature_id, costs in costed.items()
        for position, cost in enumerate(costs)
    ]
    sync_rows(
        _among(CreditCost, "credit_system", systems),
        wanted,
        key=lambda row: (row.credit_system_id, row.metered_feature_id),
        fields=("credit_cost", "position"),
        reason=reason,
    )


def _sync_items(described: Mapping[str, schema.Plan], features: Mapping[str, Feature], reason: str) -> None:
    wanted = [
        PlanItem(plan_id=plan_pk, feature=features[item.feature_id], position=position, **item_columns(item))
        for plan_pk, plan in described.items()
        for position, item in enumerate(plan.items)
    ]
    existing = _among(PlanItem, "plan", described)
    existing.sort(key=lambda row: (row.position, row.pk))
    keys = {
        row.pk: (key, number)
        for rows in (existing, wanted)
        for row, (key, number) in zip(
            rows, numbered((row.plan_id, row.feature_id) for row in rows), strict=True
        )
    }
    sync_rows(existing, wanted, key=lambda row: keys[row.pk], fields=ITEM_FIELDS, reason=reason)


def _among(model: type[_M], field: str, values: Iterable[object]) -> list[_M]:
    """The rows of `model` whose `field` is one of `values`."""
    return [
        row for piece in pieces(values) for row in model._default_manager.filter(**{f"{field}__in": piece})
    ]


def _set(row: models.Model, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)


def _values(row: models.Model, fields: Sequence[str]) -> list[Any]:
    return [getattr(row, name) for name in fields]


def _update(
    rows: Mapping[str, _M], before: Mapping[str, Sequence[Any]], fields: Sequence[str], reason: str
) -> None:
    """Write the rows that differ from what they were, and announce other names."""
    update_rows(_changed(rows, before, fields), fields, reason)
    place = fields.index("name")
    names = {key: _values(rows[key], ["name"]) for key in before if key in rows}
    if any(name != [before[key][place]] for key, name in names.items()):
        renamed.send(sender=None)


def _changed(rows: Mapping[str, _M], before: Mapping[str, Sequence[Any]], fields: Sequence[str]) -> list[_M]:
    return [
        rows[key] for key, values in before.items() if key in rows and _values(rows[key], fields) != values
    ]
