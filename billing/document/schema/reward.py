"""Trial history, discounts and referrals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from billing.document.schema.scalars import Currency, Identifier, NonNegative
from customers.json_types import EpochMs, JsonDocument


class TrialUsed(JsonDocument, kw_only=True):
    """A trial that a customer started. `fingerprint` identifies the same person across accounts."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("plan_id",)

    plan_id: Identifier
    customer_id: Identifier
    fingerprint: Identifier | None = None


class Discount(JsonDocument, kw_only=True):
    """A reduction: `discount_value` is a percentage, or an amount of `currency` in major units."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("id",)
    NEEDED: ClassVar[frozenset[str]] = frozenset({"currency", "duration_value"})
    DEFAULTS: ClassVar[Mapping[str, Any]] = {"name": ""}

    id: Identifier
    name: str
    type: Literal["percentage_discount", "fixed_discount", "free_product", "invoice_credits"]
    discount_value: NonNegative
    duration_type: Literal["one_off", "months", "forever"]
    duration_value: NonNegative | None = None
    currency: Currency | None = None
    start: EpochMs | None = None
    end: EpochMs | None = None
    subscription_id: Identifier | None = None
    total_discount_amount: NonNegative | None = None


class Rewards(JsonDocument, kw_only=True):
    """The rewards of a customer."""

    DEFAULTS: ClassVar[Mapping[str, Any]] = {"discounts": []}

    discounts: list[Discount]


class ReferredCustomer(JsonDocument, kw_only=True):
    """The customer who was referred."""

    id: Identifier
    name: str | None = None
    email: str | None = None


class Referral(JsonDocument, kw_only=True):
    """A referral of another customer by this one."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("program_id", "created_at")
    DEFAULTS: ClassVar[Mapping[str, Any]] = {"reward_applied": False}

    program_id: Identifier
    customer: ReferredCustomer
    reward_applied: bool
    created_at: EpochMs
