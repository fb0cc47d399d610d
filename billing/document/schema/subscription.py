"""Subscriptions, purchases and licenses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypeVar

from msgspec import UNSET, UnsetType

from billing.document.schema.catalog import Plan
from billing.document.schema.scalars import Identifier, NonNegative, drop_invalid
from customers.json_types import EpochMs, JsonDocument, Remark, within


def _id_of_plan(item: Mapping[str, Any]) -> Any:
    return (item.get("plan") or {}).get("id", UNSET)


class Subscription(JsonDocument, kw_only=True):
    """A recurring plan.

    `status` only tells whether it has started. It stays active while past due (`past_due`), on trial (until
    `trial_ends_at`) and canceled (`canceled_at` is set, until `expires_at`).
    """

    IDENTITY: ClassVar[tuple[str, ...]] = ("id",)
    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "plan_id": _id_of_plan,
        "auto_enable": False,
        "add_on": False,
        "past_due": False,
        "started_at": lambda subscription: subscription.get("current_period_start") or UNSET,
    }
    #: The price is multiplied by it.
    REFUSING: ClassVar[frozenset[str]] = frozenset({"quantity"})

    id: Identifier
    plan_id: Identifier
    auto_enable: bool
    add_on: bool
    status: Literal["active", "scheduled"]
    past_due: bool
    canceled_at: EpochMs | None = None
    expires_at: EpochMs | None = None
    trial_ends_at: EpochMs | None = None
    started_at: EpochMs
    current_period_start: EpochMs | None = None
    current_period_end: EpochMs | None = None
    quantity: NonNegative
    plan: Plan | UnsetType = UNSET

    def verify(self, at: str) -> list[Remark]:
        """Drop an end of the period before its start, and the details of another plan."""
        remarks: list[Remark] = []
        start, end = self.current_period_start, self.current_period_end
        if start is not None and end is not None and end <= start:
            self.current_period_end = None
            text = "The period ends before it starts. The end was left empty."
            remarks.append(Remark(within(at, "current_period_end"), text))
        return remarks + drop_invalid(self, at, "plan", UNSET, own_id=self.plan_id)


class Purchase(JsonDocument, kw_only=True):
    """A plan bought once. Without `expires_at`, it never expires."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("plan_id", "started_at")
    DEFAULTS: ClassVar[Mapping[str, Any]] = {"plan_id": _id_of_plan}
    #: The price is multiplied by it.
    REFUSING: ClassVar[frozenset[str]] = frozenset({"quantity"})

    plan_id: Identifier
    started_at: EpochMs
    expires_at: EpochMs | None = None
    quantity: NonNegative
    plan: Plan | UnsetType = UNSET

    def verify(self, at: str) -> list[Remark]:
        """Drop the details of another plan."""
        return drop_invalid(self, at, "plan", UNSET, own_id=self.plan_id)


class License(JsonDocument, kw_only=True):
    """Seats of the plan `license_plan_id`, included in the plan `parent_plan_id`, to assign to entities."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("license_plan_id", "parent_plan_id")
    DEFAULTS: ClassVar[Mapping[str, Any]] = {"license_plan_name": ""}

    license_plan_id: Identifier
    parent_plan_id: Identifier
    license_plan_name: str
    granted: NonNegative
    usage: NonNegative
    remaining: NonNegative
    paid_quantity: NonNegative


_Attached = TypeVar("_Attached", Subscription, Purchase)


def without_never_valid(at: str, items: list[_Attached]) -> tuple[list[_Attached], list[Remark]]:
    """The items of the list `at` that don't expire before they start, and a remark on each other one."""
    kept: list[_Attached] = []
    remarks: list[Remark] = []
    for index, item in enumerate(items):
        if item.expires_at is not None and item.expires_at < item.started_at:
            path = within(at, index, "expires_at")
            remarks.append(Remark(path, f"It expires before it starts. {within(at, index)} was left out."))
        else:
            kept.append(item)
    return kept, remarks
