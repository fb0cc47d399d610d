"""What a customer was billed."""

from __future__ import annotations

from billing.document.schema.scalars import Currency, Identifier, Word
from billing.rules.money import to_minor
from customers.json_types import EpochMs, JsonDocument, Link, Number, Refused, within


class Invoice(JsonDocument, kw_only=True):
    """A bill as the billing platform knows it; `total` is in major units, below zero for a credit note."""

    plan_ids: list[Identifier]
    stripe_id: Identifier
    status: Word
    total: Number
    currency: Currency
    created_at: EpochMs
    hosted_invoice_url: Link | None = None

    def verify(self, at: str) -> None:
        """Raise `Refused` for a total that its currency cannot express."""
        try:
            to_minor(self.total, self.currency)
        except ValueError as problem:
            raise Refused(within(at, "total"), f"{problem}.") from None
