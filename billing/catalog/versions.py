"""Versions of plans: their terms, which version a document describes, and new versions.

The terms of a version, which are what it grants and costs, never change once a catalog described it or a customer has
it. Name, description, metadata and whether it is sold may change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Model

from billing.models import Plan, PlanItem
from billing.rules.figures import LARGEST_WHOLE
from customers import clock
from customers.json_types import Refused

#: The columns of a plan that are terms.
TERMS = (
    "group",
    "add_on",
    "price_amount",
    "price_interval",
    "price_interval_count",
    "currency",
    "additional_currencies",
    "free_trial_length",
    "free_trial_unit",
    "free_trial_card_required",
    "free_trial_on_end",
    "trial_once_per_fingerprint",
    "config",
)


class NoNewVersion(Exception):
    """A new version can't be made; the message says why."""


@dataclass(frozen=True, slots=True)
class VersionTerms:
    """What a version of a plan grants and costs, limited to terms that documents can have.

    Terms with the same meaning are equal: an interval count of 1 or none, tiers as text or as numbers, items in any
    order. `config` is None for a document without a configuration; such a document agrees with any configuration.
    """

    plan: tuple[Any, ...]
    items: Mapping[tuple[Any, ...], int]
    config: Mapping[str, Any] | None

    @classmethod
    def of(cls, plan: Plan, items: Iterable[PlanItem], *, says_config: bool = True) -> VersionTerms:
        """The terms of `plan` with `items`, saved or not."""
        price = plan.price_amount is not None and (
            plan.price_amount,
            plan.price_interval,
            plan.price_interval_count or 1,
            _others(plan.additional_currencies),
        )
        trial = plan.free_trial_length is not None and (
            plan.free_trial_length,
            plan.free_trial_unit,
            plan.free_trial_card_required,
            plan.free_trial_on_end or Plan.FreeTrialEnd.BILL,
        )
        return cls(
            plan=(plan.group or None, plan.add_on, price, trial),
            items=Counter(map(_item_terms, items)),
            config=plan.config if says_config else None,
        )

    def agree(self, ours: VersionTerms) -> bool:
        """Whether the terms of a document agree with `ours`."""
        return (self.plan, self.items) == (ours.plan, ours.items) and self.config in (None, ours.config)


def choose_version(
    stated: int, terms: VersionTerms, ours: Mapping[int, VersionTerms], *, is_newest: bool
) -> int:
    """The number of the version to write for a document that has the number `stated` and these `terms`.

    `ours` has the terms of existing versions by number. The result is `stated` if no such version exists, or if its
    terms agree. Otherwise it is the latest version if that agrees, so that a file that always states the same number can
    be imported again, or else a new version after it. Only the newest version of a plan in a file (`is_newest`) can
    become a new version. An older one with other terms raises `Refused`.
    """
    if stated not in ours or terms.agree(ours[stated]):
        return stated
    latest = max(ours)
    if not is_newest:
        raise Refused(
            "$.version",
            f"Make the change in the newest version of the plan, and number it {latest + 1} or higher. Version {stated}"
            " exists with other terms, and the terms of a version never change.",
        )
    return latest if terms.agree(ours[latest]) else _after(latest)


@transaction.atomic
def new_version(plan: Plan) -> Plan:
    """Copy `plan` with its items into a new version after its latest. No customer is moved to it.

    Raises `NoNewVersion` for a stub, which has nothing to copy.
    """
    versions = Plan.objects.select_for_update().filter(env=plan.env, plan_id=plan.plan_id)
    numbers = list(versions.order_by("version").values_list("version", flat=True))
    if plan.is_stub:
        raise NoNewVersion(f"Complete {plan.plan_id} first. Only its ID is known.")
    try:
        number = _after(numbers[-1])
    except Refused as problem:
        raise NoNewVersion(problem.reason) from None
    made = Plan(**{**_columns(plan), "version": number, "created_at": clock.now()})
    made.save()
    for item in PlanItem.objects.filter(plan=plan):
        PlanItem(**{**_columns(item), "plan_id": made.pk}).save()
    return made


def _after(number: int) -> int:
    if number >= LARGEST_WHOLE:
        raise Refused("$.version", f"Give the plan another ID. There is no version after {number}.")
    return number + 1


def _columns(row: Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.fields if not field.primary_key}


def _item_terms(item: PlanItem) -> tuple[Any, ...]:
    reset = bool(item.reset_interval) and (item.reset_interval, item.reset_interval_count or 1)
    price = bool(item.billing_method) and (
        item.billing_method,
        item.price_amount,
        _tiers(item.price_tiers),
        bool(item.price_tiers) and (item.price_tier_behavior or "graduated"),
        1 if item.billing_units is None else item.billing_units,
        item.max_purchase,
        item.price_interval,
        item.price_interval_count or 1,
        _others(item.additional_currencies),
    )
    rollover = bool(item.rollover_expiry_unit) and (
        item.rollover_max,
        item.rollover_expiry_unit == "month" and (item.rollover_expiry_length or 1),
    )
    expiry = bool(item.expiry_unit) and (item.expiry_unit, item.expiry_length or 1)
    what = (item.feature.feature_id, item.included, item.unlimited)
    proration = (item.on_increase, item.on_decrease)
    return (*what, reset, price, rollover, expiry, item.billing_threshold, proration, item.pooled)


def _others(stored: Any) -> frozenset[tuple[Any, ...]]:
    """Amounts in other currencies, however they are ordered and spelled."""
    return frozenset(
        (
            str(each["currency"]).upper(),
            *(Decimal(str(each.get(name) or 0)) for name in ("amount", "flat_amount")),
        )
        for each in stored or ()
    )


def _tiers(tiers: Any) -> tuple[tuple[Any, ...], ...]:
    return tuple(
        (
            Decimal("Infinity" if tier.get("to") in (None, "inf") else str(tier["to"])),
            Decimal(str(tier["amount"])),
            Decimal(str(tier.get("flat_amount") or 0)),
            _others(tier.get("additional_currencies")),
        )
        for tier in tiers or ()
    )
