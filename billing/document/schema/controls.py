"""Billing controls: automatic top-ups, spend limits and usage alerts."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import UNSET, UnsetType

from billing.document.schema.scalars import Count, Identifier, NonNegative
from customers.json_types import JsonDocument


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


class SpendLimit(JsonDocument, kw_only=True):
    """The most overage of one feature or, without `feature_id`, of each."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("feature_id",)
    NEEDED: ClassVar[frozenset[str]] = frozenset({"feature_id", "enabled", "overage_limit"})

    feature_id: Identifier | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    overage_limit: NonNegative | UnsetType = UNSET


class UsageAlert(JsonDocument, kw_only=True):
    """An alert when usage reaches a threshold: units, or a percentage of the granted amount."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("feature_id", "threshold", "threshold_type")
    NEEDED: ClassVar[frozenset[str]] = frozenset({"feature_id", "enabled"})

    feature_id: Identifier | UnsetType = UNSET
    threshold: NonNegative
    threshold_type: Literal["usage", "usage_percentage"]
    enabled: bool | UnsetType = UNSET
    name: str | UnsetType = UNSET


class BillingControls(JsonDocument, kw_only=True):
    """Billing controls. An absent list changes nothing, an empty list removes all."""

    auto_topups: list[AutoTopup] | UnsetType = UNSET
    spend_limits: list[SpendLimit] | UnsetType = UNSET
    usage_alerts: list[UsageAlert] | UnsetType = UNSET
