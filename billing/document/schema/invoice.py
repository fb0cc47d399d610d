"""Invoices of the billing platform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from billing.document.schema.scalars import Currency, Identifier, Word
from billing.rules.money import to_minor
from customers.json_types import EpochMs, JsonDocument, Link, Number, Remark, RemarkKind, within


class Invoice(JsonDocument, kw_only=True):
    """An invoice of the billing platform. `total` is in major units and negative for a credit note."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("stripe_id",)
    DEFAULTS: ClassVar[Mapping[str, Any]] = {"plan_ids": []}

    plan_ids: list[Identifier]
    stripe_id: Identifier
    status: Word
    total: Number
    currency: Currency
    created_at: EpochMs
    hosted_invoice_url: Link | None = None

    def problem(self, at: str) -> Remark | None:
        """A remark on a total with more decimals than its currency has. Such an invoice is left out."""
        try:
            to_minor(self.total, self.currency)
        except ValueError as problem:
            text = f"{problem}. {at} was left out."
            return Remark(within(at, "total"), text, RemarkKind.UNREADABLE)
        return None
