"""What a customer was billed. Amounts are whole minor units of the invoice's currency."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from billing.models.catalogue import Plan
from billing.models.figures import bounded, figure
from customers import clock
from customers.models import Customer, Listed
from customers.typed_ids import TypedIdField


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    """Invoices, asked for in the business's words."""

    def unpaid(self) -> Self:
        """Issued ones that still wait for money."""
        return self.filter(status=Invoice.Status.OPEN, removed_at=None)

    def overdue(self) -> Self:
        """Unpaid ones past their due date."""
        return self.unpaid().filter(due_at__lt=clock.now())


class Invoice(Listed):
    """An invoice. Its total is the sum of its lines, in minor units of `currency`."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        OPEN = "open", "Open"
        PAID = "paid", "Paid"
        VOID = "void", "Void"
        UNCOLLECTIBLE = "uncollectible", "Uncollectible"

    id = TypedIdField(prefix="inv", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="invoices")
    stripe_id = models.CharField("Stripe id", max_length=255, blank=True)
    status = models.CharField(
        max_length=50, help_text="As the source states it: draft, open, paid, void or uncollectible."
    )
    currency = models.CharField(max_length=3, help_text="ISO 4217, such as USD.")
    currency_as_sent = models.CharField(max_length=3, blank=True, editable=False)
    total = models.BigIntegerField(
        help_text="In minor units: cents for USD, whole yen for JPY, fils for KWD."
    )
    plan_ids = models.JSONField(default=list, blank=True, help_text="The plans that were billed.")
    plans = models.ManyToManyField(Plan, blank=True, related_name="invoices")
    hosted_invoice_url = models.CharField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when the billing platform no longer lists it."
    )

    history = HistoricalRecords()
    objects = InvoiceQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "stripe_id"],
                condition=~Q(stripe_id=""),
                name="invoice_stripe_id_once_per_customer",
                violation_error_message="The customer has an invoice with this Stripe id already.",
            ),
            models.CheckConstraint(condition=Q(currency__regex="^[A-Z]{3}$"), name="invoice_currency_iso"),
        ]
        indexes = [models.Index(fields=["status", "due_at"], name="invoice_by_due_date")]

    def __str__(self) -> str:
        return self.stripe_id or str(self.pk)


class InvoiceLine(models.Model):
    """One line of an invoice, in its invoice's currency."""

    id = TypedIdField(prefix="line", primary_key=True, editable=False)
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField(default=0, editable=False)
    description = models.CharField()
    quantity = figure(default=1)
    amount = models.BigIntegerField(
        help_text="In minor units of the invoice's currency; negative for a credit."
    )

    class Meta:
        ordering = ["position", "id"]
        constraints = [bounded("invoice_line_quantity_in_range", "quantity", at_least=None)]

    def __str__(self) -> str:
        return self.description
