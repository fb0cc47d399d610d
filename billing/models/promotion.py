"""Promotions: trial history, discounts and referrals."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from billing.models.catalog import Plan
from billing.models.figures import bounded, figure
from customers import clock
from customers.models import Customer, ListItem
from customers.typed_ids import TypedIdField


class TrialUsed(ListItem):
    """A trial that a customer had. Each customer gets a plan's trial once."""

    id = TypedIdField(prefix="trial", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="trials_used")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="trials_used")
    customer_external_id = models.CharField(
        "customer's external ID",
        max_length=255,
        help_text="The customer who had the trial, in the billing document.",
    )
    fingerprint = models.CharField(max_length=255, null=True, blank=True, db_index=True)

    history = HistoricalRecords(no_db_index=["came_with", "plan", "fingerprint"])

    class Meta:
        ordering = ["position", "id"]
        verbose_name = "used trial"
        verbose_name_plural = "trial history"

    def __str__(self) -> str:
        return f"Trial of {self.plan}"


class Discount(ListItem):
    """A reduction of what a customer pays."""

    class Type(models.TextChoices):
        PERCENTAGE = "percentage_discount", "Percentage"
        FIXED = "fixed_discount", "Fixed amount"
        FREE_PRODUCT = "free_product", "Free product"
        INVOICE_CREDITS = "invoice_credits", "Invoice credits"

    class Duration(models.TextChoices):
        ONE_OFF = "one_off", "Once"
        MONTHS = "months", "Months"
        FOREVER = "forever", "Forever"

    id = TypedIdField(prefix="disc", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="discounts")
    discount_id = models.CharField("discount ID", max_length=255)
    name = models.CharField()
    type = models.CharField(max_length=20, choices=Type)
    discount_value = figure("value", help_text="A percentage, or an amount in the discount's currency.")
    duration_type = models.CharField("duration", max_length=10, choices=Duration)
    duration_value = figure("number of months", null=True, blank=True)
    currency = models.CharField(max_length=3, null=True, blank=True)
    start = models.DateTimeField(null=True, blank=True)
    end = models.DateTimeField(null=True, blank=True)
    subscription_id = models.CharField("subscription ID", max_length=255, null=True, blank=True)
    total_discount_amount = figure("total discount", null=True, blank=True)
    spent = figure(default=0, editable=False, help_text="Used by invoices, in the discount's currency.")
    times_used = models.PositiveIntegerField(default=0, editable=False)

    history = HistoricalRecords(no_db_index=["came_with"])

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            bounded(
                "discount_figures_in_range",
                "discount_value",
                "duration_value",
                "total_discount_amount",
                at_least=None,
            ),
            models.CheckConstraint(
                condition=Q(
                    type__in=["percentage_discount", "fixed_discount", "free_product", "invoice_credits"]
                ),
                name="discount_type_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Referral(ListItem):
    """A new customer whom this customer referred."""

    id = TypedIdField(prefix="ref", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="referrals")
    program_id = models.CharField("program ID", max_length=255)
    referred_id = models.CharField("referred customer's ID", max_length=255)
    referred_name = models.CharField("referred customer's name", null=True, blank=True)
    referred_email = models.CharField("referred customer's email", null=True, blank=True)
    reward_applied = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)

    history = HistoricalRecords(no_db_index=["came_with"])

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.referred_name or self.referred_id
