"""Payment methods in the admin."""

from __future__ import annotations

from django.contrib import admin
from unfold.decorators import display

from customers.admin.base import Choices, Row, YesNo
from customers.admin.inlines import RecordFormSet, RecordStackedInline
from customers.admin.pinned_fields import PinnedFieldsAdmin
from customers.formats import GOOD, column_of, country_name
from customers.models import PaymentMethod

_FACTS = ("brand", "last4", "exp_month", "exp_year", "provider", "phone", "bank_name", "country")


class PaymentMethodFormSet(RecordFormSet):
    """A customer's payment methods, one of them the default."""

    only_one = "is_default"


class PaymentMethodInline(RecordStackedInline):
    """How a customer pays."""

    model = PaymentMethod
    fk_name = "customer"
    formset = PaymentMethodFormSet
    collapsible = True
    fields = ("type", *_FACTS, "is_default", "status")


@admin.register(PaymentMethod)
class PaymentMethodAdmin(PinnedFieldsAdmin):
    """Payment methods."""

    list_display = ("method", "type", "shown_country", column_of("customer"), "is_default", "shown_status")
    list_filter = (("type", Choices), ("is_default", YesNo), ("customer", Row))
    list_select_related = ("customer",)
    search_fields = ("brand", "last4", "provider", "phone", "bank_name")
    sortable_by = ("type",)
    autocomplete_fields = ("customer",)
    readonly_fields = ("id", "known_as")
    fieldsets = (
        ("Payment method", {"classes": ["tab"], "fields": ("customer", "type", "is_default", "status")}),
        ("Card", {"classes": ["tab"], "fields": ("brand", "last4", "exp_month", "exp_year")}),
        ("Mobile money", {"classes": ["tab"], "fields": ("provider", "phone")}),
        ("Bank account", {"classes": ["tab"], "fields": ("bank_name", "country")}),
        ("Origin", {"classes": ["tab"], "fields": ("id", "known_as")}),
    )

    @display(description="payment method")
    def method(self, method: PaymentMethod) -> str:
        """What may be shown of it."""
        return str(method)

    @display(description="country")
    def shown_country(self, method: PaymentMethod) -> str:
        """Where the bank is."""
        return country_name(method.country) or "-"

    @display(description="status", label={"active": GOOD})
    def shown_status(self, method: PaymentMethod) -> str:
        """As the payments platform states it."""
        return method.status

    @display(description="id in documents")
    def known_as(self, method: PaymentMethod) -> str:
        """The id under which the JSON documents show it."""
        return method.public_id
