"""Subscriptions, purchases and licenses."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import UNSET, UnsetType

from billing.document.schema.catalog import Plan
from billing.document.schema.scalars import Identifier, NonNegative, refuse_other
from customers.json_types import EpochMs, JsonDocument, Refused, within


class Subscription(JsonDocument, kw_only=True):
    """A recurring plan.

    `status` only tells whether it has started. It stays active while past due (`past_due`), on trial (until
    `trial_ends_at`) and canceled (`canceled_at` is set, until `expires_at`).
    """

    IDENTITY: ClassVar[tuple[str, ...]] = ("id",)

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

    def verify(self, at: str) -> None:
        """Raise `Refused` if an end is before its start, or if `plan` has another ID than `plan_id`."""
        start, end = self.current_period_start, self.current_period_end
        if start is not None and end is not None and end <= start:
            raise Refused(within(at, "current_period_end"), "The period ends before it starts.")
        _verify_lifetime(at, self.started_at, self.expires_at)
        _verify_plan(at, self.plan_id, self.plan)


class Purchase(JsonDocument, kw_only=True):
    """A plan bought once. Without `expires_at`, it never expires."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("plan_id", "started_at")

    plan_id: Identifier
    started_at: EpochMs
    expires_at: EpochMs | None = None
    quantity: NonNegative
    plan: Plan | UnsetType = UNSET

    def verify(self, at: str) -> None:
        """Raise `Refused` if an end is before its start, or if `plan` has another ID than `plan_id`."""
        _verify_lifetime(at, self.started_at, self.expires_at)
        _verify_plan(at, self.plan_id, self.plan)


class License(JsonDocument, kw_only=True):
    """Seats of the plan `license_plan_id`, included in the plan `parent_plan_id`, to assign to entities."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("license_plan_id", "parent_plan_id")

    license_plan_id: Identifier
    parent_plan_id: Identifier
    license_plan_name: str
    granted: NonNegative
    usage: NonNegative
    remaining: NonNegative
    paid_quantity: NonNegative


def _verify_lifetime(at: str, started_at: EpochMs, expires_at: EpochMs | None) -> None:
    if expires_at is not None and expires_at < started_at:
        raise Refused(within(at, "expires_at"), "It expires before it starts.")


def _verify_plan(at: str, plan_id: str, plan: Plan | UnsetType) -> None:
    if plan is not UNSET:
        refuse_other(within(at, "plan", "id"), plan.id, plan_id)
        plan.verify(within(at, "plan"))
