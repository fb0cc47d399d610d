"""Values of custom fields in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from crm.models import FieldValue
from customers.admin.base import ReadOnlyHistoryAdmin, Row
from customers.formats import column_of, long_text, text_of


@admin.register(FieldValue)
class FieldValueAdmin(ReadOnlyHistoryAdmin):
    """What users entered. They do so on the customer's page, where the type of the field is known."""

    list_display = ("shown_value", text_of("field"), column_of("customer"))
    list_filter = (("customer", Row),)
    list_select_related = ("field", "customer")
    search_fields = ("text",)
    sortable_by = ()
    fields = ("customer", "field", "text", "id")

    @display(description="value")
    def shown_value(self, value: FieldValue) -> SafeString | str:
        """The value as it is stored."""
        return long_text(value.text)
