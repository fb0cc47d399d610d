"""Invoices of the billing platform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from billing.document.schema.scalars import Currency, Identifier, Word
from billing.rules.money import to_minor
from customers.json_types import (
    EpochMs,
    JsonDocument,
    Link,
    Number,
    Remark,
    RemarkKind,
    parse_tolerantly,
    within,
)
from customers.json_types.keys import snake_case


class Invoice(JsonDocument, kw_only=True):
    """An invoice of the billing platform. `total` is in major units and negative for a credit note."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("stripe_id",)
    DEFAULTS: ClassVar[Mapping[str, Any]] = {"plan_ids": []}
    READ_AS_SENT: ClassVar[frozenset[str]] = frozenset({"due_date", "due_at", "amount_due", "amount_paid"})

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


class SentTerms(JsonDocument, kw_only=True):
    """What some senders add to an invoice: when it is due, and in major units what is due or paid."""

    due_date: EpochMs | None = None
    due_at: EpochMs | None = None
    amount_due: Number | None = None
    amount_paid: Number | None = None

    def paid(self, total: int, currency: str) -> int | None:
        """The part of `total` that is paid, in minor units; None if the sender doesn't say."""
        sent = self.amount_paid if self.amount_due is None else self.amount_due
        if sent is None:
            return None
        try:
            amount = to_minor(sent, currency)
        except ValueError:
            return None
        paid = amount if self.amount_due is None else total - amount
        return paid if 0 <= paid <= total else None


def sent_terms(received: Mapping[str, Any]) -> SentTerms:
    """The terms in an invoice as it came. What can't be read counts as absent."""
    value = snake_case(SentTerms, received)
    if Invoice.READ_AS_SENT.isdisjoint(value):
        return SentTerms()
    return parse_tolerantly(SentTerms, {name: value.get(name) for name in Invoice.READ_AS_SENT}).document
