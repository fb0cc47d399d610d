"""Versions of plans: what makes two of them differ, which one a document describes, and how a new one is made.

What a version grants and costs (its terms) never changes once it was described by a catalogue or is attached to a
customer: whoever has it keeps it. Its words may change: name, description, whether it is sold, metadata.
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

#: The columns of a plan that say what it grants and costs; the others are words.
TERMS = (
    "group",
    "add_on",
    "price_amount",
    "price_interval",
    "price_interval_count",
    "currency",
    "free_trial_length",
    "free_trial_unit",
    "free_trial_card_required",
    "trial_once_per_fingerprint",
    "config",
)


class NoNewVersion(Exception):
    """A new version cannot be made: a sentence that says why."""


@dataclass(frozen=True, slots=True)
class VersionTerms:
    """What a version of a plan grants and costs, as far as documents say it.

    What means the same is the same: no interval count and 1, tiers kept as texts and as numbers, items in another
    order. A document that does not mention the configuration has None, which goes with any.
    """

    plan: tuple[Any, ...]
    items: Mapping[tuple[Any, ...], int]
    config: Mapping[str, Any] | None

    @classmethod
    def of(cls, plan: Plan, items: Iterable[PlanItem], *, says_config: bool = True) -> VersionTerms:
        """The terms of `plan` with `items`, neither of which need be saved."""
        price = plan.price_amount is not None and (
            plan.price_amount,
            plan.price_interval,
            plan.price_interval_count or 1,
        )
        trial = plan.free_trial_length is not None and (
            plan.free_trial_length,
            plan.free_trial_unit,
            plan.free_trial_card_required,
        )
        return cls(
            plan=(plan.group or None, plan.add_on, price, trial),
            items=Counter(map(_item_terms, items)),
            config=plan.config if says_config else None,
        )

    def agree(self, ours: VersionTerms) -> bool:
        """Whether a version with these terms is the one with the terms `ours`."""
        return (self.plan, self.items) == (ours.plan, ours.items) and self.config in (None, ours.config)


def choose_version(
    stated: int, terms: VersionTerms, ours: Mapping[int, VersionTerms], *, is_newest: bool
) -> int:
    """The version that a document describes which states the number `stated`.

    `ours` are the terms of the versions that we have a description of. A number that we do not have is kept, and so
    is one whose terms agree. A document with other terms describes our latest version if it agrees with that, so
    that a file which never counts up can be imported again; else it is a new version, after our latest. Only the
    newest version that a file states of a plan (`is_newest`) can be new in this way: raises `Refused` for an
    older one, which tells a history that is not ours.
    """
    if stated not in ours or terms.agree(ours[stated]):
        return stated
    latest = max(ours)
    if not is_newest:
        raise Refused(
            "$.version",
            f"Version {stated} is there already and grants or costs something else, and versions stay as they are."
            f" State what is new in the newest version, as {latest + 1} or higher.",
        )
    return latest if terms.agree(ours[latest]) else _after(latest)


@transaction.atomic
def new_version(plan: Plan) -> Plan:
    """Copy `plan` with its items into the version after its latest, and answer that; nobody is moved to it.

    Raises `NoNewVersion` for a stub, which has nothing to copy.
    """
    versions = Plan.objects.select_for_update().filter(env=plan.env, plan_id=plan.plan_id)
    numbers = list(versions.order_by("version").values_list("version", flat=True))
    if plan.is_stub:
        raise NoNewVersion(f"{plan.plan_id} is known only by its id so far: complete it first.")
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
        raise Refused("$.version", f"There is no version after {number}: give the plan another id.")
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
    )
    rollover = bool(item.rollover_expiry_unit) and (
        item.rollover_max,
        item.rollover_expiry_unit == "month" and (item.rollover_expiry_length or 1),
    )
    return (item.feature.feature_id, item.included, item.unlimited, reset, price, rollover)


def _tiers(tiers: Any) -> tuple[tuple[Decimal, ...], ...]:
    return tuple(
        (
            Decimal("Infinity" if tier.get("to") in (None, "inf") else str(tier["to"])),
            Decimal(str(tier["amount"])),
            Decimal(str(tier.get("flat_amount") or 0)),
        )
        for tier in tiers or ()
    )
