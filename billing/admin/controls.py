"""Billing controls in the admin."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from unfold.decorators import display

from billing.formats import every
from billing.ledger.limits_in_use import used_of_limits
from billing.models import AutoTopup, OverageAllowed, SpendLimit, UsageAlert, UsageLimit
from customers import clock
from customers.admin.base import Choices, HistoryAdmin, Row, YesNo
from customers.formats import GOOD, PLAIN, column_of, number, text_of

_SWITCH = {"On": GOOD, "Off": PLAIN}


class _ControlAdmin(HistoryAdmin):
    list_filter: tuple[Any, ...] = (("enabled", YesNo), ("feature", Row), ("customer", Row))
    list_select_related: ClassVar[tuple[str, ...]] = ("customer", "feature")
    search_fields: tuple[str, ...] = ("id",)
    search_help_text = "Search by ID, or by the customer's ID."
    sortable_by = ()
    autocomplete_fields: ClassVar[tuple[str, ...]] = ("customer", "feature")
    readonly_fields: ClassVar[tuple[str, ...]] = ("id",)

    @display(description="enabled", label=_SWITCH)
    def switch(self, control: AutoTopup | OverageAllowed | SpendLimit | UsageAlert | UsageLimit) -> str:
        return "-" if control.enabled is None else "On" if control.enabled else "Off"


class _EntityControlAdmin(_ControlAdmin):
    list_select_related = ("customer", "feature", "entity")
    autocomplete_fields = ("customer", "entity", "feature")

    @display(description="entity")
    def shown_entity(self, control: OverageAllowed | SpendLimit | UsageAlert | UsageLimit) -> str:
        return str(control.entity) if control.entity else "-"


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
class SpendLimitAdmin(_EntityControlAdmin):
    list_display = (text_of("customer"), "shown_entity", "shown_feature", "shown_limit", "switch")
    fields = (
        "customer",
        "entity",
        "feature",
        "overage_limit",
        "limit_type",
        "skip_overage_billing",
        "enabled",
        "id",
    )

    @display(description="feature")
    def shown_feature(self, limit: SpendLimit) -> str:
        return str(limit.feature) if limit.feature else "All features"

    @display(description="overage limit")
    def shown_limit(self, limit: SpendLimit) -> str:
        return limit.words[0].upper() + limit.words[1:]


@admin.register(UsageLimit)
class UsageLimitAdmin(_EntityControlAdmin):
    list_display = (
        text_of("customer"),
        "shown_entity",
        column_of("feature"),
        "shown_limit",
        "shown_used",
        "switch",
    )
    list_filter = (("interval", Choices), *_ControlAdmin.list_filter)
    fields = (
        "customer",
        "entity",
        "feature",
        "limit",
        "interval",
        "anchor",
        "enabled",
        "shown_used",
        "filter",
        "id",
    )
    readonly_fields = ("id", "shown_used", "filter")

    def complete_page(self, rows: list[Any]) -> None:
        """Count what is used of the listed limits."""
        super().complete_page(rows)
        used = used_of_limits(rows, clock.now())
        for row in rows:
            row.used_now = used[str(row.pk)]

    @display(description="limit")
    def shown_limit(self, limit: UsageLimit) -> str:
        return f"{number(limit.limit)} per {every(limit.interval, 1)}"

    @display(description="used")
    def shown_used(self, limit: UsageLimit) -> str:
        if limit.pk is None or limit._state.adding:
            return "-"
        if not hasattr(limit, "used_now"):
            self.complete_page([limit])
        used = vars(limit)["used_now"]
        return number(used or 0)


@admin.register(OverageAllowed)
class OverageAllowedAdmin(_EntityControlAdmin):
    list_display = (text_of("customer"), "shown_entity", column_of("feature"), "switch")
    fields = ("customer", "entity", "feature", "enabled", "id")


@admin.register(UsageAlert)
class UsageAlertAdmin(_EntityControlAdmin):
    list_display = (text_of("customer"), "shown_entity", "name", "shown_feature", "shown_threshold", "switch")
    list_filter = (("threshold_type", Choices), *_ControlAdmin.list_filter)
    search_fields = ("name",)
    fields = (
        "customer",
        "entity",
        "feature",
        "name",
        "threshold",
        "threshold_type",
        "basis",
        "filter",
        "enabled",
        "id",
    )
    readonly_fields = ("id", "filter")

    @display(description="feature")
    def shown_feature(self, alert: UsageAlert) -> str:
        return str(alert.feature) if alert.feature else "All features"

    @display(description="threshold")
    def shown_threshold(self, alert: UsageAlert) -> str:
        return alert.words[0].upper() + alert.words[1:]
