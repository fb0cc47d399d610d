"""Changes to make on the billing platform in the admin: read-only."""

from __future__ import annotations

from django.contrib import admin
from unfold.decorators import display

from billing.models import PlatformChange
from customers.admin.base import ReadOnlyAdmin, Row
from customers.admin.filters import DaysFilter
from customers.formats import GOOD, PLAIN, column_of, day_of, number

_REQUESTED, _CLOSED = day_of("requested_at"), day_of("closed_at")


@admin.register(PlatformChange)
class PlatformChangeAdmin(ReadOnlyAdmin):
    """What users requested of subscriptions that the billing platform bills."""

    list_display = ("shown_words", column_of("subscription"), "state", "requested_by", _REQUESTED, _CLOSED)
    list_filter = (("subscription", Row), ("requested_at", DaysFilter))
    list_select_related = ("subscription__plan", "plan_before", "plan")
    search_fields = ("id", "requested_by")
    search_help_text = "Search by ID or user."
    sortable_by = (_REQUESTED,)
    fields = (
        "subscription",
        "plan_before",
        "plan",
        "shown_quantity",
        "timing",
        "state",
        "requested_by",
        "requested_at",
        "closed_at",
        "id",
    )
    readonly_fields = ("shown_quantity", "state")

    @display(description="change")
    def shown_words(self, change: PlatformChange) -> str:
        return change.words[0].upper() + change.words[1:]

    @display(description="quantity")
    def shown_quantity(self, change: PlatformChange) -> str:
        return number(change.quantity)

    @display(
        description="status",
        label={"Made": GOOD, "Withdrawn": PLAIN, "Subscription ended": PLAIN, "Waiting": PLAIN},
    )
    def state(self, change: PlatformChange) -> str:
        return change.get_outcome_display() or "Waiting"
