"""Addresses and business profiles in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from customers.admin.base import Row, YesNo
from customers.admin.inlines import RecordFormSet, RecordStackedInline
from customers.admin.pinned_fields import PinnedFieldsAdmin
from customers.document.schema import PaymentsBusinessContact
from customers.formats import GOOD, PLAIN, column_of, country_name, long_text
from customers.models import Address, Business

_STATUSES = {"active": GOOD, "archived": PLAIN}
_POSTAL = ("line1", "line2", "city", "state", "postal_code", "country")
_CONTACTS = [PaymentsBusinessContact]


class AddressFormSet(RecordFormSet):
    """A customer's addresses, one of them the default."""

    only_one = "is_default"


class AddressInline(RecordStackedInline):
    """A customer's addresses."""

    model = Address
    fk_name = "customer"
    formset = AddressFormSet
    collapsible = True
    fields = ("description", *_POSTAL, "is_default", "status")


class BusinessInline(RecordStackedInline):
    """A customer's business profiles."""

    model = Business
    fk_name = "customer"
    collapsible = True
    fields = ("name", "company_number", "tax_identifier", "contacts", "status")
    json_shapes = {"contacts": _CONTACTS}


@admin.register(Address)
class AddressAdmin(PinnedFieldsAdmin):
    list_display = (
        "line",
        "shown_city",
        "shown_country",
        column_of("customer"),
        "is_default",
        "shown_status",
    )
    list_filter = (("is_default", YesNo), ("customer", Row))
    list_select_related = ("customer",)
    search_fields = ("line1", "city", "postal_code", "description")
    sortable_by = ("line", "shown_city", "shown_country")
    autocomplete_fields = ("customer",)
    json_shapes = {"custom_data": dict}
    readonly_fields = ("id", "created_at", "updated_at")
    fieldsets = (
        (
            "Address",
            {"classes": ["tab"], "fields": ("customer", "description", *_POSTAL, "is_default", "status")},
        ),
        ("Data", {"classes": ["tab"], "fields": ("custom_data",)}),
        ("Origin", {"classes": ["tab"], "fields": ("id", "created_at", "updated_at")}),
    )

    @display(description="address", ordering="line1")
    def line(self, address: Address) -> SafeString | str:
        """The first line, or another text that identifies the address."""
        return long_text(address.line1 or address.description or str(address))

    @display(description="city", ordering="city")
    def shown_city(self, address: Address) -> SafeString | str:
        return long_text(address.city)

    @display(description="country", ordering="country")
    def shown_country(self, address: Address) -> SafeString | str:
        """The name of the country."""
        return long_text(country_name(address.country))

    @display(description="status", label=_STATUSES)
    def shown_status(self, address: Address) -> str:
        return address.status


@admin.register(Business)
class BusinessAdmin(PinnedFieldsAdmin):
    list_display = ("shown_name", "company_number", "tax_identifier", column_of("customer"), "shown_status")
    list_filter = (("customer", Row),)
    list_select_related = ("customer",)
    search_fields = ("name", "company_number", "tax_identifier")
    sortable_by = ("shown_name",)
    autocomplete_fields = ("customer",)
    json_shapes = {"contacts": _CONTACTS, "custom_data": dict}
    readonly_fields = ("id", "created_at", "updated_at")
    fieldsets = (
        (
            "Business profile",
            {
                "classes": ["tab"],
                "fields": ("customer", "name", "company_number", "tax_identifier", "contacts", "status"),
            },
        ),
        ("Data", {"classes": ["tab"], "fields": ("custom_data",)}),
        ("Origin", {"classes": ["tab"], "fields": ("id", "created_at", "updated_at")}),
    )

    @display(description="name", ordering="name")
    def shown_name(self, business: Business) -> SafeString | str:
        """The name, or the ID without one."""
        return long_text(str(business))

    @display(description="status", label=_STATUSES)
    def shown_status(self, business: Business) -> str:
        return business.status
