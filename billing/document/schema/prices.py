"""Prices of plans, plan items and grants."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import UNSET, UnsetType

from billing.document.schema.scalars import Count, NonNegative, Positive, PriceInterval, TierEnd
from billing.rules.prices import TierBehavior
from customers.json_types import JsonDocument, Refused, within

BillingMethod = Literal["prepaid", "usage_based"]


class Tier(JsonDocument, kw_only=True):
    """The price of the units up to `to`: `amount` for each, and `flat_amount` once."""

    NEEDED: ClassVar[frozenset[str]] = frozenset({"flat_amount"})

    to: TierEnd
    amount: NonNegative
    flat_amount: NonNegative | UnsetType = UNSET


class PlanPrice(JsonDocument, kw_only=True):
    """The base price of a plan."""

    NEEDED: ClassVar[frozenset[str]] = frozenset({"interval_count"})

    amount: NonNegative
    interval: PriceInterval
    interval_count: Count | UnsetType = UNSET


class RowPrice(JsonDocument, kw_only=True):
    """The price of more of a feature: `amount`, or `tiers`, per `billing_units`.

    `max_purchase` limits both what can be bought and the overage; null means no limit. Tiers ascend, and only the last
    may be open-ended.
    """

    NEEDED: ClassVar[frozenset[str]] = frozenset({"amount", "tiers", "tier_behavior", "max_purchase"})

    amount: NonNegative | UnsetType = UNSET
    tiers: list[Tier] | UnsetType = UNSET
    tier_behavior: TierBehavior | UnsetType = UNSET
    billing_units: Positive
    billing_method: BillingMethod
    max_purchase: NonNegative | None = None

    def verify(self, at: str) -> None:
        """Raise `Refused` if the tiers do not ascend."""
        tiers = self.tiers or []
        for index in range(1, len(tiers)):
            if tiers[index].to <= tiers[index - 1].to:
                raise Refused(
                    within(at, "tiers", index, "to"), "Expected a tier that ends after the one before it."
                )


class PlanItemPrice(RowPrice, kw_only=True):
    """The price of more of a feature under a plan, and how often it is billed."""

    NEEDED: ClassVar[frozenset[str]] = RowPrice.NEEDED | {"interval_count"}

    interval: PriceInterval
    interval_count: Count | UnsetType = UNSET
