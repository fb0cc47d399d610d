"""Emails to users in the admin: whether each was sent, and why not."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from crm.models import OutgoingEmail
from customers.admin.base import Choices, ReadOnlyAdmin
from customers.admin.filters import DaysFilter
from customers.formats import BAD, GOOD, WAITING, badge, long_text

_COLORS = {"Waiting": WAITING, "Sent": GOOD, "Refused": BAD, "Failed": BAD}


@admin.register(OutgoingEmail)
class OutgoingEmailAdmin(ReadOnlyAdmin):
    """Emails to users. Their text isn't shown: it may have a link that gives access."""

    list_display = ("subject", "address", "shown_status", "attempts", "made_at", "sent_at", "shown_error")
    list_filter = (("status", Choices), ("made_at", DaysFilter))
    search_fields = ("address__exact",)
    search_help_text = "Enter a complete email address."
    sortable_by = ("made_at", "sent_at")
    fields = (
        "subject",
        "kind",
        "user",
        "address",
        "status",
        "attempts",
        "error",
        "made_at",
        "next_at",
        "sent_at",
        "id",
    )

    @display(description="status", ordering="status")
    def shown_status(self, email: OutgoingEmail) -> SafeString:
        """The status."""
        return badge(email.get_status_display(), _COLORS)

    @display(description="problem")
    def shown_error(self, email: OutgoingEmail) -> SafeString | str:
        """Why the last attempt failed."""
        return long_text(email.error)
