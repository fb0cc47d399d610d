"""The limits and alerts that a customer has set."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from billing.document.schema.scalars import Count, Identifier, NonNegative
from customers.json_types import JsonDocument


class PurchaseLimit(JsonDocument, kw_only=True):
    """At most `limit` purchases in each `interval_count` intervals."""

    interval: Literal["hour", "day", "week", "month"]
    interval_count: Count | UnsetType = UNSET
    limit: NonNegative


class AutoTopup(JsonDocument, kw_only=True):
    """Buys `quantity` of a feature when less than `threshold` of it remains."""

    feature_id: Identifier
    threshold: NonNegative
    quantity: NonNegative
    enabled: bool | UnsetType = UNSET
    purchase_limit: PurchaseLimit | UnsetType = UNSET


class SpendLimit(JsonDocument, kw_only=True):
    """How far overage may go, for one feature or, without `feature_id`, for all."""

    feature_id: Identifier | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    overage_limit: NonNegative | UnsetType = UNSET


class UsageAlert(JsonDocument, kw_only=True):
    """Tells when usage reaches a threshold: units, or a percentage of what is granted."""

    feature_id: Identifier | UnsetType = UNSET
    threshold: NonNegative
    threshold_type: Literal["usage", "usage_percentage"]
    enabled: bool | UnsetType = UNSET
    name: str | UnsetType = UNSET


class BillingControls(JsonDocument, kw_only=True):
    """A list that is absent leaves what we have; an empty one empties it."""

    auto_topups: list[AutoTopup] | UnsetType = UNSET
    spend_limits: list[SpendLimit] | UnsetType = UNSET
    usage_alerts: list[UsageAlert] | UnsetType = UNSET
