"""Payment methods in the admin."""

from __future__ import annotations

from django.contrib import admin
from unfold.decorators import display

from customers.admin.base import Choices, Row, YesNo
from customers.admin.contact_fields import PhoneField
from customers.admin.inlines import RecordFormSet, RecordStackedInline
from customers.admin.pinned_fields import PinnedFieldsAdmin
from customers.formats import GOOD, column_of, country_name
from customers.models import PaymentMethod

_FACTS = ("brand", "last4", "exp_month", "exp_year", "provider", "phone", "bank_name", "country")


class PaymentMethodFormSet(RecordFormSet):
    """A customer's payment methods, at most one of them the default."""

    only_one = "is_default"


class PaymentMethodInline(RecordStackedInline):
    """A customer's payment methods."""

    model = PaymentMethod
    fk_name = "customer"
    formset = PaymentMethodFormSet
    contact_fields = {"phone": PhoneField}
    collapsible = True
    fields = ("type", *_FACTS, "is_default", "status")


@admin.register(PaymentMethod)
class PaymentMethodAdmin(PinnedFieldsAdmin):
    list_display = ("method", "type", "shown_country", column_of("customer"), "is_default", "shown_status")
    list_filter = (("type", Choices), ("is_default", YesNo), ("customer", Row))
    list_select_related = ("customer",)
    search_fields = ("brand", "last4", "provider", "phone", "bank_name")
    sortable_by = ("type",)
    autocomplete_fields = ("customer",)
    contact_fields = {"phone": PhoneField}
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
        return str(method)

    @display(description="country")
    def shown_country(self, method: PaymentMethod) -> str:
        """The country of the bank."""
        return country_name(method.country) or "-"

    @display(description="status", label={"active": GOOD})
    def shown_status(self, method: PaymentMethod) -> str:
        return method.status

    @display(description="ID in documents")
    def known_as(self, method: PaymentMethod) -> str:
        """The ID in the JSON documents."""
        return method.public_id
