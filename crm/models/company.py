"""The company behind a customer, and our relationship with it."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from billing.models.figures import bounded, figure
from customers.models import Customer, CustomerRow, ListItem, PinnedFields
from customers.typed_ids import TypedIdField


class RelationshipQuerySet(models.QuerySet["Relationship"]):
    """Relationships, asked for in the business's words."""

    def owned_by(self, user: object) -> Self:
        """Those of one account manager."""
        return self.filter(owner=user)


class Relationship(PinnedFields, CustomerRow):
    """How we work with a customer: since when, for how much a year, and whose account it is.

    What the CRM reported of documents and notes is kept here; our own rows, where there are any, come first.
    """

    PINNABLE = ("start_date", "contract_annual_revenue")

    id = TypedIdField(prefix="rel", primary_key=True, editable=False)
    customer = models.OneToOneField(Customer, on_delete=models.PROTECT, related_name="relationship")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="accounts_owned",
        help_text="The account manager.",
        db_index=False,
    )
    crm_id = models.CharField(
        "CRM id", max_length=255, blank=True, db_index=True, help_text="The id the CRM document carries."
    )
    datasource_id = models.CharField(
        "id shown in the CRM", max_length=255, blank=True, help_text="The id that users of the CRM see."
    )
    start_date = models.DateField(
        null=True, blank=True, help_text="When we first had to do with the customer."
    )
    contract_annual_revenue = figure(
        null=True, blank=True, help_text="What the contract brings in a year, on average."
    )
    currency = models.CharField(
        max_length=3, help_text="ISO 4217, of the revenue figures. The CRM does not name one."
    )
    reported_notes = models.TextField(
        blank=True, help_text="Notes as the CRM reports them; shown while there is no note of our own."
    )
    reported_document_counts = models.JSONField(
        default=dict,
        blank=True,
        help_text="Documents per type as the CRM counts them; shown while there are none of our own.",
    )

    history = HistoricalRecords(excluded_fields=["pinned_fields"])
    objects = RelationshipQuerySet.as_manager()

    class Meta:
        ordering = ["customer_id"]
        constraints = [
            bounded("relationship_revenue_in_range", "contract_annual_revenue"),
            models.CheckConstraint(
                condition=Q(currency__regex="^[A-Z]{3}$"), name="relationship_currency_iso"
            ),
        ]
        # Has all that it takes to find somebody's customers.
        indexes = [models.Index(fields=["owner", "customer"], name="relationship_of_an_owner")]

    def __str__(self) -> str:
        return f"Relationship with {self.customer}"


class Company(PinnedFields, CustomerRow):
    """The company that a customer is or works for. Revenue is in the relationship's currency."""

    PINNABLE = (
        "name",
        "profile_url",
        "website_urls",
        "logo_url",
        "location",
        "phone",
        "fax",
        "industry",
        "annual_revenue",
        "number_of_employees",
        "stock_symbol",
        "founded_date",
        "about",
    )

    id = TypedIdField(prefix="com", primary_key=True, editable=False)
    customer = models.OneToOneField(Customer, on_delete=models.PROTECT, related_name="company")
    name = models.CharField()
    profile_url = models.CharField(
        "profile", blank=True, help_text="A link that begins with http:// or https://."
    )
    website_urls = models.JSONField("websites", default=list, blank=True, help_text="A list of links.")
    logo_url = models.CharField("logo", blank=True, help_text="A link that begins with http:// or https://.")
    location = models.CharField(blank=True)
    phone = models.CharField(blank=True)
    fax = models.CharField(blank=True)
    industry = models.CharField(blank=True)
    annual_revenue = figure(null=True, blank=True)
    number_of_employees = models.PositiveBigIntegerField(null=True, blank=True)
    stock_symbol = models.CharField(blank=True)
    founded_date = models.DateField(null=True, blank=True)
    about = models.TextField(blank=True)

    history = HistoricalRecords(excluded_fields=["pinned_fields"])

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "companies"
        constraints = [bounded("company_revenue_in_range", "annual_revenue")]

    def __str__(self) -> str:
        return self.name


class Domain(ListItem):
    """An internet domain of a customer's company."""

    id = TypedIdField(prefix="dom", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="domains")
    name = models.CharField(max_length=255, db_index=True, help_text="Such as example.com.")

    history = HistoricalRecords(no_db_index=["came_with", "name"])

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "name"],
                condition=Q(came_with=None),
                name="domain_once_per_customer",
                violation_error_message="The customer has this domain already.",
            ),
            models.UniqueConstraint(
                fields=["came_with", "name"],
                name="domain_once_per_customer_came_with",
                violation_error_message="The customer has this domain already.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CustomField(ListItem):
    """A field that the CRM's users added of their own. It holds one kind of value."""

    id = TypedIdField(prefix="cf", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="custom_fields")
    key = models.CharField(max_length=255)
    display_label = models.CharField(null=True, blank=True)
    string_value = models.TextField(null=True, blank=True)
    string_list_value = models.JSONField(null=True, blank=True)
    number_value = figure(null=True, blank=True)
    boolean_value = models.BooleanField(null=True, blank=True)

    history = HistoricalRecords(no_db_index=["came_with"])

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "key"],
                condition=Q(came_with=None),
                name="custom_field_key_once_per_customer",
                violation_error_message="The customer has a custom field with this key already.",
            ),
            models.UniqueConstraint(
                fields=["came_with", "key"],
                name="custom_field_key_once_per_customer_came_with",
                violation_error_message="The customer has a custom field with this key already.",
            ),
            bounded("custom_field_number_in_range", "number_value", at_least=None),
        ]

    def __str__(self) -> str:
        return self.display_label or self.key
