"""Prices of plans, plan items and grants."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import UNSET, UnsetType

from billing.document.schema.scalars import Count, NonNegative, Positive, PriceInterval, TierEnd, Word
from billing.rules.prices import TierBehavior
from customers.json_types import JsonDocument, Refused, within

BillingMethod = Literal["prepaid", "usage_based"]


class CurrencyAmount(JsonDocument, kw_only=True):
    """An amount in another currency than the plan's. One in a currency that nobody knows bills nobody."""

    currency: Word
    amount: NonNegative


class TierCurrency(JsonDocument, kw_only=True):
    """The amounts of a tier in another currency than the plan's."""

    NEEDED: ClassVar[frozenset[str]] = frozenset({"amount", "flat_amount"})

    currency: Word
    amount: NonNegative | UnsetType = UNSET
    flat_amount: NonNegative | UnsetType = UNSET


class Tier(JsonDocument, kw_only=True):
    """The price of the units up to `to`: `amount` for each, and `flat_amount` once."""

    NEEDED: ClassVar[frozenset[str]] = frozenset({"flat_amount"})

    to: TierEnd
    amount: NonNegative
    flat_amount: NonNegative | UnsetType = UNSET


class PlanTier(Tier, kw_only=True):
    """A tier of a plan, which may be sold in several currencies. A grant has one."""

    NEEDED: ClassVar[frozenset[str]] = Tier.NEEDED | {"additional_currencies"}

    additional_currencies: list[TierCurrency] | UnsetType = UNSET


class PlanPrice(JsonDocument, kw_only=True):
    """The base price of a plan."""

    NEEDED: ClassVar[frozenset[str]] = frozenset({"interval_count", "additional_currencies"})

    amount: NonNegative
    interval: PriceInterval
    interval_count: Count | UnsetType = UNSET
    additional_currencies: list[CurrencyAmount] | UnsetType = UNSET


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

    NEEDED: ClassVar[frozenset[str]] = RowPrice.NEEDED | {"interval_count", "additional_currencies"}

    tiers: list[PlanTier] | UnsetType = UNSET  # type: ignore[assignment]
    interval: PriceInterval
    interval_count: Count | UnsetType = UNSET
    additional_currencies: list[CurrencyAmount] | UnsetType = UNSET
