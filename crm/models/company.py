"""The company behind a customer, and the account details (`Relationship`)."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from billing.models.figures import bounded, figure
from customers.models import Customer, CustomerRow, ListItem, PinnedFields
from customers.models.orders import letters, words
from customers.typed_ids import TypedIdField


class RelationshipQuerySet(models.QuerySet["Relationship"]):
    def owned_by(self, user: object) -> Self:
        """The accounts of one account manager."""
        return self.filter(owner=user)


class Relationship(PinnedFields, CustomerRow):
    """The account details of a customer: account manager, contract, start date.

    Notes and document counts that the CRM reports are kept here. They are used while there are no `Note` or `Document`
    rows.
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
        verbose_name="account manager",
        db_index=False,
    )
    crm_id = models.CharField(
        "CRM ID", max_length=255, blank=True, db_index=True, help_text="The ID in the CRM document."
    )
    datasource_id = models.CharField(
        "ID shown in the CRM", max_length=255, blank=True, help_text="The ID that CRM users see."
    )
    start_date = models.DateField(
        "customer since", null=True, blank=True, help_text="The first day of the business relationship."
    )
    contract_annual_revenue = figure(
        "annual contract value", null=True, blank=True, help_text="Average revenue per year of the contract."
    )
    currency = models.CharField(
        max_length=3, help_text="Three-letter code of the annual contract value and the company's revenue."
    )
    reported_notes = models.TextField(
        "notes in the CRM",
        blank=True,
        help_text="Exported as the customer's notes until you add a note in Clientele.",
    )
    reported_document_counts = models.JSONField(
        "documents in the CRM",
        default=dict,
        blank=True,
        help_text="Documents per type. Exported until you add a document here.",
    )

    history = HistoricalRecords(excluded_fields=["pinned_fields"])
    objects = RelationshipQuerySet.as_manager()

    class Meta:
        ordering = ["customer_id"]
        verbose_name = "account details"
        verbose_name_plural = "account details"
        constraints = [
            bounded("relationship_revenue_in_range", "contract_annual_revenue"),
            models.CheckConstraint(
                condition=Q(currency__regex="^[A-Z]{3}$"), name="relationship_currency_iso"
            ),
        ]
        # Covers the query for an account manager's customers.
        indexes = [models.Index(fields=["owner", "customer"], name="relationship_of_an_owner")]

    def __str__(self) -> str:
        return f"Account details of {self.customer}"


class Company(PinnedFields, CustomerRow):
    """The company that a customer is, or works for. Its revenue is in the currency of the account details."""

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
    profile_url = models.CharField("profile", blank=True, help_text="Starts with http:// or https://.")
    website_urls = models.JSONField("websites", default=list, blank=True, help_text="A list of links.")
    logo_url = models.CharField("logo", blank=True, help_text="Starts with http:// or https://.")
    location = models.CharField(blank=True)
    phone = models.CharField(blank=True)
    fax = models.CharField(blank=True)
    industry = models.CharField(blank=True)
    annual_revenue = figure(null=True, blank=True)
    number_of_employees = models.PositiveBigIntegerField("employees", null=True, blank=True)
    stock_symbol = models.CharField(blank=True)
    founded_date = models.DateField(null=True, blank=True)
    about = models.TextField(blank=True)

    history = HistoricalRecords(excluded_fields=["pinned_fields"])

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "companies"
        constraints = [bounded("company_revenue_in_range", "annual_revenue")]
        indexes = [
            models.Index(letters("name"), "id", name="company_by_name"),
            models.Index(words("industry"), "id", name="company_by_industry"),
            models.Index(words("location"), "id", name="company_by_location"),
        ]

    def __str__(self) -> str:
        return self.name


class Domain(ListItem):
    """An internet domain of a customer's company."""

    id = TypedIdField(prefix="dom", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="domains")
    name = models.CharField(max_length=255, db_index=True, help_text="For example, example.com.")

    history = HistoricalRecords(no_db_index=["came_with", "name"])

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "name"],
                condition=Q(came_with=None),
                name="domain_once_per_customer",
                violation_error_message="The customer already has this domain.",
            ),
            models.UniqueConstraint(
                fields=["came_with", "name"],
                name="domain_once_per_customer_came_with",
                violation_error_message="The customer already has this domain.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CustomField(ListItem):
    """A custom field of the CRM, with a value of one type."""

    id = TypedIdField(prefix="cf", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="custom_fields")
    key = models.CharField(max_length=255)
    display_label = models.CharField("label", null=True, blank=True)
    string_value = models.TextField("text", null=True, blank=True)
    string_list_value = models.JSONField("list of texts", null=True, blank=True)
    number_value = figure("number", null=True, blank=True)
    boolean_value = models.BooleanField("yes or no", null=True, blank=True)

    history = HistoricalRecords(no_db_index=["came_with"])

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "key"],
                condition=Q(came_with=None),
                name="custom_field_key_once_per_customer",
                violation_error_message="The customer already has a custom field with this key.",
            ),
            models.UniqueConstraint(
                fields=["came_with", "key"],
                name="custom_field_key_once_per_customer_came_with",
                violation_error_message="The customer already has a custom field with this key.",
            ),
            bounded("custom_field_number_in_range", "number_value", at_least=None),
        ]

    def __str__(self) -> str:
        return self.display_label or self.key
