"""Tags in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from crm.models import CustomerTag, Tag
from customers.admin.base import ReadOnlyAdmin, RecordAdmin, Row
from customers.admin.inlines import RecordTabularInline
from customers.formats import column_of, list_link, long_text, text_of
from customers.models import Customer


@admin.register(Tag)
class TagAdmin(RecordAdmin):
    """Tags of customers. Deleting a tag removes it from all of them."""

    list_display = ("shown_name", "customers")
    search_fields = ("name",)
    sortable_by = ("shown_name",)
    deletable = True
    readonly_fields = ("id",)
    fields = ("name", "id")

    @display(description="name", ordering="name")
    def shown_name(self, tag: Tag) -> SafeString | str:
        """The name of the tag."""
        return long_text(tag.name)

    @display(description="customers")
    def customers(self, tag: Tag) -> SafeString:
        """A link to the list of customers with the tag."""
        return list_link(Customer, "Show", tag=tag.name)


class TagInline(RecordTabularInline):
    """A customer's tags."""

    model = CustomerTag
    fk_name = "customer"
    fields = ("tag",)
    autocomplete_fields = ("tag",)
    deletable = True


@admin.register(CustomerTag)
class CustomerTagAdmin(ReadOnlyAdmin):
    """Which customer has which tag. Users add tags on the customer's page or with a bulk action."""

    list_display = (text_of("tag"), column_of("customer"), "given_at", "given_by")
    list_filter = (("tag", Row), ("customer", Row))
    list_select_related = ("tag", "customer", "given_by")
    search_fields = ("tag__name__iexact",)
    search_help_text = "Full name of a tag, or ID of a customer"
    sortable_by = ("given_at",)
    fields = ("customer", "tag", "given_at", "given_by", "id")
