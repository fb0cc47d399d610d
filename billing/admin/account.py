"""Billing accounts and entities in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from billing.document.schema.controls import BalanceAllocation
from billing.models import BillingAccount, Entity
from customers.admin.base import Choices, HistoryAdmin, Row, YesNo
from customers.admin.filters import DaysFilter
from customers.formats import GOOD, PLAIN, column_of, day_of, long_text, text_of

_CREATED = day_of("created_at")


@admin.register(BillingAccount)
class BillingAccountAdmin(HistoryAdmin):
    list_display = (text_of("customer"), "send_email_receipts", _CREATED)
    list_filter = (("send_email_receipts", YesNo), ("created_at", DaysFilter), ("customer", Row))
    list_select_related = ("customer",)
    search_fields = ("id",)
    search_help_text = "Search by the ID of the account or of its customer."
    sortable_by = (_CREATED,)
    autocomplete_fields = ("customer",)
    json_shapes = {"metadata": dict, "balance_allocations": [BalanceAllocation]}
    readonly_fields = ("id", "created_at")
    fieldsets = (
        ("Account", {"classes": ["tab"], "fields": ("customer", "send_email_receipts")}),
        (
            "Invoices",
            {"classes": ["tab"], "fields": ("tax_rate", "no_tax_reason", "payment_terms_days")},
        ),
        ("Data", {"classes": ["tab"], "fields": ("balance_allocations", "metadata", "payment_method")}),
        ("Origin", {"classes": ["tab"], "fields": ("id", "created_at")}),
    )


@admin.register(Entity)
class EntityAdmin(HistoryAdmin):
    list_display = ("shown_name", "entity_id", column_of("customer"), column_of("feature"), "env", "listing")
    list_filter = (("env", Choices), ("feature", Row), ("customer", Row))
    list_select_related = ("customer", "feature")
    search_fields = ("entity_id", "name")
    sortable_by = ("shown_name", "entity_id")
    autocomplete_fields = ("customer", "feature")
    readonly_fields = ("id", "created_at", "removed_at")
    fieldsets = (
        ("Entity", {"classes": ["tab"], "fields": ("customer", "entity_id", "name", "feature", "env")}),
        ("Origin", {"classes": ["tab"], "fields": ("id", "created_at", "removed_at")}),
    )

    @display(description="name", ordering="name")
    def shown_name(self, entity: Entity) -> SafeString | str:
        return long_text(str(entity))

    @display(description="status", label={"Listed": GOOD, "Removed": PLAIN})
    def listing(self, entity: Entity) -> str:
        return "Removed" if entity.removed_at else "Listed"
