"""People and contacts in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from crm.document.schema import CrmSocialNetwork, Picture
from crm.models import Contact, Person
from customers.admin.base import Choices, HistoryAdmin, Row
from customers.admin.contact_fields import EmailField, PhoneField
from customers.admin.fields import EmailText
from customers.admin.inlines import RecordTabularInline
from customers.admin.pinned_fields import PinnedFieldsAdmin
from customers.formats import column_of, long_text, text_of


class ContactInline(RecordTabularInline):
    model = Contact
    fk_name = "customer"
    autocomplete_fields = ("person",)
    fields = ("person", "role")
    deletable = True
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("person")


def picture_only(value: str) -> None:
    """Raise `ValidationError` unless `value` is a link, or a picture as a data: URL."""
    try:
        Picture.from_json(value)
    except ValueError:
        raise ValidationError("Enter a link that starts with http:// or https://.", code="link") from None


@admin.register(Person)
class PersonAdmin(PinnedFieldsAdmin):
    list_display = ("shown_name", "shown_title", "shown_email", "phone", "type")
    list_filter = (("type", Choices),)
    search_fields = ("name", "email", "phone", "obfuscated_id__exact")
    sortable_by = ("shown_name", "shown_email")
    autocomplete_fields = ("manager",)
    json_shapes = {
        "alias_emails": [EmailText],
        "social_network": [CrmSocialNetwork],
        "related_documents": [dict],
    }
    contact_fields = {"email": EmailField, "phone": PhoneField}
    link_fields = {"photo_url": picture_only}
    readonly_fields = ("id",)
    fieldsets = (
        (
            "Person",
            {
                "classes": ["tab"],
                "fields": (
                    "name",
                    "first_name",
                    "last_name",
                    "preferred_name",
                    "pronoun",
                    "email",
                    "alias_emails",
                    "phone",
                    "location",
                    "timezone",
                ),
            },
        ),
        (
            "Work",
            {
                "classes": ["tab"],
                "fields": (
                    "type",
                    "title",
                    "department",
                    "business_unit",
                    "manager",
                    "start_date",
                    "end_date",
                ),
            },
        ),
        (
            "About",
            {"classes": ["tab"], "fields": ("bio", "photo_url", "social_network", "related_documents")},
        ),
        ("IDs", {"classes": ["tab"], "fields": ("id", "obfuscated_id")}),
    )

    @display(description="name", ordering="name")
    def shown_name(self, person: Person) -> SafeString | str:
        return long_text(person.name)

    @display(description="title")
    def shown_title(self, person: Person) -> SafeString | str:
        return long_text(person.title)

    @display(description="email", ordering="email")
    def shown_email(self, person: Person) -> SafeString | str:
        return long_text(person.email)


@admin.register(Contact)
class ContactAdmin(HistoryAdmin):
    list_display = (text_of("person"), "shown_role", column_of("customer"))
    list_filter = (("person", Row), ("customer", Row))
    list_select_related = ("customer", "person")
    search_fields = ("role",)
    sortable_by = ()
    autocomplete_fields = ("customer", "person")
    deletable = True
    readonly_fields = ("id",)
    fields = ("customer", "person", "role", "id")

    @display(description="role")
    def shown_role(self, contact: Contact) -> SafeString | str:
        return long_text(contact.role)
