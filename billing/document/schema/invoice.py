"""Invoices of the billing platform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from billing.document.schema.scalars import Currency, Identifier, Word
from billing.rules.money import to_minor
from customers.json_types import EpochMs, JsonDocument, Link, Number, Refused, within


class Invoice(JsonDocument, kw_only=True):
    """An invoice of the billing platform. `total` is in major units and negative for a credit note."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("stripe_id",)
    DEFAULTS: ClassVar[Mapping[str, Any]] = {"plan_ids": []}
    #: An invoice that is left out counts as removed, and without one of these it would be another amount, in another
    #: month, or paid or not.
    REFUSING: ClassVar[frozenset[str]] = frozenset({"status", "total", "currency", "created_at"})

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
