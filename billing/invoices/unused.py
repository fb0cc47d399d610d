"""The unused time of what invoices billed: what a customer gets back when a subscription changes or ends early.

It comes from the stored lines, not from a list price: what was billed after discounts, less what was credited or given
back already. A void or uncollectible invoice has none. Clientele's own rule; Stripe prorates in the same way, but by price.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from django.db.models import Exists, OuterRef, QuerySet

from billing.models import Invoice, InvoiceLine, Subscription

_TICK = timedelta(microseconds=1)
_GIVES_NOTHING_BACK = (Invoice.Status.DRAFT, Invoice.Status.VOID, Invoice.Status.UNCOLLECTIBLE)
#: Lines that bill time.
TIME_KINDS = (InvoiceLine.Kind.BASE, InvoiceLine.Kind.PREPAID, InvoiceLine.Kind.PRORATION)


@dataclass(frozen=True, slots=True)
class UnusedTime:
    """The part of an invoice line that is for the time after a moment.

    `amount` is in minor units of the invoice's currency, above 0, before tax; `tax_rate` is the invoice's.
    """

    line: InvoiceLine
    amount: int

    @property
    def tax_rate(self) -> Decimal | None:
        """The tax rate of the invoice, in percent; None if it had no tax."""
        rate: Decimal | None = self.line.invoice.tax_rate
        return rate


def unused_of_subscription(subscription: Subscription, at: datetime) -> list[UnusedTime]:
    """What was billed for the subscription's time after `at` and not given back yet, oldest line first."""
    return _unused(InvoiceLine.objects.filter(invoice__subscription=subscription), at)


def unused_of_invoice(invoice: Invoice, at: datetime) -> int:
    """How much of the invoice is for the time after `at`, in minor units before tax."""
    return sum(each.amount for each in _unused(InvoiceLine.objects.filter(invoice=invoice), at))


def given_back_of(invoice: Invoice) -> int:
    """How much of the invoice later invoices gave back as unused time, in minor units with its tax."""
    amounts: Iterable[int] = (
        InvoiceLine.objects.filter(gives_back__invoice=invoice)
        .exclude(invoice__status=Invoice.Status.VOID)
        .values_list("amount", flat=True)
    )
    net = -sum(amounts)
    rate = Decimal(0) if invoice.tax_rate is None else invoice.tax_rate
    return net + round(Fraction(net) * Fraction(rate) / 100)


def gross_of(invoice: Invoice) -> int:
    """What the invoice billed with tax, in minor units: its total, and what invoice credits paid of it."""
    credits_used: Iterable[int] = invoice.lines.filter(
        kind=InvoiceLine.Kind.CREDIT, amount__lt=0
    ).values_list("amount", flat=True)
    return int(invoice.total - sum(credits_used))


def _unused(lines: QuerySet[InvoiceLine], at: datetime) -> list[UnusedTime]:
    running = lines.filter(kind__in=TIME_KINDS, amount__gt=0, period_start__isnull=False, period_end__gt=at)
    still_billed = running.exclude(invoice__status__in=_GIVES_NOTHING_BACK)
    given_back = InvoiceLine.objects.filter(gives_back=OuterRef("pk")).exclude(
        invoice__status=Invoice.Status.VOID
    )
    found = list(
        still_billed.exclude(Exists(given_back))
        .select_related("invoice", "plan", "feature")
        .order_by("invoice__created_at", "invoice_id", "position")
    )
    left = {invoice.pk: _part_left(invoice) for invoice in {line.invoice for line in found}}
    parts = (UnusedTime(line, round(_unused_part(line, at) * left[line.invoice_id])) for line in found)
    return [part for part in parts if part.amount > 0]


def _unused_part(line: InvoiceLine, at: datetime) -> Fraction:
    if line.period_start is None or line.period_end is None:
        return Fraction(0)
    begins = max(at, line.period_start)
    share = Fraction((line.period_end - begins) // _TICK, (line.period_end - line.period_start) // _TICK)
    return (line.amount - line.discounted) * share


def _part_left(invoice: Invoice) -> Fraction:
    """The part of the invoice that no credit note has credited. What invoice credits paid counts as billed."""
    if not invoice.credited:
        return Fraction(1)
    gross = gross_of(invoice)
    return Fraction(max(0, gross - invoice.credited), gross)
