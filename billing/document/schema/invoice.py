"""Invoices of the billing platform."""

from __future__ import annotations

from typing import ClassVar

from billing.document.schema.scalars import Currency, Identifier, Word
from billing.rules.money import to_minor
from customers.json_types import EpochMs, JsonDocument, Link, Number, Refused, within


class Invoice(JsonDocument, kw_only=True):
    """An invoice of the billing platform. `total` is in major units and negative for a credit note."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("stripe_id",)

    plan_ids: list[Identifier]
    stripe_id: Identifier
    status: Word
    total: Number
    currency: Currency
    created_at: EpochMs
    hosted_invoice_url: Link | None = None

    def verify(self, at: str) -> None:
        """Raise `Refused` for a total with more decimals than its currency has."""
        try:
            to_minor(self.total, self.currency)
        except ValueError as problem:
            raise Refused(within(at, "total"), f"{problem}.") from None
