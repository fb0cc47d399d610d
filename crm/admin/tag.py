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
    """The words that customers are marked with. Deleting one takes it off them all."""

    list_display = ("shown_name", "customers")
    search_fields = ("name",)
    sortable_by = ("shown_name",)
    deletable = True
    readonly_fields = ("id",)
    fields = ("name", "id")

    @display(description="name", ordering="name")
    def shown_name(self, tag: Tag) -> SafeString | str:
        """The word."""
        return long_text(tag.name)

    @display(description="customers")
    def customers(self, tag: Tag) -> SafeString:
        """The list of those who have it."""
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
    """Who has which tag. They are given on a customer's form, or to many at once in the list of customers."""

    list_display = (text_of("tag"), column_of("customer"), "given_at", "given_by")
    list_filter = (("tag", Row), ("customer", Row))
    list_select_related = ("tag", "customer", "given_by")
    search_fields = ("tag__name__iexact",)
    search_help_text = "A whole tag, or an id of the customer."
    sortable_by = ("given_at",)
    fields = ("customer", "tag", "given_at", "given_by", "id")
