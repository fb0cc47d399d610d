"""The catalog in the admin: plans and features."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from billing.admin.catalog_forms import (
    IN_USE,
    CreditCostForm,
    CreditCostFormSet,
    FeatureForm,
    OwnPagePlanItemForm,
    PlanForm,
    PlanItemForm,
)
from billing.admin.move import PERMISSIONS as MOVE_PERMISSIONS
from billing.catalog.in_use import is_in_use
from billing.catalog.versions import TERMS, NoNewVersion, new_version
from billing.document.schema.prices import CurrencyAmount, PlanTier
from billing.formats import every, unit_price
from billing.models import CreditCost, Feature, Plan, PlanItem
from billing.revenue.move import to_move
from customers.admin.base import Choices, HistoryAdmin, RecordAdmin, Row, YesNo, without_fields
from customers.admin.inlines import RecordStackedInline, RecordTabularInline
from customers.formats import GOOD, NEWS, PLAIN, WAITING, column_of, counted, long_text, number, text_of

_STATES = {"Active": GOOD, "Archived": PLAIN, "Stub": WAITING}
_ITEM_PRICE = (
    "price_amount",
    "additional_currencies",
    "price_tiers",
    "price_tier_behavior",
    "price_interval",
    "price_interval_count",
    "billing_units",
    "billing_method",
    "max_purchase",
    "billing_threshold",
    "on_increase",
    "on_decrease",
)
_ROLLOVER = ("rollover_max", "rollover_expiry_unit", "rollover_expiry_length")
_EXPIRY = ("expiry_unit", "expiry_length")
_RESET = ("reset_interval", "reset_interval_count")
_NEW_VERSION = "_new_version"


def is_locked(request: HttpRequest, plan: Plan) -> bool:
    """Whether the terms of `plan` are locked, cached on `request` so that one page gives one answer."""
    known: dict[str, bool] = request.__dict__.setdefault("locked_plans", {})
    if plan.pk not in known:
        known[plan.pk] = not plan.is_stub and is_in_use(plan)
    return known[plan.pk]


class CreditCostInline(RecordTabularInline):
    model = CreditCost
    form = CreditCostForm
    formset = CreditCostFormSet
    fk_name = "credit_system"
    autocomplete_fields = ("metered_feature",)
    fields = ("metered_feature", "credit_cost")
    deletable = True

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("metered_feature")


class PlanItemInline(RecordStackedInline):
    model = PlanItem
    form = PlanItemForm
    collapsible = True
    autocomplete_fields = ("feature",)
    json_shapes = {"price_tiers": [PlanTier], "additional_currencies": [CurrencyAmount]}
    fields = ("feature", "included", "unlimited", *_RESET, *_ITEM_PRICE, *_ROLLOVER, *_EXPIRY, "pooled")
    deletable = True

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("feature")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_open(request, obj) and super().has_add_permission(request, obj)  # type: ignore[call-arg]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_open(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_open(request, obj) and super().has_delete_permission(request, obj)

    def _is_open(self, request: HttpRequest, plan: Plan | None) -> bool:
        return plan is None or plan._state.adding or not is_locked(request, plan)


@admin.register(Feature)
class FeatureAdmin(HistoryAdmin):
    """Features. The feature ID is set once, because documents name the feature by it."""

    form = FeatureForm
    list_display = ("feature_id", "shown_name", "type", "consumable", "state")
    list_filter = (("type", Choices), ("archived", YesNo), ("is_stub", YesNo))
    search_fields = ("feature_id", "name")
    sortable_by = ("feature_id", "shown_name")
    inlines = [CreditCostInline]
    json_shapes = {"event_names": [str]}
    readonly_fields = ("id",)
    fieldsets = (
        (
            "Feature",
            {
                "classes": ["tab"],
                "fields": ("feature_id", "name", "type", "consumable", "archived", "is_stub"),
            },
        ),
        ("Units", {"classes": ["tab"], "fields": ("display_singular", "display_plural", "event_names")}),
        ("Origin", {"classes": ["tab"], "fields": ("id",)}),
    )

    @display(description="name", ordering="name")
    def shown_name(self, feature: Feature) -> SafeString | str:
        return long_text(feature.name)

    @display(description="status", label=_STATES)
    def state(self, feature: Feature) -> str:
        return "Stub" if feature.is_stub else "Archived" if feature.archived else "Active"

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if obj is None else (*fields, "feature_id")


@admin.register(Plan)
class PlanAdmin(HistoryAdmin):
    """Plans, version by version. Plan ID and version are set once. The terms are locked once a customer has the version."""

    form = PlanForm
    list_display = ("plan_id", "version", "shown_name", "env", "shown_price", "kind", "state")
    list_filter = (("env", Choices), ("add_on", YesNo), ("archived", YesNo), ("is_stub", YesNo))
    search_fields = ("plan_id", "name")
    sortable_by = ("plan_id", "version", "shown_name")
    inlines = [PlanItemInline]
    json_shapes = {"config": dict, "metadata": dict, "additional_currencies": [CurrencyAmount]}
    readonly_fields = ("id", "created_at", "in_use", "on_other_versions")
    fieldsets = (
        (
            "Plan",
            {
                "classes": ["tab"],
                "fields": (
                    "in_use",
                    "env",
                    "plan_id",
                    "version",
                    "name",
                    "description",
                    "group",
                    "add_on",
                    "auto_enable",
                    "archived",
                    "is_stub",
                    "on_other_versions",
                ),
            },
        ),
        (
            "Price",
            {
                "classes": ["tab"],
                "fields": (
                    "price_amount",
                    "currency",
                    "additional_currencies",
                    "price_interval",
                    "price_interval_count",
                ),
            },
        ),
        (
            "Free trial",
            {
                "classes": ["tab"],
                "fields": (
                    "free_trial_length",
                    "free_trial_unit",
                    "free_trial_card_required",
                    "free_trial_on_end",
                    "trial_once_per_fingerprint",
                ),
            },
        ),
        ("Data", {"classes": ["tab"], "fields": ("config", "metadata", "base_variant_id")}),
        ("Origin", {"classes": ["tab"], "fields": ("id", "created_at")}),
    )

    @display(description="name", ordering="name")
    def shown_name(self, plan: Plan) -> SafeString | str:
        return long_text(plan.name)

    @display(description="price")
    def shown_price(self, plan: Plan) -> str:
        if plan.price_amount is None:
            return "-"
        price, often = (
            unit_price(plan.price_amount, plan.currency),
            every(plan.price_interval, plan.price_interval_count),
        )
        return price if often in ("-", "once") else f"{price}/{often}"

    @display(description="kind", label={"Add-on": NEWS})
    def kind(self, plan: Plan) -> str:
        return "Add-on" if plan.add_on else "Main"

    @display(description="status", label=_STATES)
    def state(self, plan: Plan) -> str:
        return "Stub" if plan.is_stub else "Archived" if plan.archived else "Active"

    @display(description="other versions", empty_value="-")
    def on_other_versions(self, plan: Plan) -> SafeString | None:
        count = 0 if plan._state.adding else to_move(plan).count()
        if not count:
            return None
        return format_html(
            '<a href="{}">Move {} to this version</a>',
            reverse("move-plan", args=[plan.pk]),
            counted(count, "subscription"),
        )

    @display(description="in use")
    def in_use(self, plan: Plan) -> str:
        return IN_USE

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields = tuple(super().get_readonly_fields(request, obj))
        if obj is None:
            return fields
        locked = (*TERMS, "is_stub") if is_locked(request, obj) else ()
        return (*fields, "env", "plan_id", "version", *locked)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        left_out = set() if obj is not None and is_locked(request, obj) else {"in_use"}
        if not request.user.has_perms(MOVE_PERMISSIONS):
            left_out.add("on_other_versions")
        return without_fields(left_out, fieldsets)

    def response_change(self, request: HttpRequest, obj: Plan) -> HttpResponse:
        """Redirect after saving, to the new version if the button for one was used."""
        if _NEW_VERSION not in request.POST or not self.has_add_permission(request):
            response: HttpResponse = super().response_change(request, obj)
            return response
        try:
            made = new_version(obj)
        except NoNewVersion as problem:
            self.message_user(request, f"Couldn't create a new version. {problem}", messages.ERROR)
            made = obj
        else:
            self.log_addition(request, made, [{"added": {}}])
            self.message_user(
                request,
                f"Created version {made.version} of {made.plan_id}, a copy of version {obj.version}. Change it here."
                " Customers keep the version they have.",
                messages.SUCCESS,
            )
        return HttpResponseRedirect(reverse("admin:billing_plan_change", args=[made.pk]))


@admin.register(PlanItem)
class PlanItemAdmin(RecordAdmin):
    form = OwnPagePlanItemForm
    list_display = (text_of("feature"), column_of("plan"), "shown_included", "resets", "billing_method")
    list_filter = (("plan", Row), ("feature", Row), ("billing_method", Choices))
    list_select_related = ("plan", "feature")
    search_fields = ("id",)
    search_help_text = "Search by ID. Use the filters to find items by plan or feature."
    sortable_by = ()
    autocomplete_fields = ("plan", "feature")
    json_shapes = {"price_tiers": [PlanTier], "additional_currencies": [CurrencyAmount]}
    deletable = True
    readonly_fields = ("id",)
    fieldsets = (
        (
            "Item",
            {
                "classes": ["tab"],
                "fields": ("plan", "feature", "included", "unlimited", "pooled", *_RESET, *_EXPIRY),
            },
        ),
        ("Price", {"classes": ["tab"], "fields": _ITEM_PRICE}),
        ("Rollover", {"classes": ["tab"], "fields": _ROLLOVER}),
        ("Origin", {"classes": ["tab"], "fields": ("id",)}),
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_open(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_open(request, obj) and super().has_delete_permission(request, obj)

    def _is_open(self, request: HttpRequest, item: PlanItem | None) -> bool:
        return item is None or not is_locked(request, item.plan)

    @display(description="included")
    def shown_included(self, item: PlanItem) -> str:
        return "Unlimited" if item.unlimited else number(item.included)

    @display(description="resets every")
    def resets(self, item: PlanItem) -> str:
        return every(item.reset_interval, item.reset_interval_count)


@admin.register(CreditCost)
class CreditCostAdmin(RecordAdmin):
    form = CreditCostForm
    list_display = (text_of("metered_feature"), column_of("credit_system"), "shown_cost")
    list_filter = (("credit_system", Row), ("metered_feature", Row))
    list_select_related = ("credit_system", "metered_feature")
    search_fields = ("id",)
    search_help_text = "Search by ID. Use the filters to find costs by feature."
    sortable_by = ()
    autocomplete_fields = ("credit_system", "metered_feature")
    deletable = True
    readonly_fields = ("id",)
    fields = ("credit_system", "metered_feature", "credit_cost", "id")

    @display(description="credits per unit")
    def shown_cost(self, cost: CreditCost) -> str:
        return number(cost.credit_cost)
