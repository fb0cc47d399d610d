"""Emails with invoices in the admin: read-only. The invoice has the page that sends."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from billing.models import InvoiceEmail
from customers.admin.base import Choices, ReadOnlyAdmin, Row
from customers.admin.filters import DaysFilter
from customers.admin.inlines import ReadOnlyInline
from customers.formats import BAD, GOOD, WAITING, badge, column_of, day_of, long_text

_SENT = day_of("sent_at")
_STATES = {"Sent": GOOD, "Failed": BAD, "Sending": WAITING}


def _recipients(email: InvoiceEmail) -> SafeString | str:
    return long_text(", ".join(map(str, email.recipients)))


class InvoiceEmailInline(ReadOnlyInline):
    model = InvoiceEmail
    verbose_name_plural = "emails"
    fields = ("sent_at", "shown_recipients", "attachment", "state", "error", "sent_by")
    readonly_fields = ("shown_recipients", "state")

    @display(description="to")
    def shown_recipients(self, email: InvoiceEmail) -> SafeString | str:
        return _recipients(email)

    @display(description="status")
    def state(self, email: InvoiceEmail) -> SafeString:
        return badge(email.get_status_display(), _STATES)


@admin.register(InvoiceEmail)
class InvoiceEmailAdmin(ReadOnlyAdmin):
    list_display = ("subject", "shown_recipients", column_of("invoice"), "state", _SENT, "sent_by")
    list_filter = (("status", Choices), ("invoice", Row), ("sent_at", DaysFilter))
    list_select_related = ("invoice",)
    search_fields = ("subject",)
    sortable_by = (_SENT,)
    fields = (
        "invoice",
        "subject",
        "shown_recipients",
        "attachment",
        "text",
        "state",
        "error",
        "sent_at",
        "sent_by",
        "id",
    )
    readonly_fields = ("shown_recipients", "state")

    @display(description="to")
    def shown_recipients(self, email: InvoiceEmail) -> SafeString | str:
        return _recipients(email)

    @display(description="status", label=_STATES)
    def state(self, email: InvoiceEmail) -> str:
        return email.get_status_display()
