"""What a customer has taken: subscriptions, purchases, and the licenses to assign under them."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from billing.document.schema.catalog import Plan
from billing.document.schema.scalars import Identifier, NonNegative, refuse_other
from customers.json_types import EpochMs, JsonDocument, Refused, within


class Subscription(JsonDocument, kw_only=True):
    """A plan that recurs.

    `status` says only whether it runs yet. Past due is active with `past_due`; a trial is active until
    `trial_ends_at`; a cancellation is active with `canceled_at` set, until `expires_at`.
    """

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
        """Raise `Refused` for a period or a life that ends before it starts, or another plan's details."""
        start, end = self.current_period_start, self.current_period_end
        if start is not None and end is not None and end <= start:
            raise Refused(within(at, "current_period_end"), "The period ends before it starts.")
        _verify_life(at, self.started_at, self.expires_at)
        _verify_plan(at, self.plan_id, self.plan)


class Purchase(JsonDocument, kw_only=True):
    """A plan bought once; without `expires_at` it is for life."""

    plan_id: Identifier
    started_at: EpochMs
    expires_at: EpochMs | None = None
    quantity: NonNegative
    plan: Plan | UnsetType = UNSET

    def verify(self, at: str) -> None:
        """Raise `Refused` for a life that ends before it starts, or another plan's details."""
        _verify_life(at, self.started_at, self.expires_at)
        _verify_plan(at, self.plan_id, self.plan)


class License(JsonDocument, kw_only=True):
    """Seats of a plan (`license_plan_id`) that `parent_plan_id` gives, to assign to entities."""

    license_plan_id: Identifier
    parent_plan_id: Identifier
    license_plan_name: str
    granted: NonNegative
    usage: NonNegative
    remaining: NonNegative
    paid_quantity: NonNegative


def _verify_life(at: str, started_at: EpochMs, expires_at: EpochMs | None) -> None:
    if expires_at is not None and expires_at < started_at:
        raise Refused(within(at, "expires_at"), "It expires before it starts.")


def _verify_plan(at: str, plan_id: str, plan: Plan | UnsetType) -> None:
    if plan is not UNSET:
        refuse_other(within(at, "plan", "id"), plan.id, plan_id)
        plan.verify(within(at, "plan"))
