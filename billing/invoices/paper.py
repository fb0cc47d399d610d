"""What stands on an invoice, a credit note or a receipt, in words: for the page to print and for the PDF.

Days are those of the installation's time zone, because a paper must not depend on who looks at it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, localcontext
from functools import wraps
from typing import Any, ParamSpec

from django.conf import settings
from django.utils import timezone

from billing.formats import money, unit_price
from billing.invoices.credit_notes import to_return
from billing.invoices.issue import CARRIED_OVER
from billing.invoices.terms import seller_details
from billing.models import CreditNote, Invoice, InvoiceLine, Payment
from billing.rules.exact import EXACT
from billing.rules.money import from_minor, is_known, round_to_minor
from customers.formats import country_name, day, number
from customers.local_formats import formats_of

_Kind = InvoiceLine.Kind
_SMALLEST_UNIT_PRICE = Decimal("1e-10")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class PaperLine:
    """A line. `period` is the time that it bills."""

    description: str
    amount: str
    period: str = ""
    quantity: str = ""
    unit_price: str = ""


@dataclass(frozen=True, slots=True)
class PaperSum:
    """A row below the lines. A total stands out."""

    label: str
    amount: str = ""
    is_total: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A document for the customer. `name` is its number or what it is of, `headings` are those of the lines.

    `seller` and `buyer` begin with the name. `to_pay` says how to pay what is due.
    """

    kind: str
    name: str
    dated: datetime
    seller: Sequence[str]
    buyer: Sequence[str]
    facts: Sequence[tuple[str, str]]
    headings: Sequence[str]
    lines: Sequence[PaperLine]
    sums: Sequence[PaperSum]
    remarks: Sequence[str] = field(default=())
    to_pay: str = ""

    @property
    def title(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def in_a_sentence(self) -> str:
        """The title as it stands within a sentence: `invoice INV-000001`."""
        return f"{self.kind.lower()} {self.name}"

    @property
    def file_name(self) -> str:
        """A name for its file, in ASCII letters, digits, hyphens, underscores and spaces."""
        safe = "".join(
            char if char.isascii() and (char.isalnum() or char in "-_ ") else "_" for char in self.title
        )
        return f"{safe}.pdf"


def _in_own_zone(make: Callable[P, Paper]) -> Callable[P, Paper]:
    @wraps(make)
    def made(*arguments: P.args, **options: P.kwargs) -> Paper:
        with timezone.override(timezone.get_default_timezone()), formats_of(""):
            return make(*arguments, **options)

    return made


@_in_own_zone
def invoice_paper(invoice: Invoice) -> Paper:
    """The invoice, or the draft of one, with what was paid and credited until now."""
    currency = invoice.currency
    billed, added = _split_lines(list(invoice.lines.order_by("position", "pk")))
    sums = [PaperSum("Subtotal", money(sum(line.amount for line in billed), currency))] if added else []
    sums += [PaperSum(line.description, money(line.amount, currency)) for line in added]
    sums += _no_tax(invoice)
    sums.append(PaperSum("Total", money(invoice.total, currency), is_total=True))
    for payment in invoice.payments.counted().order_by("paid_at", "pk"):
        reference = f" ({payment.reference})" if payment.reference else ""
        sums.append(PaperSum(f"Paid on {day(payment.paid_at)}{reference}", money(-payment.amount, currency)))
    for note in invoice.credit_notes.order_by("issued_at", "pk"):
        sums.append(
            PaperSum(f"Credit note {note.number}, {day(note.issued_at)}", money(-note.total, currency))
        )
    is_due = invoice.is_owed and invoice.due > 0
    if invoice.is_owed:
        sums.append(PaperSum("Amount due", money(max(0, invoice.due), currency), is_total=True))
    if to_return(invoice):
        sums.append(PaperSum("Refund due", money(to_return(invoice), currency)))
    is_draft = invoice.status == Invoice.Status.DRAFT
    seller = _seller(invoice)
    return Paper(
        kind=_kind_of(invoice),
        name=str(invoice),
        dated=invoice.issued_at or invoice.created_at,
        seller=_seller_rows(seller),
        buyer=_buyer(invoice),
        facts=_facts(invoice),
        headings=("Description", "Quantity", "Unit price", "Amount"),
        lines=[_billed_line(line, currency) for line in billed],
        sums=sums,
        remarks=("Discounts and tax are added when the invoice is issued.",) if is_draft else (),
        to_pay=seller.get("payment_instructions", "") if is_due else "",
    )


@_in_own_zone
def credit_note_paper(note: CreditNote) -> Paper:
    """A credit note, with the part of it that is tax."""
    invoice = note.invoice
    currency = invoice.currency
    tax = [PaperSum("Tax", money(note.tax, currency))] if note.tax else _no_tax(invoice)
    return Paper(
        kind="Credit note",
        name=note.number,
        dated=note.issued_at,
        seller=_seller_rows(_seller(invoice)),
        buyer=_buyer(invoice),
        facts=[
            ("Number", note.number),
            ("Date", day(note.issued_at)),
            ("Corrects invoice", f"{invoice}, {day(invoice.issued_at)}"),
        ],
        headings=("Reason", "Amount"),
        lines=[PaperLine(note.reason, money(note.total - note.tax, currency))],
        sums=[*tax, PaperSum("Total credited", money(note.total, currency), is_total=True)],
    )


@_in_own_zone
def receipt_paper(payment: Payment) -> Paper:
    """A receipt for a payment. It says so if the payment was reversed."""
    invoice = payment.invoice
    amount = money(payment.amount, invoice.currency)
    facts = [("Invoice", f"{invoice}, {day(invoice.issued_at)}"), ("Received", day(payment.paid_at))]
    if payment.reference:
        facts.append(("Reference", payment.reference))
    reversal = getattr(payment, "reversal", None)
    remarks = [f"Reversed on {day(reversal.reversed_at)}: {reversal.reason}"] if reversal is not None else []
    return Paper(
        kind="Receipt" if reversal is None else "Reversed receipt",
        name=f"for {invoice}, {payment.paid_at:%Y-%m-%d}",
        dated=payment.recorded_at if reversal is None else reversal.reversed_at,
        seller=_seller_rows(_seller(invoice)),
        buyer=_buyer(invoice),
        facts=facts,
        headings=("Description", "Amount"),
        lines=[PaperLine(f"Payment of invoice {invoice} ({money(invoice.total, invoice.currency)})", amount)],
        sums=[PaperSum("Amount received", amount, is_total=True)],
        remarks=remarks,
    )


def _kind_of(invoice: Invoice) -> str:
    if invoice.status == Invoice.Status.DRAFT:
        return "Draft invoice"
    return "Void invoice" if invoice.status == Invoice.Status.VOID else "Invoice"


def _facts(invoice: Invoice) -> list[tuple[str, str]]:
    facts = [("Number", str(invoice))]
    if invoice.issued_at:
        facts.append(("Date", day(invoice.issued_at)))
    else:
        facts.append(("Created", day(invoice.created_at)))
    if invoice.due_at and invoice.status != Invoice.Status.VOID:
        facts.append(("Due", day(invoice.due_at)))
    if invoice.period_start and invoice.period_end:
        facts.append(("Period", _period(invoice.period_start, invoice.period_end)))
    return facts


def _period(start: datetime | None, end: datetime | None) -> str:
    return f"{day(start)} \N{EN DASH} {day(end)}" if start and end else ""


def _no_tax(invoice: Invoice) -> list[PaperSum]:
    has_reason = invoice.no_tax_reason and not invoice.tax_rate
    return [PaperSum(f"No tax: {invoice.no_tax_reason}")] if has_reason else []


def _seller(invoice: Invoice) -> Mapping[str, Any]:
    """The seller that the invoice keeps, or today's for a draft and for one that keeps none."""
    return invoice.bill_from or seller_details()


def _seller_rows(seller: Mapping[str, Any]) -> list[str]:
    return list(seller.get("lines", ())) or _party(seller) or [settings.UNFOLD["SITE_HEADER"]]


def _buyer(invoice: Invoice) -> list[str]:
    return _party(invoice.bill_to or {"name": invoice.customer.name, "email": invoice.customer.email})


def _party(details: Mapping[str, Any]) -> list[str]:
    company, tax = details.get("company_number"), details.get("tax_id")
    rows = (
        details.get("business"),
        details.get("name"),
        *_address(details.get("address")),
        details.get("email"),
        company and f"Company number: {company}",
        tax and f"Tax ID: {tax}",
    )
    # A company is often named like its customer.
    return list(dict.fromkeys(row for row in rows if row))


def _split_lines(lines: Sequence[InvoiceLine]) -> tuple[Sequence[InvoiceLine], Sequence[InvoiceLine]]:
    """The billed lines, and those added after them: discounts, tax, credits."""
    for index, line in enumerate(lines):
        is_added = line.kind in (_Kind.DISCOUNT, _Kind.TAX) or line.discount_key is not None
        if is_added or (line.kind == _Kind.CREDIT and line.description == CARRIED_OVER):
            return lines[:index], lines[index:]
    return lines, ()


def _billed_line(line: InvoiceLine, currency: str) -> PaperLine:
    return PaperLine(
        description=line.description,
        amount=money(line.amount, currency),
        period=_period(line.period_start, line.period_end),
        quantity=number(line.quantity),
        unit_price=_unit_price(line, currency),
    )


def _unit_price(line: InvoiceLine, currency: str) -> str:
    """The price of one unit; empty if units have different prices or the price is a repeating decimal."""
    if line.kind not in (_Kind.BASE, _Kind.PREPAID) or line.quantity <= 0 or not is_known(currency):
        return ""
    with localcontext(EXACT):
        price = from_minor(line.amount, currency) / line.quantity
        if price != price.quantize(_SMALLEST_UNIT_PRICE):
            return ""
    minor = round_to_minor(price, currency)
    is_whole = from_minor(minor, currency) == price
    return money(minor, currency) if is_whole else unit_price(price, currency)


def _address(address: Mapping[str, str] | None) -> list[str]:
    if not address:
        return []
    town = " ".join(filter(None, (address.get("postal_code"), address.get("city"))))
    country = address.get("country") or ""
    rows = (
        address.get("line1"),
        address.get("line2"),
        town,
        address.get("state"),
        country and country_name(country),
    )
    return [row for row in rows if row]
