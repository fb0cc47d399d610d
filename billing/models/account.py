"""A customer's account on the billing platform: account facts, entities and billing controls."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from billing.models.catalog import Feature
from billing.models.figures import bounded, figure
from customers import clock
from customers.formats import number
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


class AutoTopup(ListItem):
    """Buys `quantity` more of a feature when its balance falls below `threshold`."""

    id = TypedIdField(prefix="topup", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="auto_topups")
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="auto_topups")
    threshold = figure(help_text="The balance below which more is bought.")
    quantity = figure(help_text="The amount bought each time.")
    enabled = models.BooleanField(null=True, blank=True, help_text="Off when unknown.")
    limit_interval = models.CharField(
        max_length=10,
        choices=[("hour", "Hour"), ("day", "Day"), ("week", "Week"), ("month", "Month")],
        blank=True,
    )
    limit_interval_count = models.PositiveIntegerField(null=True, blank=True)
    limit = figure("purchase limit", null=True, blank=True, help_text="The most purchases in one interval.")

    history = HistoricalRecords(no_db_index=["came_with", "feature"])

    class Meta:
        ordering = ["position", "id"]
        verbose_name = "auto top-up"
        constraints = [bounded("auto_topup_in_range", "threshold", "quantity", "limit", at_least=None)]

    def __str__(self) -> str:
        return f"{number(self.quantity)} {self.feature} below {number(self.threshold)}"


class SpendLimit(ListItem):
    """The most overage that a customer may run up, of one feature or, without `feature`, of each."""

    id = TypedIdField(prefix="limit", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="spend_limits")
    feature = models.ForeignKey(
        Feature, on_delete=models.PROTECT, null=True, blank=True, related_name="spend_limits"
    )
    enabled = models.BooleanField(null=True, blank=True, help_text="Off when unknown.")
    overage_limit = figure(null=True, blank=True)

    history = HistoricalRecords(no_db_index=["came_with", "feature"])

    class Meta:
        ordering = ["position", "id"]
        constraints = [bounded("spend_limit_in_range", "overage_limit", at_least=None)]

    def __str__(self) -> str:
        limit = "no limit" if self.overage_limit is None else number(self.overage_limit)
        return f"{self.feature or 'All features'}: {limit}"


class UsageAlert(ListItem):
    """An alert when usage passes `threshold`: a number of units, or a percentage of the granted amount."""

    class ThresholdType(models.TextChoices):
        USAGE = "usage", "Units used"
        USAGE_PERCENTAGE = "usage_percentage", "Percentage used"

    id = TypedIdField(prefix="alert", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="usage_alerts")
    feature = models.ForeignKey(
        Feature, on_delete=models.PROTECT, null=True, blank=True, related_name="usage_alerts"
    )
    threshold = figure()
    threshold_type = models.CharField(max_length=20, choices=ThresholdType)
    enabled = models.BooleanField(null=True, blank=True, help_text="On when unknown.")
    name = models.CharField(null=True, blank=True)

    history = HistoricalRecords(no_db_index=["came_with", "feature"])

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            bounded("usage_alert_in_range", "threshold", at_least=None),
            models.CheckConstraint(
                condition=Q(threshold_type__in=["usage", "usage_percentage"]), name="usage_alert_type_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"{self.feature or 'All features'} past {number(self.threshold)}"
