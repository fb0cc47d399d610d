"""Billing accounts, entities and billing controls in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from billing.formats import every
from billing.models import AutoTopup, BillingAccount, Entity, SpendLimit, UsageAlert
from customers.admin.base import Choices, HistoryAdmin, Row, YesNo
from customers.admin.filters import DaysFilter
from customers.formats import GOOD, PLAIN, column_of, day_of, long_text, number, text_of

_CREATED = day_of("created_at")
_SWITCH = {"On": GOOD, "Off": PLAIN}


@admin.register(BillingAccount)
class BillingAccountAdmin(HistoryAdmin):
    list_display = (text_of("customer"), "send_email_receipts", _CREATED)
    list_filter = (("send_email_receipts", YesNo), ("created_at", DaysFilter), ("customer", Row))
    list_select_related = ("customer",)
    search_fields = ("id",)
    search_help_text = "Search by the ID of the account or of its customer."
    sortable_by = (_CREATED,)
    autocomplete_fields = ("customer",)
    json_shapes = {"metadata": dict}
    readonly_fields = ("id", "created_at")
    fieldsets = (
        ("Account", {"classes": ["tab"], "fields": ("customer", "send_email_receipts")}),
        (
            "Invoices",
            {"classes": ["tab"], "fields": ("tax_rate", "no_tax_reason", "payment_terms_days")},
        ),
        ("Data", {"classes": ["tab"], "fields": ("metadata", "payment_method")}),
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


class _ControlAdmin(HistoryAdmin):
    list_filter: tuple[Any, ...] = (("enabled", YesNo), ("feature", Row), ("customer", Row))
    list_select_related = ("customer", "feature")
    search_fields: tuple[str, ...] = ("id",)
    search_help_text = "Search by ID, or by the customer's ID."
    sortable_by = ()
    autocomplete_fields = ("customer", "feature")
    readonly_fields = ("id",)

    @display(description="enabled", label=_SWITCH)
    def switch(self, control: AutoTopup | SpendLimit | UsageAlert) -> str:
        return "-" if control.enabled is None else "On" if control.enabled else "Off"


@admin.register(AutoTopup)
class AutoTopupAdmin(_ControlAdmin):
    list_display = (
        text_of("customer"),
        column_of("feature"),
        "shown_threshold",
        "shown_quantity",
        "shown_limit",
        "switch",
    )
    fields = (
        "customer",
        "feature",
        "threshold",
        "quantity",
        "enabled",
        "limit",
        "limit_interval",
        "limit_interval_count",
        "id",
    )

    @display(description="when below")
    def shown_threshold(self, topup: AutoTopup) -> str:
        return number(topup.threshold)

    @display(description="buys")
    def shown_quantity(self, topup: AutoTopup) -> str:
        return number(topup.quantity)

    @display(description="limit")
    def shown_limit(self, topup: AutoTopup) -> str:
        if topup.limit is None:
            return "-"
        return f"{number(topup.limit)} per {every(topup.limit_interval, topup.limit_interval_count)}"


@admin.register(SpendLimit)
class SpendLimitAdmin(_ControlAdmin):
    list_display = (text_of("customer"), "shown_feature", "shown_limit", "switch")
    fields = ("customer", "feature", "overage_limit", "enabled", "id")

    @display(description="feature")
    def shown_feature(self, limit: SpendLimit) -> str:
        return str(limit.feature) if limit.feature else "All features"

    @display(description="overage limit")
    def shown_limit(self, limit: SpendLimit) -> str:
        return "No limit" if limit.overage_limit is None else number(limit.overage_limit)


@admin.register(UsageAlert)
class UsageAlertAdmin(_ControlAdmin):
    list_display = (text_of("customer"), "name", "shown_feature", "shown_threshold", "switch")
    list_filter = (("threshold_type", Choices), *_ControlAdmin.list_filter)
    search_fields = ("name",)
    fields = ("customer", "feature", "name", "threshold", "threshold_type", "enabled", "id")

    @display(description="feature")
    def shown_feature(self, alert: UsageAlert) -> str:
        return str(alert.feature) if alert.feature else "All features"

    @display(description="threshold")
    def shown_threshold(self, alert: UsageAlert) -> str:
        sign = "%" if alert.threshold_type == UsageAlert.ThresholdType.USAGE_PERCENTAGE else ""
        return number(alert.threshold) + sign
