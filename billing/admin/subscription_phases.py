"""Phases and billing cycles of subscriptions in the admin: read-only, on the subscription's page and as lists."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from billing.models import BillingCycle, SubscriptionPhase
from customers.admin.base import ReadOnlyAdmin, Row
from customers.admin.filters import DaysFilter
from customers.admin.inlines import ReadOnlyInline
from customers.formats import column_of, day_of, number

_STARTS, _PERIOD_START, _PERIOD_END = (day_of(name) for name in ("starts_at", "period_start", "period_end"))


class _PhaseColumns:
    """The columns that the list and the subscription's page share."""

    @display(description="quantity")
    def shown_quantity(self, phase: SubscriptionPhase) -> str:
        return number(phase.quantity)

    @display(description="prepaid")
    def shown_packs(self, phase: SubscriptionPhase) -> str:
        return packs(phase.prepaid_quantities)


class PhaseInline(_PhaseColumns, ReadOnlyInline):
    """What a subscription was and is: plan, quantity, packs, since when."""

    model = SubscriptionPhase
    verbose_name_plural = "Phases"
    fields = ("starts_at", "plan", "shown_quantity", "shown_packs", "reason")
    readonly_fields = ("shown_quantity", "shown_packs")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("plan")


class CycleInline(ReadOnlyInline):
    """The periods of prices that are charged at another interval than the base price."""

    model = BillingCycle
    verbose_name_plural = "Billing cycles"
    fields = ("interval", "interval_count", "period_start", "period_end")


@admin.register(SubscriptionPhase)
class SubscriptionPhaseAdmin(_PhaseColumns, ReadOnlyAdmin):
    list_display = (column_of("subscription"), column_of("plan"), "shown_quantity", _STARTS, "reason")
    list_filter = (("plan", Row), ("subscription", Row), ("starts_at", DaysFilter))
    list_select_related = ("subscription__plan", "plan")
    search_fields = ("id",)
    search_help_text = "Search by ID."
    sortable_by = (_STARTS,)
    fields = ("subscription", "plan", "shown_quantity", "shown_packs", "starts_at", "reason", "id")
    readonly_fields = ("shown_quantity", "shown_packs")


@admin.register(BillingCycle)
class BillingCycleAdmin(ReadOnlyAdmin):
    list_display = (column_of("subscription"), "interval", "interval_count", _PERIOD_START, _PERIOD_END)
    list_filter = (("subscription", Row), ("period_end", DaysFilter))
    list_select_related = ("subscription__plan",)
    search_fields = ("id",)
    search_help_text = "Search by ID."
    sortable_by = (_PERIOD_END,)
    fields = ("subscription", "interval", "interval_count", "period_start", "period_end", "id")


def packs(prepaid: Mapping[str, str]) -> str:
    """Prepaid units by feature, for people."""
    return ", ".join(f"{number(Decimal(units))} {feature_id}" for feature_id, units in prepaid.items()) or "-"
