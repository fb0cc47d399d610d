"""The documents of lists: items of the billing document with the customer that they belong to.

They are written as the billing document is: times are milliseconds since the epoch, money is in major units.
"""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from billing.document.schema import (
    Balance,
    BillingControls,
    BreakdownRow,
    Entity,
    Flag,
    Invoice,
    Purchase,
    Reset,
    Rollover,
    Subscription,
)
from customers.document.customer_rows import CustomerSummary
from customers.json_types import EpochMs, JsonDocument, Number

Status = Literal["active", "scheduled", "expired"]
Scope = Literal["customer", "entity"]


class InvoiceItem(JsonDocument, kw_only=True):
    """A line of an invoice that was raised here. `amount` is negative for a credit."""

    id: str
    description: str
    kind: Literal["base", "prepaid", "usage", "proration", "credit", "discount", "tax"]
    period_start: EpochMs | None
    period_end: EpochMs | None
    plan_id: str | None
    feature_id: str | None
    feature_name: str | None
    quantity: Number
    amount: Number
    #: The billing platform divides lines by entity. Lines here are never divided.
    entities: list[dict[str, str]]


class ListedInvoice(Invoice, kw_only=True):
    """An invoice with its customer. `id` is the typed ID; `stripe_id` is the ID in the billing document.

    `amount_paid` is null if it isn't known: for an imported invoice that isn't paid. `amount_due` is 0 unless the
    invoice is open. `refunded_amount` is always 0, because Clientele has credits but no refunds. `items` are the
    lines; an imported invoice has none.
    """

    id: str
    customer_id: str
    entity_id: str | None
    subscription_id: str | None
    number: str | None
    amount_paid: Number | None
    amount_credited: Number
    amount_due: Number
    refunded_amount: Number
    processor_type: Literal["stripe"] | UnsetType = UNSET
    period_start: EpochMs | None
    period_end: EpochMs | None
    issued_at: EpochMs | None
    due_at: EpochMs | None
    closed_at: EpochMs | None
    items: list[InvoiceItem] | UnsetType = UNSET
    customer: CustomerSummary | UnsetType = UNSET


class ListedSubscription(Subscription, kw_only=True):
    """A subscription with its customer. `status` is `expired` once it has ended.

    `entity_id` is the entity that has it, null for the customer as a whole. `created_at` is when it was added here.
    """

    status: Status  # type: ignore[assignment]
    customer_id: str
    entity_id: str | None
    scope: Scope
    created_at: EpochMs
    customer: CustomerSummary | UnsetType = UNSET


class ListedPurchase(Purchase, kw_only=True):
    """A plan bought once, with its customer. `status` is `expired` after `expires_at`."""

    id: str
    status: Status
    customer_id: str
    entity_id: str | None
    scope: Scope
    created_at: EpochMs


class ListedBalance(Balance, kw_only=True):
    """A customer's balance of one feature, with its grants and rollovers. `id` is the typed ID."""

    id: str
    customer_id: str
    customer: CustomerSummary | UnsetType = UNSET


class ListedGrant(BreakdownRow, kw_only=True):
    """One grant of a feature, with its customer and its rollovers. It is `expired` once it no longer counts."""

    feature_id: str
    status: Literal["active", "expired"]
    rollovers: list[Rollover]
    customer_id: str
    entity_id: str | None
    created_at: EpochMs
    source: Scope


class ScopedSubscription(Subscription, kw_only=True):
    """A subscription of an entity, or of its customer as a whole."""

    scope: Scope


class ScopedPurchase(Purchase, kw_only=True):
    """A purchase of an entity, or of its customer as a whole."""

    scope: Scope


class ListedEntity(Entity, kw_only=True):
    """An entity with what it may use: its own, and what its customer has as a whole."""

    subscriptions: list[ScopedSubscription]
    purchases: list[ScopedPurchase]
    balances: dict[str, Balance]
    flags: dict[str, Flag]
    billing_controls: BillingControls | UnsetType = UNSET


class UsageEvent(JsonDocument, kw_only=True):
    """A usage, or a refund if `value` is negative. Clientele keeps no properties of events.

    `deductions` are what was taken from each grant and rollover, in units of their own feature.
    """

    id: str
    timestamp: EpochMs
    feature_id: str
    customer_id: str
    value: Number
    properties: dict[str, str]
    deductions: list[UsageDeduction]


class UsageDeduction(JsonDocument, kw_only=True):
    """What a usage took from a grant or rollover; negative for a refund."""

    balance_id: str
    feature_id: str
    plan_id: str | None
    reset: Reset | None
    value: Number
