"""Plans and features in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
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
from billing.catalog.in_use import is_in_use
from billing.catalog.versions import TERMS, NoNewVersion, new_version
from billing.document.schema.prices import Tier
from billing.formats import every, unit_price
from billing.models import CreditCost, Feature, Plan, PlanItem
from customers.admin.base import Choices, HistoryAdmin, RecordAdmin, Row, YesNo, without_fields
from customers.admin.inlines import RecordStackedInline, RecordTabularInline
from customers.formats import GOOD, NEWS, PLAIN, WAITING, column_of, long_text, number, text_of

_STATES = {"On sale": GOOD, "Archived": PLAIN, "Stub": WAITING}
_ITEM_PRICE = (
    "price_amount",
    "price_tiers",
    "price_tier_behavior",
    "price_interval",
    "price_interval_count",
    "billing_units",
    "billing_method",
    "max_purchase",
)
_ROLLOVER = ("rollover_max", "rollover_expiry_unit", "rollover_expiry_length")
_RESET = ("reset_interval", "reset_interval_count")
_NEW_VERSION = "_new_version"


def is_locked(request: HttpRequest, plan: Plan) -> bool:
    """Whether what `plan` grants and costs is closed to change, as it was when `request` first asked."""
    known: dict[str, bool] = request.__dict__.setdefault("locked_plans", {})
    if plan.pk not in known:
        known[plan.pk] = not plan.is_stub and is_in_use(plan)
    return known[plan.pk]


class CreditCostInline(RecordTabularInline):
    """What other features cost in a credit system."""

    model = CreditCost
    form = CreditCostForm
    formset = CreditCostFormSet
    fk_name = "credit_system"
    autocomplete_fields = ("metered_feature",)
    fields = ("metered_feature", "credit_cost")
    deletable = True

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the features, for their names."""
        return super().get_queryset(request).select_related("metered_feature")


class PlanItemInline(RecordStackedInline):
    """What a plan includes."""

    model = PlanItem
    form = PlanItemForm
    collapsible = True
    autocomplete_fields = ("feature",)
    json_shapes = {"price_tiers": [Tier]}
    fields = ("feature", "included", "unlimited", *_RESET, *_ITEM_PRICE, *_ROLLOVER)
    deletable = True

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the features, for their names."""
        return super().get_queryset(request).select_related("feature")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not to a plan that customers have."""
        return self._is_open(request, obj) and super().has_add_permission(request, obj)  # type: ignore[call-arg]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not of a plan that customers have."""
        return self._is_open(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not from a plan that customers have."""
        return self._is_open(request, obj) and super().has_delete_permission(request, obj)

    def _is_open(self, request: HttpRequest, plan: Plan | None) -> bool:
        return plan is None or plan._state.adding or not is_locked(request, plan)


@admin.register(Feature)
class FeatureAdmin(HistoryAdmin):
    """Features. The id is chosen once: documents know the feature by it."""

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
        ("Words", {"classes": ["tab"], "fields": ("display_singular", "display_plural", "event_names")}),
        ("Origin", {"classes": ["tab"], "fields": ("id",)}),
    )

    @display(description="name", ordering="name")
    def shown_name(self, feature: Feature) -> SafeString | str:
        """The name."""
        return long_text(feature.name)

    @display(description="state", label=_STATES)
    def state(self, feature: Feature) -> str:
        """Whether it is sold."""
        return "Stub" if feature.is_stub else "Archived" if feature.archived else "On sale"

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """The id that documents use is chosen once."""
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if obj is None else (*fields, "feature_id")


@admin.register(Plan)
class PlanAdmin(HistoryAdmin):
    """Plans, version by version. Which plan and version it is, is chosen once; so is, from the first customer on, what
    it grants and costs.
    """

    form = PlanForm
    list_display = ("plan_id", "version", "shown_name", "env", "shown_price", "kind", "state")
    list_filter = (("env", Choices), ("add_on", YesNo), ("archived", YesNo), ("is_stub", YesNo))
    search_fields = ("plan_id", "name")
    sortable_by = ("plan_id", "version", "shown_name")
    inlines = [PlanItemInline]
    json_shapes = {"config": dict, "metadata": dict}
    readonly_fields = ("id", "created_at", "in_use")
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
                ),
            },
        ),
        (
            "Price",
            {
                "classes": ["tab"],
                "fields": ("price_amount", "currency", "price_interval", "price_interval_count"),
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
                    "trial_once_per_fingerprint",
                ),
            },
        ),
        ("Data", {"classes": ["tab"], "fields": ("config", "metadata", "base_variant_id")}),
        ("Origin", {"classes": ["tab"], "fields": ("id", "created_at")}),
    )

    @display(description="name", ordering="name")
    def shown_name(self, plan: Plan) -> SafeString | str:
        """The name."""
        return long_text(plan.name)

    @display(description="price")
    def shown_price(self, plan: Plan) -> str:
        """What the plan itself costs, and how often."""
        if plan.price_amount is None:
            return "-"
        often = every(plan.price_interval, plan.price_interval_count)
        return f"{unit_price(plan.price_amount, plan.currency)} / {often}"

    @display(description="kind", label={"Add-on": NEWS})
    def kind(self, plan: Plan) -> str:
        """Whether it goes beside another plan."""
        return "Add-on" if plan.add_on else "Main"

    @display(description="state", label=_STATES)
    def state(self, plan: Plan) -> str:
        """Whether it is sold."""
        return "Stub" if plan.is_stub else "Archived" if plan.archived else "On sale"

    @display(description="in use")
    def in_use(self, plan: Plan) -> str:
        """Why some fields are closed."""
        return IN_USE

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Which plan and version it is, and what it grants and costs while customers have it."""
        fields = tuple(super().get_readonly_fields(request, obj))
        if obj is None:
            return fields
        closed = (*TERMS, "is_stub") if is_locked(request, obj) else ()
        return (*fields, "env", "plan_id", "version", *closed)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """With a word on what is closed, where something is."""
        fieldsets = super().get_fieldsets(request, obj)
        is_open = obj is None or not is_locked(request, obj)
        return without_fields({"in_use"}, fieldsets) if is_open else fieldsets

    def response_change(self, request: HttpRequest, obj: Plan) -> HttpResponse:
        """Where to go after saving: to the new version, if one was asked for."""
        if _NEW_VERSION not in request.POST or not self.has_add_permission(request):
            answer: HttpResponse = super().response_change(request, obj)
            return answer
        try:
            made = new_version(obj)
        except NoNewVersion as problem:
            self.message_user(request, f"No new version was made. {problem}", messages.ERROR)
            made = obj
        else:
            self.log_addition(request, made, [{"added": {}}])
            self.message_user(
                request,
                f"This is version {made.version} of {made.plan_id}, a copy of version {obj.version}: change it here."
                " Customers keep the version they have.",
                messages.SUCCESS,
            )
        return HttpResponseRedirect(reverse("admin:billing_plan_change", args=[made.pk]))


@admin.register(PlanItem)
class PlanItemAdmin(RecordAdmin):
    """What plans include."""

    form = OwnPagePlanItemForm
    list_display = (text_of("feature"), column_of("plan"), "shown_included", "resets", "billing_method")
    list_filter = (("plan", Row), ("feature", Row), ("billing_method", Choices))
    list_select_related = ("plan", "feature")
    search_fields = ("id",)
    search_help_text = "An id of ours. To find items by plan or feature, use the filters."
    sortable_by = ()
    autocomplete_fields = ("plan", "feature")
    json_shapes = {"price_tiers": [Tier]}
    deletable = True
    readonly_fields = ("id",)
    fieldsets = (
        ("Item", {"classes": ["tab"], "fields": ("plan", "feature", "included", "unlimited", *_RESET)}),
        ("Price", {"classes": ["tab"], "fields": _ITEM_PRICE}),
        ("Rollover", {"classes": ["tab"], "fields": _ROLLOVER}),
        ("Origin", {"classes": ["tab"], "fields": ("id",)}),
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not of a plan that customers have."""
        return self._is_open(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not from a plan that customers have."""
        return self._is_open(request, obj) and super().has_delete_permission(request, obj)

    def _is_open(self, request: HttpRequest, item: PlanItem | None) -> bool:
        return item is None or not is_locked(request, item.plan)

    @display(description="included")
    def shown_included(self, item: PlanItem) -> str:
        """What is granted with each unit of the plan."""
        return "Unlimited" if item.unlimited else number(item.included)

    @display(description="resets every")
    def resets(self, item: PlanItem) -> str:
        """How often usage returns to zero."""
        return every(item.reset_interval, item.reset_interval_count)


@admin.register(CreditCost)
class CreditCostAdmin(RecordAdmin):
    """What metered features cost in credit systems."""

    form = CreditCostForm
    list_display = (text_of("metered_feature"), column_of("credit_system"), "shown_cost")
    list_filter = (("credit_system", Row), ("metered_feature", Row))
    list_select_related = ("credit_system", "metered_feature")
    search_fields = ("id",)
    search_help_text = "An id of ours. To find costs by feature, use the filters."
    sortable_by = ()
    autocomplete_fields = ("credit_system", "metered_feature")
    deletable = True
    readonly_fields = ("id",)
    fields = ("credit_system", "metered_feature", "credit_cost", "id")

    @display(description="credits for one unit")
    def shown_cost(self, cost: CreditCost) -> str:
        """The credits for one unit."""
        return number(cost.credit_cost)
