"""Printable invoices and credit notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

from django.conf import settings
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from unfold.decorators import action

from billing.formats import money, unit_price
from billing.invoices.credit_notes import to_return
from billing.invoices.issue import CARRIED_OVER
from billing.models import Invoice, InvoiceLine
from billing.rules.exact import EXACT
from billing.rules.money import from_minor, is_known, round_to_minor
from customers.admin.base import RecordAdmin
from customers.formats import country_name, number

_Kind = InvoiceLine.Kind
_SMALLEST_UNIT_PRICE = Decimal("1e-10")


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """A line as it is printed."""

    description: str
    amount: str
    quantity: str = ""
    unit_price: str = ""


class InvoicePages(RecordAdmin):
    """The printed pages of an invoice and of its credit notes."""

    def get_urls(self) -> list[Any]:
        note = path(
            "<path:object_id>/credit-notes/<str:note_id>/print/",
            self.admin_site.admin_view(self.print_credit_note),
            name="billing_invoice_print_credit_note",
        )
        return [note, *super().get_urls()]

    @action(
        description="Print",
        url_path="print",
        icon="print",
        permissions=["view"],
        attrs={"target": "_blank"},
    )
    def print_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        invoice = self._printable_invoice(request, object_id)
        lines = list(invoice.lines.order_by("position", "pk"))
        billed, added = _split_lines(lines)
        notes = list(invoice.credit_notes.order_by("issued_at", "pk"))
        currency = invoice.currency
        return TemplateResponse(
            request,
            "billing/invoice_page.html",
            {
                **self._heading(invoice),
                "title": f"{_kind_of(invoice)} {invoice}",
                "kind": _kind_of(invoice),
                "billed": [_billed_line(line, currency) for line in billed],
                "subtotal": money(sum(line.amount for line in billed), currency) if added else "",
                "added": [PrintedLine(line.description, money(line.amount, currency)) for line in added],
                "total": money(invoice.total, currency),
                "payments": [
                    (payment.paid_at, payment.reference, money(-payment.amount, currency))
                    for payment in invoice.payments.counted().order_by("paid_at", "pk")
                ],
                "notes": [(note.number, note.issued_at, money(-note.total, currency)) for note in notes],
                "due": money(max(0, invoice.due), currency) if invoice.is_owed else "",
                "to_return": money(to_return(invoice), currency) if to_return(invoice) else "",
            },
        )

    def print_credit_note(self, request: HttpRequest, object_id: str, note_id: str) -> HttpResponse:
        invoice = self._printable_invoice(request, object_id)
        note = next((each for each in invoice.credit_notes.all() if str(each.pk) == note_id), None)
        if note is None:
            raise Http404(f"The invoice has no credit note {note_id!r}.")
        return TemplateResponse(
            request,
            "billing/invoice_credit_note_page.html",
            {
                **self._heading(invoice),
                "title": f"Credit note {note.number}",
                "note": note,
                "net": money(note.total - note.tax, invoice.currency),
                "tax": money(note.tax, invoice.currency),
                "total": money(note.total, invoice.currency),
            },
        )

    def _printable_invoice(self, request: HttpRequest, object_id: str) -> Invoice:
        invoice: Invoice | None = self.get_object(request, unquote(object_id))
        if invoice is None or not self.has_view_permission(request, invoice):
            raise Http404("Invoice not found.")
        return invoice

    def _heading(self, invoice: Invoice) -> dict[str, Any]:
        bill_to = invoice.bill_to or {"name": invoice.customer.name, "email": invoice.customer.email}
        return {
            "seller": settings.INVOICE_SELLER or [settings.UNFOLD["SITE_HEADER"]],
            "invoice": invoice,
            "bill_to": bill_to,
            "address": _address(bill_to.get("address")),
        }


def _kind_of(invoice: Invoice) -> str:
    if invoice.status == Invoice.Status.DRAFT:
        return "Draft invoice"
    return "Void invoice" if invoice.status == Invoice.Status.VOID else "Invoice"


def _split_lines(lines: Sequence[InvoiceLine]) -> tuple[Sequence[InvoiceLine], Sequence[InvoiceLine]]:
    """The billed lines, and those added after them: discounts, tax, credits."""
    for index, line in enumerate(lines):
        is_added = line.kind in (_Kind.DISCOUNT, _Kind.TAX) or line.discount_key is not None
        if is_added or (line.kind == _Kind.CREDIT and line.description == CARRIED_OVER):
            return lines[:index], lines[index:]
    return lines, ()


def _billed_line(line: InvoiceLine, currency: str) -> PrintedLine:
    return PrintedLine(
        description=line.description,
        amount=money(line.amount, currency),
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


def _address(address: dict[str, str] | None) -> list[str]:
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
