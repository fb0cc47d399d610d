"""Invoices in the admin: to be looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from billing.admin.showing import amount, figure
from billing.models import Invoice, InvoiceLine
from customers import clock
from customers.admin.base import ReadOnlyAdmin, ReadOnlyHistoryAdmin, Row
from customers.admin.filters import Days, OneOf
from customers.admin.inlines import ReadOnlyInline
from customers.admin.showing import BAD, GOOD, NEWS, PLAIN, WAITING, badge, column_of, link_out, long_text

_STATES = {
    "Draft": PLAIN,
    "Open": NEWS,
    "Overdue": BAD,
    "Paid": GOOD,
    "Void": PLAIN,
    "Uncollectible": WAITING,
}


def _with_status(status: str) -> Callable[[QuerySet[Invoice]], QuerySet[Invoice]]:
    return lambda invoices: invoices.filter(status=status)


class InvoiceStatus(OneOf):
    """Invoices by status, and those that should have been paid by now."""

    title = "status"
    parameter_name = "status"
    options = {
        "overdue": ("Overdue", lambda invoices: invoices.overdue()),
        **{value: (label, _with_status(value)) for value, label in Invoice.Status.choices},
    }


def _state(invoice: Invoice) -> str:
    """The status in a word; `Overdue` for one that should have been paid."""
    if invoice.status == Invoice.Status.OPEN and invoice.due_at is not None and invoice.due_at < clock.now():
        return "Overdue"
    return dict(Invoice.Status.choices).get(invoice.status, invoice.status)


class InvoiceInline(ReadOnlyInline):
    """A customer's invoices."""

    model = Invoice
    fields = ("created_at", "state", "shown_total", "due_at")
    readonly_fields = ("state", "shown_total")

    @display(description="status")
    def state(self, invoice: Invoice) -> SafeString:
        """The status in a word."""
        return badge(_state(invoice), _STATES)

    @display(description="total")
    def shown_total(self, invoice: Invoice) -> str:
        """The total with its currency."""
        return amount(invoice.total, invoice.currency)


class InvoiceLineInline(ReadOnlyInline):
    """The lines of an invoice."""

    model = InvoiceLine
    tab = False
    show_change_link = False
    fields = ("description", "shown_quantity", "shown_amount")
    readonly_fields = ("shown_quantity", "shown_amount")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the invoice, for its currency."""
        return super().get_queryset(request).select_related("invoice")

    @display(description="quantity")
    def shown_quantity(self, line: InvoiceLine) -> str:
        """How many."""
        return figure(line.quantity)

    @display(description="amount")
    def shown_amount(self, line: InvoiceLine) -> str:
        """The amount in the invoice's currency."""
        return amount(line.amount, line.invoice.currency)


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyHistoryAdmin):
    """Invoices."""

    list_display = ("number", column_of("customer"), "state", "shown_total", "created_at", "due_at")
    list_filter = (InvoiceStatus, ("created_at", Days), ("due_at", Days), ("customer", Row))
    list_select_related = ("customer",)
    search_fields = ("stripe_id",)
    sortable_by = ("created_at", "due_at")
    inlines = [InvoiceLineInline]
    readonly_fields = ("state", "shown_total", "billed_plans", "page")
    fieldsets = (
        (
            "Invoice",
            {
                "classes": ["tab"],
                "fields": (
                    "customer",
                    "state",
                    "shown_total",
                    "created_at",
                    "due_at",
                    "billed_plans",
                    "page",
                ),
            },
        ),
        ("Origin", {"classes": ["tab"], "fields": ("id", "stripe_id", "status", "currency", "plan_ids")}),
    )

    @display(description="invoice")
    def number(self, invoice: Invoice) -> SafeString | str:
        """What it is known by."""
        return long_text(str(invoice))

    @display(description="status", label=_STATES)
    def state(self, invoice: Invoice) -> str:
        """The status in a word."""
        return _state(invoice)

    @display(description="total")
    def shown_total(self, invoice: Invoice) -> str:
        """The total with its currency."""
        return amount(invoice.total, invoice.currency)

    @display(description="plans")
    def billed_plans(self, invoice: Invoice) -> str:
        """The plans that were billed."""
        return (
            ", ".join(str(plan) for plan in invoice.plans.all())
            or ", ".join(map(str, invoice.plan_ids))
            or "-"
        )

    @display(description="page")
    def page(self, invoice: Invoice) -> SafeString | str:
        """Where the customer sees it."""
        return link_out(invoice.hosted_invoice_url)


@admin.register(InvoiceLine)
class InvoiceLineAdmin(ReadOnlyAdmin):
    """Lines of invoices."""

    list_display = ("description", column_of("invoice"), "shown_quantity", "shown_amount")
    list_filter = (("invoice", Row),)
    list_select_related = ("invoice",)
    search_fields = ("description",)
    sortable_by = ()
    fields = ("invoice", "description", "shown_quantity", "shown_amount", "id")
    readonly_fields = ("shown_quantity", "shown_amount")

    @display(description="quantity")
    def shown_quantity(self, line: InvoiceLine) -> str:
        """How many."""
        return figure(line.quantity)

    @display(description="amount")
    def shown_amount(self, line: InvoiceLine) -> str:
        """The amount in the invoice's currency."""
        return amount(line.amount, line.invoice.currency)
