"""Trial history, discounts and referrals in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from billing.models import Discount, Referral, TrialUsed
from customers.admin.base import Choices, HistoryAdmin, ReadOnlyHistoryAdmin, Row, YesNo
from customers.admin.filters import DaysFilter
from customers.formats import column_of, day_of, long_text, number, text_of

_END, _CREATED = day_of("end"), day_of("created_at")


@admin.register(TrialUsed)
class TrialUsedAdmin(ReadOnlyHistoryAdmin):
    list_display = (text_of("plan"), column_of("customer"), "fingerprint")
    list_filter = (("plan", Row), ("customer", Row))
    list_select_related = ("customer", "plan")
    search_fields = ("fingerprint__exact",)
    search_help_text = "Search by full fingerprint, by ID, or by the customer's ID."
    sortable_by = ()
    fields = ("customer", "plan", "customer_external_id", "fingerprint", "id")


@admin.register(Discount)
class DiscountAdmin(HistoryAdmin):
    list_display = ("shown_name", column_of("customer"), "type", "shown_value", "shown_duration", _END)
    list_filter = (("type", Choices), ("duration_type", Choices), ("end", DaysFilter), ("customer", Row))
    list_select_related = ("customer",)
    search_fields = ("name", "discount_id")
    sortable_by = ("shown_name", _END)
    autocomplete_fields = ("customer",)
    readonly_fields = ("id",)
    fieldsets = (
        (
            "Discount",
            {
                "classes": ["tab"],
                "fields": (
                    "customer",
                    "name",
                    "discount_id",
                    "type",
                    "discount_value",
                    "currency",
                    "subscription_id",
                ),
            },
        ),
        (
            "Duration",
            {
                "classes": ["tab"],
                "fields": ("duration_type", "duration_value", "start", "end", "total_discount_amount"),
            },
        ),
        ("Origin", {"classes": ["tab"], "fields": ("id",)}),
    )

    @display(description="name", ordering="name")
    def shown_name(self, discount: Discount) -> SafeString | str:
        return long_text(discount.name)

    @display(description="value")
    def shown_value(self, discount: Discount) -> str:
        if discount.type == Discount.Type.PERCENTAGE:
            return f"{number(discount.discount_value)}%"
        return f"{number(discount.discount_value)} {(discount.currency or '').upper()}".strip()

    @display(description="duration")
    def shown_duration(self, discount: Discount) -> str:
        if discount.duration_type == Discount.Duration.MONTHS and discount.duration_value is not None:
            return (
                f"{number(discount.duration_value)} {'month' if discount.duration_value == 1 else 'months'}"
            )
        return discount.get_duration_type_display()


@admin.register(Referral)
class ReferralAdmin(HistoryAdmin):
    list_display = (
        "shown_referred",
        "referred_email",
        column_of("customer"),
        "program_id",
        "reward_applied",
        _CREATED,
    )
    list_filter = (("reward_applied", YesNo), ("created_at", DaysFilter), ("customer", Row))
    list_select_related = ("customer",)
    search_fields = ("referred_name", "referred_email", "referred_id", "program_id")
    sortable_by = ("shown_referred", _CREATED)
    autocomplete_fields = ("customer",)
    readonly_fields = ("id", "created_at")
    fields = (
        "customer",
        "program_id",
        "referred_id",
        "referred_name",
        "referred_email",
        "reward_applied",
        "created_at",
        "id",
    )

    @display(description="referred customer", ordering="referred_name")
    def shown_referred(self, referral: Referral) -> SafeString | str:
        return long_text(str(referral))
