"""Billing addresses and business profiles."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from customers import clock
from customers.models.customer import Customer
from customers.models.list_item import ListItem
from customers.models.pinned_fields import PinnedFields
from customers.typed_ids import TypedIdField


class Address(PinnedFields, ListItem):
    """A billing address.

    One of the addresses of an account may be the default: the one in the payments document. A customer's default is that
    of its own account, else that of one that joined it.
    """

    PINNABLE = (
        "description",
        "line1",
        "line2",
        "city",
        "state",
        "postal_code",
        "country",
        "status",
        "custom_data",
    )

    id = TypedIdField(prefix="adr", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="addresses")
    source_id = models.CharField(max_length=255, blank=True, editable=False)
    description = models.CharField(blank=True, help_text="The purpose of the address, such as “Head office”.")
    line1 = models.CharField("line 1", blank=True)
    line2 = models.CharField("line 2", blank=True)
    city = models.CharField(blank=True)
    state = models.CharField("state or region", blank=True)
    postal_code = models.CharField(blank=True)
    country = models.CharField(
        max_length=255,
        blank=True,
        help_text="The two-letter country code, such as TZ.",
    )
    is_default = models.BooleanField(
        "default", default=False, help_text="Printed on invoices as the billing address."
    )
    status = models.CharField(
        max_length=50,
        default="active",
        help_text="“active” while the address is in use, else “archived”.",
    )
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(default=clock.now)
    custom_data = models.JSONField(null=True, blank=True)

    history = HistoricalRecords(excluded_fields=["pinned_fields"])

    class Meta:
        ordering = ["position", "id"]
        verbose_name_plural = "addresses"
        constraints = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(is_default=True, came_with=None),
                name="address_one_default_per_customer",
                violation_error_message="This customer already has a default address. Unset that one first.",
            ),
            models.UniqueConstraint(
                fields=["came_with"],
                condition=Q(is_default=True),
                name="address_one_default_came_with",
                violation_error_message="This customer already has a default address. Unset that one first.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["country", "customer"],
                condition=Q(is_default=True),
                name="address_default_by_country",
            ),
        ]

    def __str__(self) -> str:
        parts = (self.line1, self.city or self.state, self.postal_code, self.country)
        return ", ".join(part for part in parts if part) or self.line2 or self.description or str(self.pk)


class Business(PinnedFields, ListItem):
    """A business profile: a company that the customer buys for."""

    PINNABLE = ("name", "company_number", "tax_identifier", "contacts", "status", "custom_data")

    id = TypedIdField(prefix="biz", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="businesses")
    source_id = models.CharField(max_length=255, blank=True, editable=False)
    name = models.CharField(blank=True)
    company_number = models.CharField(blank=True, help_text="The number in the company register.")
    tax_identifier = models.CharField(blank=True, help_text="The VAT or tax number, with its country prefix.")
    contacts = models.JSONField(
        default=list, blank=True, help_text="People to write to, as a list of objects with name and email."
    )
    status = models.CharField(max_length=50, default="active")
    created_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(default=clock.now)
    custom_data = models.JSONField(null=True, blank=True)

    history = HistoricalRecords(excluded_fields=["pinned_fields"])

    class Meta:
        ordering = ["position", "id"]
        verbose_name = "business profile"

    def __str__(self) -> str:
        return self.name or str(self.pk)
