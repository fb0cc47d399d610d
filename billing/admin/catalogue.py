"""Plans and features in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from billing.admin.showing import every, figure, price
from billing.documents.prices import Tier
from billing.models import CreditCost, Feature, Plan, PlanItem
from customers.admin.base import Choices, HistoryAdmin, RecordAdmin, Row, YesNo
from customers.admin.inlines import RecordStackedInline, RecordTabularInline
from customers.admin.showing import GOOD, NEWS, PLAIN, WAITING, column_of, long_text, text_of

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


class CreditCostInline(RecordTabularInline):
    """What other features cost in a credit system."""

    model = CreditCost
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
    collapsible = True
    autocomplete_fields = ("feature",)
    json_shapes = {"price_tiers": [Tier]}
    fields = ("feature", "included", "unlimited", *_RESET, *_ITEM_PRICE, *_ROLLOVER)
    deletable = True

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the features, for their names."""
        return super().get_queryset(request).select_related("feature")


@admin.register(Feature)
class FeatureAdmin(HistoryAdmin):
    """Features. The id is chosen once: documents know the feature by it."""

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
    """Plans, version by version. Which plan and version it is, is chosen once."""

    list_display = ("plan_id", "version", "shown_name", "env", "shown_price", "kind", "state")
    list_filter = (("env", Choices), ("add_on", YesNo), ("archived", YesNo), ("is_stub", YesNo))
    search_fields = ("plan_id", "name")
    sortable_by = ("plan_id", "version", "shown_name")
    inlines = [PlanItemInline]
    json_shapes = {"config": dict, "metadata": dict}
    readonly_fields = ("id", "created_at")
    fieldsets = (
        (
            "Plan",
            {
                "classes": ["tab"],
                "fields": (
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
                "fields": ("free_trial_length", "free_trial_unit", "free_trial_card_required"),
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
        return f"{price(plan.price_amount, plan.currency)} / {often}"

    @display(description="kind", label={"Add-on": NEWS})
    def kind(self, plan: Plan) -> str:
        """Whether it goes beside another plan."""
        return "Add-on" if plan.add_on else "Main"

    @display(description="state", label=_STATES)
    def state(self, plan: Plan) -> str:
        """Whether it is sold."""
        return "Stub" if plan.is_stub else "Archived" if plan.archived else "On sale"

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Which plan and version it is, is chosen once."""
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if obj is None else (*fields, "env", "plan_id", "version")


@admin.register(PlanItem)
class PlanItemAdmin(RecordAdmin):
    """What plans include."""

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

    @display(description="included")
    def shown_included(self, item: PlanItem) -> str:
        """What is granted with each unit of the plan."""
        return "Unlimited" if item.unlimited else figure(item.included)

    @display(description="resets every")
    def resets(self, item: PlanItem) -> str:
        """How often usage returns to zero."""
        return every(item.reset_interval, item.reset_interval_count)


@admin.register(CreditCost)
class CreditCostAdmin(RecordAdmin):
    """What metered features cost in credit systems."""

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
        return figure(cost.credit_cost)
