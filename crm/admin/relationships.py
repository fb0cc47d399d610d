"""Account details, companies, domains and custom fields in the admin."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from billing.formats import unit_price
from crm.admin.person import picture_only
from crm.desk.sheets.custom_field import value_in_words
from crm.desk.worklist.refresh import refresh_customers
from crm.models import Company, CustomField, Domain, Relationship
from crm.notify import tell_account_manager
from customers.admin.base import HistoryAdmin, Row
from customers.admin.contact_fields import DomainField, PhoneField
from customers.admin.fields import plain_link_only
from customers.admin.filters import DaysFilter, MineFilter
from customers.admin.inlines import RecordTabularInline
from customers.admin.pinned_fields import PinnedFieldsAdmin
from customers.formats import column_of, link_out, long_text, text_of
from customers.json_types import Link


class Owner(MineFilter):
    """Filter: my accounts."""

    title = "account manager"
    parameter_name = "owner"


class DomainInline(RecordTabularInline):
    model = Domain
    fk_name = "customer"
    fields = ("name",)
    contact_fields = {"name": DomainField}
    deletable = True


@admin.register(Relationship)
class RelationshipAdmin(PinnedFieldsAdmin):
    list_display = (text_of("customer"), "owner", "start_date", "shown_revenue", "crm_id")
    list_filter = (Owner, ("start_date", DaysFilter), ("customer", Row))
    list_select_related = ("customer", "owner")
    search_fields = ("crm_id__exact", "datasource_id__exact")
    search_help_text = "Enter a complete CRM ID, an ID shown in the CRM, or an ID of the customer."
    sortable_by = ("start_date",)
    autocomplete_fields = ("customer",)
    json_shapes = {"reported_document_counts": dict}
    readonly_fields = ("id", "crm_id", "datasource_id", "reported_notes", "reported_document_counts")
    fieldsets = (
        (
            "Account details",
            {
                "classes": ["tab"],
                "fields": ("customer", "owner", "start_date", "contract_annual_revenue", "currency"),
            },
        ),
        ("In the CRM", {"classes": ["tab"], "fields": ("reported_notes", "reported_document_counts")}),
        ("IDs", {"classes": ["tab"], "fields": ("id", "crm_id", "datasource_id")}),
    )

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        """Save, and show the customer on the new owner's worklist."""
        super().save_model(request, obj, form, change)
        if "owner" in form.changed_data:
            tell_account_manager(obj.owner_id, 1, by=request.user, customer=obj.customer)
        # After the commit: this transaction has locked the relationship, but merges lock the customer before it.
        transaction.on_commit(partial(refresh_customers, [str(obj.customer_id)]))

    @display(description="annual contract value")
    def shown_revenue(self, relationship: Relationship) -> str:
        return unit_price(relationship.contract_annual_revenue, relationship.currency)


@admin.register(Company)
class CompanyAdmin(PinnedFieldsAdmin):
    list_display = (
        "shown_name",
        column_of("customer"),
        "shown_industry",
        "shown_location",
        "number_of_employees",
        "website",
    )
    list_filter = (("customer", Row),)
    list_select_related = ("customer",)
    search_fields = ("name", "industry", "location", "stock_symbol")
    sortable_by = ("shown_name", "number_of_employees")
    autocomplete_fields = ("customer",)
    json_shapes = {"website_urls": [Link]}
    contact_fields = {"phone": PhoneField, "fax": PhoneField}
    link_fields = {"profile_url": plain_link_only, "logo_url": picture_only}
    readonly_fields = ("id",)
    fieldsets = (
        (
            "Company",
            {
                "classes": ["tab"],
                "fields": ("customer", "name", "industry", "location", "phone", "fax", "about"),
            },
        ),
        (
            "Facts",
            {
                "classes": ["tab"],
                "fields": ("annual_revenue", "number_of_employees", "stock_symbol", "founded_date"),
            },
        ),
        ("Links", {"classes": ["tab"], "fields": ("website_urls", "profile_url", "logo_url")}),
        ("IDs", {"classes": ["tab"], "fields": ("id",)}),
    )

    @display(description="name", ordering="name")
    def shown_name(self, company: Company) -> SafeString | str:
        return long_text(company.name)

    @display(description="industry")
    def shown_industry(self, company: Company) -> SafeString | str:
        return long_text(company.industry)

    @display(description="location")
    def shown_location(self, company: Company) -> SafeString | str:
        return long_text(company.location)

    @display(description="website")
    def website(self, company: Company) -> SafeString | str:
        return link_out(next(iter(company.website_urls), ""))


@admin.register(Domain)
class DomainAdmin(HistoryAdmin):
    list_display = ("shown_name", column_of("customer"))
    list_filter = (("customer", Row),)
    list_select_related = ("customer",)
    search_fields = ("name",)
    sortable_by = ("shown_name",)
    autocomplete_fields = ("customer",)
    deletable = True
    readonly_fields = ("id",)
    contact_fields = {"name": DomainField}
    fields = ("customer", "name", "id")

    @display(description="domain", ordering="name")
    def shown_name(self, domain: Domain) -> SafeString | str:
        return long_text(domain.name)


@admin.register(CustomField)
class CustomFieldAdmin(HistoryAdmin):
    list_display = ("shown_name", "shown_value", column_of("customer"))
    list_filter = (("customer", Row),)
    list_select_related = ("customer",)
    search_fields = ("key", "display_label")
    sortable_by = ("shown_name",)
    autocomplete_fields = ("customer",)
    json_shapes = {"string_list_value": [str]}
    deletable = True
    readonly_fields = ("id",)
    fields = (
        "customer",
        "key",
        "display_label",
        "string_value",
        "string_list_value",
        "number_value",
        "boolean_value",
        "id",
    )

    @display(description="field", ordering="key")
    def shown_name(self, field: CustomField) -> SafeString | str:
        return long_text(str(field))

    @display(description="value")
    def shown_value(self, field: CustomField) -> SafeString | str:
        return long_text(value_in_words(field))
