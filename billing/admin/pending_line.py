"""Pending lines in the admin: read-only."""

from __future__ import annotations

from django.contrib import admin
from unfold.decorators import display

from billing.formats import money
from billing.models import PendingLine
from customers.admin.base import ReadOnlyAdmin, Row
from customers.admin.filters import DaysFilter
from customers.formats import column_of, day_of, number

_UNTIL, _CREATED, _BILLED = day_of("period_end"), day_of("created_at"), day_of("billed_at")


@admin.register(PendingLine)
class PendingLineAdmin(ReadOnlyAdmin):
    """Overage that was recorded after its period was billed."""

    list_display = ("shown_quantity", "shown_amount", column_of("subscription"), _UNTIL, _CREATED, _BILLED)
    list_filter = (("subscription", Row), ("created_at", DaysFilter))
    list_select_related = ("subscription__plan",)
    search_fields = ("id",)
    search_help_text = "Search by ID."
    sortable_by = (_CREATED,)
    fields = (
        "subscription",
        "grant",
        "period_end",
        "shown_quantity",
        "shown_amount",
        "created_at",
        "billed_at",
        "id",
    )
    readonly_fields = ("shown_quantity", "shown_amount")

    @display(description="quantity")
    def shown_quantity(self, line: PendingLine) -> str:
        return number(line.quantity)

    @display(description="amount")
    def shown_amount(self, line: PendingLine) -> str:
        return money(line.amount, line.subscription.billing_currency)
