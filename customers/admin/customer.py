"""The base class of the customers' admin. The apps above subclass it, and `crm` registers it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.options import InlineModelAdmin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from unfold.decorators import display

from customers import archive as archive_verbs
from customers.admin.base import Choices, without_fields
from customers.admin.contact_fields import EmailField, PhoneField
from customers.admin.contact_points import AddressInline, BusinessInline
from customers.admin.filters import CustomerStatusFilter, DaysFilter
from customers.admin.inlines import ReadOnlyInline
from customers.admin.origins import in_words
from customers.admin.payment_method import PaymentMethodInline
from customers.admin.pinned_fields import PinnedFieldsAdmin, PinnedFieldsForm
from customers.admin.source import SourceRecordInline
from customers.formats import (
    BAD,
    GOOD,
    NEWS,
    PLAIN,
    WAITING,
    counted,
    customer_url,
    day,
    link_by_name,
    link_to,
    list_link,
    long_text,
)
from customers.ingest.precedence import is_empty
from customers.lookup import AmbiguousCustomer, UnknownCustomer, find_customer
from customers.models import Customer, Environment
from customers.models.customer import CustomerQuerySet
from customers.provenance import provenance_of
from customers.typed_ids import TypedIdField, to_uuid

_STATUSES = {
    "Active": GOOD,
    "Inactive": WAITING,
    "Suspended": BAD,
    "Archived": PLAIN,
    "Merged": NEWS,
}


class CustomerForm(PinnedFieldsForm):
    """The form for a customer; the form for a new one extends it."""


class CustomerAdmin(PinnedFieldsAdmin):
    form = CustomerForm
    locks_new_rows = True
    list_display: tuple[Any, ...] = (
        "shown_name",
        "shown_email",
        "standing",
        "env",
        "external_id",
        "created",
    )
    list_filter: tuple[Any, ...] = (
        CustomerStatusFilter,
        ("status", Choices),
        ("env", Choices),
        ("created_at", DaysFilter),
    )
    search_fields = ("name", "email", "phone")
    search_help_text = "Search by name, email, phone or any identifier."
    sortable_by = ("shown_name", "shown_email", "standing", "created")
    actions: tuple[Any, ...] = ("archive", "unarchive")
    json_shapes = {"custom_data": dict}
    contact_fields = {"email": EmailField, "phone": PhoneField}
    readonly_fields: ClassVar[tuple[Any, ...]] = (
        "id",
        "created_at",
        "updated_at",
        "left_out",
        "origins",
        "documents",
        "lists",
    )
    fieldsets: ClassVar[Any] = (
        ("Profile", {"classes": ["tab"], "fields": ("name", "email", "phone", "status", "env", "left_out")}),
        ("Identifiers", {"classes": ["tab"], "fields": ("id", "external_id", "stripe_id", "fingerprint")}),
        ("Data", {"classes": ["tab"], "fields": ("custom_data",)}),
        (
            "Imports",
            {
                "classes": ["tab"],
                "fields": ("locked_fields", "unlock_fields", "origins", "created_at", "updated_at"),
            },
        ),
        ("Related", {"classes": ["tab"], "fields": ("documents", "lists")}),
    )
    inlines: list[type[InlineModelAdmin]] = [
        AddressInline,
        BusinessInline,
        PaymentMethodInline,
        SourceRecordInline,
    ]
    linked_models: list[type[Model]] = []
    actions_detail: tuple[str, ...] = ()
    new_form: type[CustomerForm] = CustomerForm

    def url_of_row(self, row: Model) -> str:
        """The page that account managers work on, not the form."""
        return customer_url(row.pk)

    @classmethod
    def with_facts(cls, *facts: Callable[[Customer], Any]) -> Any:
        """The fieldsets with more read-only fields at the end of the profile."""
        (title, profile), *others = cls.fieldsets
        return [(title, {**profile, "fields": [*profile["fields"], *facts]}), *others]

    @display(description="name", ordering="name")
    def shown_name(self, customer: Customer) -> SafeString | str:
        """The name, or another text that identifies the customer."""
        return long_text(str(customer))

    @display(description="email", ordering="email")
    def shown_email(self, customer: Customer) -> SafeString | str:
        return long_text(customer.email)

    @display(description="created", ordering="created_at")
    def created(self, customer: Customer) -> str:
        return day(customer.created_at)

    @display(description="status", ordering="status", label=_STATUSES)
    def standing(self, customer: Customer) -> str:
        """Merged, archived, or the status of the account."""
        if customer.merged_into_id:
            return "Merged"
        return "Archived" if customer.archived_at else customer.get_status_display()

    @display(description="left out of lists")
    def left_out(self, customer: Customer) -> SafeString | str:
        if customer.merged_into_id:
            return format_html("Merged into {}.", link_to(customer.merged_into))
        if customer.archived_at:
            return f"Archived on {day(customer.archived_at)}."
        return "-"

    @display(description="sources")
    def origins(self, customer: Customer) -> SafeString | str:
        """The origin of each field that sources set."""
        if customer._state.adding:
            return "-"
        # Django calls this several times for one page.
        fields = vars(customer).get("_provenance") or provenance_of(customer)
        vars(customer)["_provenance"] = fields
        rows = ((capfirst(field.label), in_words(field)) for field in fields if not is_empty(field.value))
        lines = format_html_join("", '<p class="clientele-remark">{}: {}</p>', rows)
        return format_html(
            "{}{}", lines, link_by_name("desk-provenance", "View sources", identifier=customer.pk)
        )

    @display(description="documents")
    def documents(self, customer: Customer) -> SafeString | str:
        """Links to the customer's JSON documents."""
        links = (
            link_by_name(f"{app}-customer", f"{words} document", identifier=customer.pk)
            for app, words in (("payments", "Payments"), ("billing", "Billing"), ("crm", "CRM"))
        )
        return format_html_join(" · ", "{}", ((link,) for link in links if link)) or "-"

    @display(description="lists")
    def lists(self, customer: Customer) -> SafeString | str:
        """Links to the lists of this customer's other rows."""
        links = (
            (
                list_link(
                    model, capfirst(str(model._meta.verbose_name_plural)), customer__id__exact=customer.pk
                ),
            )
            for model in self.linked_models
        )
        return format_html_join(" · ", "{}", links) or "-"

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, change: bool = False, **options: Any
    ) -> Any:
        """New customers have another form."""
        if obj is None:
            options.setdefault("form", self.new_form)
        return super().get_form(request, obj, change, **options)

    def get_inlines(self, request: HttpRequest, obj: Model | None = None) -> list[type[InlineModelAdmin]]:
        """The form for a new customer has no read-only inlines."""
        inlines = super().get_inlines(request, obj)
        return [inline for inline in inlines if obj is not None or not issubclass(inline, ReadOnlyInline)]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """The environment can't be changed later."""
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if obj is None else (*fields, "env")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Hide `left_out` for current customers, and `unlock_fields` if no field is locked or the user may not change them."""
        hidden: set[str] = set()
        if obj is not None and obj.merged_into_id is None and obj.archived_at is None:
            hidden.add("left_out")
        if obj is None or not obj.pinned_fields or not self.has_change_permission(request, obj):
            hidden.add("unlock_fields")
        return without_fields(hidden, super().get_fieldsets(request, obj))

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Not for merged customers."""
        is_merged = isinstance(obj, Customer) and obj.merged_into_id is not None
        return not is_merged and super().has_change_permission(request, obj)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Also find customers by any identifier. An autocomplete leaves out merged customers."""
        if "field_name" in request.GET:
            queryset = queryset.filter(merged_into=None)
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        keys = _keys_of(search_term.strip())
        return (found | queryset.filter(pk__in=keys) if keys else found), may_repeat

    def find_by_id(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any] | None:
        """The customer with this typed ID and its survivor, or the customer of a row with it, such as an invoice."""
        own = super().find_by_id(queryset, term)
        if own is not None:
            return queryset.filter(Q(pk__in=own.values("pk")) | Q(pk__in=own.values("merged_into")))
        for relation in Customer._meta.related_objects:
            key = relation.related_model._meta.pk
            if relation.field.name == "customer" and isinstance(key, TypedIdField):
                found = to_uuid(term.lower(), (key.prefix, *key.also))
                if found is not None:
                    rows = relation.related_model._default_manager.filter(pk=found)
                    return queryset.filter(pk__in=rows.values("customer"))
        return None

    @admin.action(description="Archive customers", permissions=["change"])
    def archive(self, request: HttpRequest, queryset: CustomerQuerySet) -> None:
        count = archive_verbs.archive(queryset, by=request.user)
        self.message_user(
            request,
            f"Archived {counted(count, 'customer')}. To find archived customers, filter the list by status.",
            messages.SUCCESS,
        )

    @admin.action(description="Unarchive customers", permissions=["change"])
    def unarchive(self, request: HttpRequest, queryset: CustomerQuerySet) -> None:
        count = archive_verbs.unarchive(queryset, by=request.user)
        self.message_user(request, f"Unarchived {counted(count, 'customer')}.", messages.SUCCESS)


def _keys_of(term: str) -> set[str]:
    """The IDs of the customers with this identifier, in every environment."""
    found = set()
    for env in Environment.values:
        with suppress(UnknownCustomer, AmbiguousCustomer):
            found.add(str(find_customer(term, env).pk))
    return found
