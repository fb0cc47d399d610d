"""Billing controls: automatic top-ups, limits of overage and usage, and usage alerts.

A control with an `entity_id` is one entity's own, where it replaces the customer's. The client's documents of entities
have such controls without it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from msgspec import UNSET, UnsetType

from billing.document.schema.scalars import Count, Identifier, NonNegative, Word
from customers.json_types import JsonDocument, free_form


class PurchaseLimit(JsonDocument, kw_only=True):
    """At most `limit` purchases per `interval_count` intervals."""

    NEEDED: ClassVar[frozenset[str]] = frozenset({"interval_count"})

    interval: Literal["hour", "day", "week", "month"]
    interval_count: Count | UnsetType = UNSET
    limit: NonNegative


class AutoTopup(JsonDocument, kw_only=True):
    """Buys `quantity` of a feature when less than `threshold` of it remains."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("feature_id",)
    NEEDED: ClassVar[frozenset[str]] = frozenset({"enabled", "purchase_limit"})

    feature_id: Identifier
    threshold: NonNegative
    quantity: NonNegative
    enabled: bool | UnsetType = UNSET
    purchase_limit: PurchaseLimit | UnsetType = UNSET


class OverageAllowed(JsonDocument, kw_only=True):
    """Whether usage of one feature may exceed the balance, whatever the plan says."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("feature_id", "entity_id")
    NEEDED: ClassVar[frozenset[str]] = frozenset({"enabled", "entity_id"})

    feature_id: Identifier
    enabled: bool | UnsetType = UNSET
    entity_id: Identifier | UnsetType = UNSET


class SpendLimit(JsonDocument, kw_only=True):
    """The most overage of one feature or, without `feature_id`, of each: units, or a percentage of what is included.

    With `skip_overage_billing`, overage is counted and reset, but not billed.
    """

    IDENTITY: ClassVar[tuple[str, ...]] = ("feature_id", "entity_id")
    NEEDED: ClassVar[frozenset[str]] = frozenset(
        {"feature_id", "enabled", "limit_type", "overage_limit", "skip_overage_billing", "entity_id"}
    )

    feature_id: Identifier | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    limit_type: Literal["absolute", "usage_percentage"] | UnsetType = UNSET
    overage_limit: NonNegative | UnsetType = UNSET
    skip_overage_billing: bool | UnsetType = UNSET
    entity_id: Identifier | UnsetType = UNSET


class UsageLimit(JsonDocument, kw_only=True):
    """At most `limit` units of a feature per interval. `usage` is what is used in the present one.

    Intervals follow the billing cycle unless `anchor` says `utc`. With a `filter`, only usage with these properties
    counts.
    """

    IDENTITY: ClassVar[tuple[str, ...]] = ("feature_id", "interval", "entity_id")
    NEEDED: ClassVar[frozenset[str]] = frozenset({"enabled", "anchor", "filter", "entity_id"})

    feature_id: Identifier
    limit: NonNegative
    interval: Literal["day", "week", "month", "year"]
    enabled: bool | UnsetType = UNSET
    anchor: Literal["billing_cycle", "utc"] | UnsetType = UNSET
    filter: dict[str, Any] | UnsetType = UNSET
    usage: NonNegative | UnsetType = UNSET
    entity_id: Identifier | UnsetType = UNSET

    def __post_init__(self) -> None:
        self.filter = free_form(self.filter)


class UsageAlert(JsonDocument, kw_only=True):
    """An alert when usage reaches a threshold, or when what remains falls to it: units, or a percentage.

    A percentage is of what `basis` counts: all grants unless it says otherwise.
    """

    IDENTITY: ClassVar[tuple[str, ...]] = ("feature_id", "threshold", "threshold_type")
    NEEDED: ClassVar[frozenset[str]] = frozenset({"feature_id", "enabled", "basis", "filter", "entity_id"})

    feature_id: Identifier | UnsetType = UNSET
    threshold: NonNegative
    threshold_type: Literal["usage", "usage_percentage", "remaining", "remaining_percentage"]
    enabled: bool | UnsetType = UNSET
    basis: Literal["balance", "included", "recurring", "usage_limit"] | UnsetType = UNSET
    filter: dict[str, Any] | UnsetType = UNSET
    name: str | UnsetType = UNSET
    entity_id: Identifier | UnsetType = UNSET

    def __post_init__(self) -> None:
        self.filter = free_form(self.filter)


class Allocation(JsonDocument, kw_only=True):
    """The share of an entity, as it was requested."""

    entity_id: Identifier
    amount: NonNegative


class BalanceAllocation(JsonDocument, kw_only=True):
    """The shares of what the customer as a whole is granted of a feature per interval."""

    feature_id: Identifier
    interval: Word
    allocations: list[Allocation]


class BillingControls(JsonDocument, kw_only=True):
    """Billing controls. An absent list changes nothing, an empty list removes all."""

    balance_allocations: list[BalanceAllocation] | UnsetType = UNSET
    auto_topups: list[AutoTopup] | UnsetType = UNSET
    spend_limits: list[SpendLimit] | UnsetType = UNSET
    usage_limits: list[UsageLimit] | UnsetType = UNSET
    usage_alerts: list[UsageAlert] | UnsetType = UNSET
    overage_allowed: list[OverageAllowed] | UnsetType = UNSET
