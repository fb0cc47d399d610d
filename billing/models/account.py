"""A customer's account on the billing platform: account facts and entities."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from billing.models.catalog import Feature
from billing.models.figures import figure
from customers import clock
from customers.models import Customer, CustomerRow, Environment, ListItem
from customers.typed_ids import TypedIdField


class BillingAccount(CustomerRow):
    """What the billing platform knows of a customer besides plans and balances.

    A customer has one account, and one of each customer that was merged into it.
    """

    id = TypedIdField(prefix="acct", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="billing_accounts")
    created_at = models.DateTimeField(
        default=clock.now, help_text="When the billing platform created the customer."
    )
    metadata = models.JSONField(
        default=dict, blank=True, help_text="Notes of the billing platform: a JSON object."
    )
    send_email_receipts = models.BooleanField("send email receipts", default=False)
    payment_method = models.JSONField(
        null=True, blank=True, help_text="As the billing platform describes it."
    )
    balance_allocations = models.JSONField(
        "allocations to entities",
        null=True,
        blank=True,
        help_text=(
            "Shares of the customer's balances: a list of objects with feature_id, interval, and allocations, which"
            " are objects with entity_id and amount."
        ),
    )
    tax_rate = figure(
        null=True, blank=True, help_text="A percentage on every invoice, such as 19. Leave blank for no tax."
    )
    no_tax_reason = models.CharField(
        "reason for no tax",
        blank=True,
        help_text="Printed on invoices without tax, such as “reverse charge”.",
    )
    payment_terms_days = models.PositiveIntegerField(
        "payment terms (days)",
        null=True,
        blank=True,
        help_text="Days until an invoice is due. Leave blank for the default terms.",
    )

    history = HistoricalRecords()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(came_with=None),
                name="account_once_per_customer",
                violation_error_message="The customer already has a billing account.",
            ),
            models.UniqueConstraint(
                fields=["came_with"],
                name="account_once_per_customer_came_with",
                violation_error_message="The customer already has a billing account.",
            ),
            models.CheckConstraint(
                condition=Q(tax_rate=None) | Q(tax_rate__gte=0, tax_rate__lte=100),
                name="account_tax_rate_in_range",
                violation_error_message="Enter a tax rate from 0 to 100.",
            ),
            models.CheckConstraint(
                condition=Q(payment_terms_days=None) | Q(payment_terms_days__lte=3650),
                name="account_payment_terms_in_range",
                violation_error_message="Enter at most 3,650 days.",
            ),
        ]

    def __str__(self) -> str:
        return f"Billing account of {self.customer}"


class Entity(ListItem):
    """A part of a customer with balances of its own: a seat, a workspace, a site."""

    id = TypedIdField(prefix="ent", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="entities")
    entity_id = models.CharField("entity ID", max_length=255, null=True, blank=True)
    name = models.CharField(null=True, blank=True)
    customer_external_id = models.CharField(
        "customer's external ID", max_length=255, null=True, blank=True, editable=False
    )
    feature = models.ForeignKey(
        Feature, on_delete=models.PROTECT, null=True, blank=True, related_name="entities"
    )
    env = models.CharField("environment", max_length=10, choices=Environment, default=Environment.LIVE)
    created_at = models.DateTimeField(default=clock.now)
    removed_at = models.DateTimeField(
        null=True, blank=True, help_text="When the billing platform stopped listing it."
    )

    history = HistoricalRecords(no_db_index=["came_with", "feature"])

    class Meta:
        ordering = ["position", "id"]
        verbose_name_plural = "entities"
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "entity_id"],
                condition=Q(came_with=None),
                name="entity_id_once_per_customer",
                violation_error_message="The customer already has an entity with this ID.",
            ),
            models.UniqueConstraint(
                fields=["came_with", "entity_id"],
                name="entity_id_once_per_customer_came_with",
                violation_error_message="The customer already has an entity with this ID.",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.entity_id or str(self.pk)
