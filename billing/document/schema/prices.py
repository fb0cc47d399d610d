"""What plans and grants cost."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from billing.document.schema.scalars import Count, NonNegative, Positive, PriceInterval, TierEnd
from billing.rules.prices import TierBehavior
from customers.json_types import JsonDocument, Refused, within

BillingMethod = Literal["prepaid", "usage_based"]


class Tier(JsonDocument, kw_only=True):
    """The price of the units up to `to`: `amount` for each, and `flat_amount` once."""

    to: TierEnd
    amount: NonNegative
    flat_amount: NonNegative | UnsetType = UNSET


class PlanPrice(JsonDocument, kw_only=True):
    """What a plan itself costs."""

    amount: NonNegative
    interval: PriceInterval
    interval_count: Count | UnsetType = UNSET


class RowPrice(JsonDocument, kw_only=True):
    """What more of a feature costs: `amount`, or what `tiers` say, for each `billing_units`.

    `max_purchase` is the most that may be bought, and the deepest overage; null means no limit. Tiers ascend;
    only the last one may be without an end, and need not be.
    """

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
                    within(at, "tiers", index, "to"), "Expected tiers that ascend: this one does not."
                )


class PlanItemPrice(RowPrice, kw_only=True):
    """What more of a feature costs under a plan, and how often it is billed."""

    interval: PriceInterval
    interval_count: Count | UnsetType = UNSET
