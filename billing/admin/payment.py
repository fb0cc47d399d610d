"""Payments in the admin, and their reversals: read-only. The invoice has the actions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from billing.formats import money
from billing.models import Payment, PaymentReversal
from customers.admin.base import ReadOnlyAdmin, Row
from customers.admin.filters import DaysFilter
from customers.admin.inlines import ReadOnlyInline
from customers.formats import EMPTY, column_of, day_of, long_text, moment
from customers.sheets import act_url

_PAID, _REVERSED = day_of("paid_at"), day_of("reversed_at")


def reversal_of(payment: Payment) -> str:
    """When, by whom and why a payment was reversed."""
    if not hasattr(payment, "reversal"):
        return EMPTY
    reversal: PaymentReversal = payment.reversal
    return f"{moment(reversal.reversed_at)}, {reversal.reversed_by}: {reversal.reason}"


def receipt_link(payment: Payment) -> SafeString:
    """Links to the receipt for a payment, and to the page that sends it."""
    return format_html(
        '<a href="{}" class="text-link">PDF</a> <a href="{}" class="text-link" data-sheet>Send</a>',
        reverse("admin:billing_invoice_receipt_pdf", args=[quote(payment.invoice_id), payment.pk]),
        act_url("send", payment.invoice_id, attach=payment.pk),
    )


def reverse_link(payment: Payment) -> SafeString:
    """A link to the page that reverses this payment."""
    url = act_url("reverse-payment", payment.invoice_id, payment=payment.pk)
    return format_html('<a href="{}" class="text-link" data-sheet>Reverse</a>', url)


class PaymentInline(ReadOnlyInline):
    model = Payment
    verbose_name_plural = "payments"
    fields = (
        "paid_at",
        "shown_amount",
        "reference",
        "recorded_by",
        "recorded_at",
        "receipt",
        "shown_reversal",
    )
    readonly_fields = ("shown_amount", "receipt", "shown_reversal")

    def get_queryset(self, request: HttpRequest) -> Any:
        self._may_reverse = request.user.has_perm("billing.add_paymentreversal")
        return super().get_queryset(request).select_related("invoice", "reversal")

    @display(description="receipt")
    def receipt(self, payment: Payment) -> SafeString:
        return receipt_link(payment)

    @display(description="reversed")
    def shown_reversal(self, payment: Payment) -> SafeString | str:
        reversed_text = reversal_of(payment)
        return reverse_link(payment) if reversed_text == EMPTY and self._may_reverse else reversed_text

    @display(description="amount")
    def shown_amount(self, payment: Payment) -> str:
        return money(payment.amount, payment.invoice.currency)


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ("shown_amount", column_of("invoice"), _PAID, "reference", "recorded_by", "shown_reversal")
    list_filter = (("invoice", Row), ("paid_at", DaysFilter))
    list_select_related = ("invoice", "reversal")
    search_fields = ("reference",)
    sortable_by = (_PAID,)
    fields = (
        "invoice",
        "shown_amount",
        "paid_at",
        "reference",
        "recorded_by",
        "recorded_at",
        "shown_reversal",
        "id",
    )
    readonly_fields = ("shown_amount", "shown_reversal")

    @display(description="amount")
    def shown_amount(self, payment: Payment) -> str:
        return money(payment.amount, payment.invoice.currency)

    @display(description="reversed")
    def shown_reversal(self, payment: Payment) -> SafeString | str:
        return long_text(reversal_of(payment))


@admin.register(PaymentReversal)
class PaymentReversalAdmin(ReadOnlyAdmin):
    list_display = ("shown_amount", "shown_invoice", _REVERSED, "reason", "reversed_by")
    list_filter = (("reversed_at", DaysFilter),)
    list_select_related = ("payment__invoice",)
    search_fields = ("reason",)
    sortable_by = (_REVERSED,)
    fields = ("payment", "shown_invoice", "shown_amount", "reason", "reversed_at", "reversed_by", "id")
    readonly_fields = ("shown_amount", "shown_invoice")

    @display(description="amount")
    def shown_amount(self, reversal: PaymentReversal) -> str:
        return money(reversal.payment.amount, reversal.payment.invoice.currency)

    @display(description="invoice")
    def shown_invoice(self, reversal: PaymentReversal) -> str:
        return str(reversal.payment.invoice)
