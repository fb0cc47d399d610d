"""Alerts that fired and steps of dunning in the admin."""

from __future__ import annotations

from django.contrib import admin
from unfold.decorators import display

from billing.models import AlertFired, DunningStep
from customers.admin.base import ReadOnlyAdmin, Row
from customers.admin.filters import DaysFilter
from customers.formats import column_of, day_of, number, text_of

_FIRED = day_of("fired_at")
_TAKEN = day_of("taken_at")


@admin.register(AlertFired)
class AlertFiredAdmin(ReadOnlyAdmin):
    list_display = (text_of("customer"), column_of("feature"), "shown_threshold", "shown_figures", _FIRED)
    list_filter = (("fired_at", DaysFilter), ("feature", Row), ("customer", Row))
    list_select_related = ("customer", "feature")
    search_fields = ("name",)
    sortable_by = (_FIRED,)
    fields = (
        "customer",
        "feature",
        "entity",
        "name",
        "shown_threshold",
        "shown_figures",
        "period_ends_at",
        "fired_at",
        "id",
    )
    readonly_fields = ("shown_threshold", "shown_figures")

    @display(description="threshold")
    def shown_threshold(self, fired: AlertFired) -> str:
        return fired.words[0].upper() + fired.words[1:]

    @display(description="figures")
    def shown_figures(self, fired: AlertFired) -> str:
        return fired.figures


@admin.register(DunningStep)
class DunningStepAdmin(ReadOnlyAdmin):
    list_display = (text_of("invoice"), "shown_step", "days", "outcome", _TAKEN)
    list_filter = (("taken_at", DaysFilter),)
    list_select_related = ("invoice",)
    search_fields = ("invoice__number", "invoice__stripe_id")
    sortable_by = (_TAKEN,)
    fields = ("invoice", "step", "of", "days", "outcome", "taken_at", "id")

    @display(description="step")
    def shown_step(self, step: DunningStep) -> str:
        return f"{number(step.step)} of {number(step.of)}"
