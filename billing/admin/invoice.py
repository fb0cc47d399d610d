"""Invoices in the admin: read-only, changed by their actions, and printable."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from billing.admin.invoice_actions import InvoiceActions
from billing.admin.invoice_email import InvoiceEmailInline
from billing.admin.invoice_page import InvoicePages
from billing.admin.payment import PaymentInline
from billing.formats import INVOICE_STATES, invoice_state, money
from billing.models import CreditNote, Invoice, InvoiceLine, InvoiceSeries
from customers.admin.base import ReadOnlyAdmin, ReadOnlyHistoryAdmin, Row
from customers.admin.filters import DaysFilter, OneOfFilter
from customers.admin.inlines import ReadOnlyInline
from customers.formats import (
    badge,
    column_of,
    day_of,
    link_out,
    long_text,
    number,
    preformatted,
)
from customers.sheets import act_url

_CREATED, _DUE, _ISSUED = (day_of(name) for name in ("created_at", "due_at", "issued_at"))


def _with_status(status: str) -> Callable[[QuerySet[Invoice]], QuerySet[Invoice]]:
    return lambda invoices: invoices.filter(status=status)


class InvoiceStatus(OneOfFilter):
    """The statuses, and past due, which is derived from the due date."""

    title = "status"
    parameter_name = "status"
    options = {
        "overdue": ("Past due", lambda invoices: invoices.overdue()),
        **{value: (label, _with_status(value)) for value, label in Invoice.Status.choices},
    }


class InvoiceInline(ReadOnlyInline):
    model = Invoice
    fk_name = "customer"
    fields = ("created_at", "state", "shown_total", "due_at")
    readonly_fields = ("state", "shown_total")

    @display(description="status")
    def state(self, invoice: Invoice) -> SafeString:
        return badge(invoice_state(invoice), INVOICE_STATES)

    @display(description="total")
    def shown_total(self, invoice: Invoice) -> str:
        return money(invoice.total, invoice.currency)


class InvoiceLineInline(ReadOnlyInline):
    model = InvoiceLine
    tab = False
    show_change_link = False
    fields = ("description", "shown_quantity", "shown_amount")
    readonly_fields = ("shown_quantity", "shown_amount")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("invoice")

    @display(description="quantity")
    def shown_quantity(self, line: InvoiceLine) -> str:
        return number(line.quantity)

    @display(description="amount")
    def shown_amount(self, line: InvoiceLine) -> str:
        return money(line.amount, line.invoice.currency)


class CreditNoteInline(ReadOnlyInline):
    model = CreditNote
    fields = ("number", "issued_at", "shown_total", "shown_tax", "reason", "issued_by", "printed")
    readonly_fields = ("shown_total", "shown_tax", "printed")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("invoice")

    @display(description="total")
    def shown_total(self, note: CreditNote) -> str:
        return money(note.total, note.invoice.currency)

    @display(description="included tax")
    def shown_tax(self, note: CreditNote) -> str:
        return money(note.tax, note.invoice.currency)

    @display(description="print")
    def printed(self, note: CreditNote) -> SafeString:
        return printed_note(note)


def _details(details: Any) -> SafeString | str:
    """The recipient or the seller as an invoice keeps them."""
    if isinstance(details, dict):
        details = {name: value for name, value in details.items() if value}
    return preformatted(json.dumps(details, ensure_ascii=False)) if details else "-"


def printed_note(note: CreditNote) -> SafeString:
    """Links to the printable page of a credit note and to its PDF."""
    place = [quote(note.invoice_id), note.pk]
    return format_html(
        '<a href="{}" target="_blank" class="text-link">Print</a> <a href="{}" class="text-link">PDF</a>'
        ' <a href="{}" class="text-link" data-sheet>Send</a>',
        reverse("admin:billing_invoice_print_credit_note", args=place),
        reverse("admin:billing_invoice_credit_note_pdf", args=place),
        act_url("send", note.invoice_id, attach=note.pk),
    )


@admin.register(Invoice)
class InvoiceAdmin(InvoiceActions, InvoicePages, ReadOnlyHistoryAdmin):
    list_display = (
        "shown_number",
        column_of("customer"),
        "state",
        "shown_total",
        "shown_due",
        _CREATED,
        _DUE,
    )
    list_filter = (InvoiceStatus, ("created_at", DaysFilter), ("due_at", DaysFilter), ("customer", Row))
    list_select_related = ("customer",)
    search_fields = ("number", "stripe_id")
    sortable_by = (_CREATED, _DUE)
    inlines = [InvoiceLineInline, PaymentInline, CreditNoteInline, InvoiceEmailInline]
    readonly_fields = (
        "state",
        "shown_total",
        "shown_paid",
        "shown_credited",
        "shown_due",
        "billed_plans",
        "page",
        "shown_bill_to",
        "shown_bill_from",
    )
    fieldsets = (
        (
            "Invoice",
            {
                "classes": ["tab"],
                "fields": (
                    "customer",
                    "state",
                    "number",
                    ("shown_total", "shown_due"),
                    ("shown_paid", "shown_credited"),
                    ("created_at", "issued_at"),
                    ("due_at", "closed_at"),
                    "subscription",
                    ("period_start", "period_end"),
                    "billed_plans",
                    "page",
                ),
            },
        ),
        (
            "Terms",
            {"classes": ["tab"], "fields": ("tax_rate", "no_tax_reason", "shown_bill_to", "shown_bill_from")},
        ),
        ("Origin", {"classes": ["tab"], "fields": ("id", "stripe_id", "status", "currency", "plan_ids")}),
    )

    @display(description="invoice")
    def shown_number(self, invoice: Invoice) -> SafeString | str:
        return long_text(str(invoice))

    @display(description="status", label=INVOICE_STATES)
    def state(self, invoice: Invoice) -> str:
        return invoice_state(invoice)

    @display(description="total")
    def shown_total(self, invoice: Invoice) -> str:
        return money(invoice.total, invoice.currency)

    @display(description="paid")
    def shown_paid(self, invoice: Invoice) -> str:
        return money(invoice.paid, invoice.currency)

    @display(description="credited")
    def shown_credited(self, invoice: Invoice) -> str:
        return money(invoice.credited, invoice.currency)

    @display(description="amount due")
    def shown_due(self, invoice: Invoice) -> str:
        # Negative where the customer is owed a refund.
        return money(invoice.due, invoice.currency) if invoice.is_owed else "-"

    @display(description="billed to")
    def shown_bill_to(self, invoice: Invoice) -> SafeString | str:
        return _details(invoice.bill_to)

    @display(description="billed by")
    def shown_bill_from(self, invoice: Invoice) -> SafeString | str:
        return _details(invoice.bill_from)

    @display(description="plans")
    def billed_plans(self, invoice: Invoice) -> str:
        return (
            ", ".join(str(plan) for plan in invoice.plans.all())
            or ", ".join(map(str, invoice.plan_ids))
            or "-"
        )

    @display(description="invoice page")
    def page(self, invoice: Invoice) -> SafeString | str:
        return link_out(invoice.hosted_invoice_url)


@admin.register(InvoiceLine)
class InvoiceLineAdmin(ReadOnlyAdmin):
    list_display = ("description", column_of("invoice"), "shown_quantity", "shown_amount")
    list_filter = (("invoice", Row),)
    list_select_related = ("invoice",)
    search_fields = ("description",)
    sortable_by = ()
    fields = ("invoice", "description", "shown_quantity", "shown_amount", "id")
    readonly_fields = ("shown_quantity", "shown_amount")

    @display(description="quantity")
    def shown_quantity(self, line: InvoiceLine) -> str:
        return number(line.quantity)

    @display(description="amount")
    def shown_amount(self, line: InvoiceLine) -> str:
        return money(line.amount, line.invoice.currency)


@admin.register(CreditNote)
class CreditNoteAdmin(ReadOnlyAdmin):
    list_display = ("number", column_of("invoice"), "shown_total", _ISSUED, "issued_by")
    list_filter = (("invoice", Row), ("issued_at", DaysFilter))
    list_select_related = ("invoice",)
    search_fields = ("number",)
    sortable_by = (_ISSUED,)
    fields = (
        "number",
        "invoice",
        "shown_total",
        "shown_tax",
        "reason",
        "issued_at",
        "issued_by",
        "printed",
        "id",
    )
    readonly_fields = ("shown_total", "shown_tax", "printed")

    @display(description="total")
    def shown_total(self, note: CreditNote) -> str:
        return money(note.total, note.invoice.currency)

    @display(description="included tax")
    def shown_tax(self, note: CreditNote) -> str:
        return money(note.tax, note.invoice.currency)

    @display(description="print")
    def printed(self, note: CreditNote) -> SafeString:
        return printed_note(note)


@admin.register(InvoiceSeries)
class InvoiceSeriesAdmin(ReadOnlyAdmin):
    """The last numbers given to invoices and credit notes."""

    list_display = ("prefix", "last_number")
    search_fields = ("prefix",)
    sortable_by = ()
    fields = ("prefix", "last_number")
