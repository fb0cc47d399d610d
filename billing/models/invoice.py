"""What a customer was billed. Amounts are whole minor units of the invoice's currency."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from billing.models.catalog import Feature, Plan
from billing.models.figures import bounded, figure
from billing.models.subscription import Subscription
from customers import clock
from customers.models import Customer, Listed
from customers.typed_ids import TypedIdField


class InvoiceSeries(models.Model):
    """A run of numbers without gaps: one for invoices, one for credit notes."""

    prefix = models.CharField(primary_key=True, max_length=20)
    last_number = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "invoice series"

    def __str__(self) -> str:
        return self.prefix


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    """The conditions on invoices that more than one page or rule uses."""

    def unpaid(self) -> Self:
        """Issued ones that still wait for money."""
        return self.filter(status=Invoice.Status.OPEN, removed_at=None)

    def overdue(self, at: datetime | None = None) -> Self:
        """Unpaid ones that should have been paid by `at`, or by now."""
        return self.unpaid().filter(due_at__lte=at or clock.now())

    def due_to_mark(self, at: datetime) -> Self:
        """Unpaid ones whose subscription becomes past due by `at`: active, billed here, and not marked yet.

        `UnitOfWork.due_events` is the reference.
        """
        return self.overdue(at).filter(
            subscription__status=Subscription.Status.ACTIVE,
            subscription__past_due=False,
            subscription__billed_here=True,
        )


class Invoice(Listed):
    """An invoice. Its total is the sum of its lines, in minor units of `currency`.

    One that was raised here gets its `number` when it is issued, and never changes from then on but in what was
    paid and how it ended. Of an imported one, only the total is known.
    """

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
    number = models.CharField(
        max_length=40, blank=True, editable=False, help_text="Given when it is issued, without gaps."
    )
    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, null=True, blank=True, related_name="invoices"
    )
    period_start = models.DateTimeField(null=True, blank=True)
    period_end = models.DateTimeField(null=True, blank=True)
    issued_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was paid in full, voided or given up."
    )
    paid = models.BigIntegerField(default=0, help_text="What was paid of it so far, in minor units.")
    credited = models.BigIntegerField(default=0, help_text="What credit notes took off, in minor units.")
    tax_rate = figure(null=True, blank=True, help_text="Per cent.")
    no_tax_reason = models.CharField("reason for no tax", blank=True)
    bill_to = models.JSONField(
        default=dict, blank=True, help_text="Name, address and tax id as they were when it was issued."
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
                condition=~Q(stripe_id="") & Q(came_with=None),
                name="invoice_stripe_id_once_per_customer",
                violation_error_message="The customer has an invoice with this Stripe id already.",
            ),
            models.UniqueConstraint(
                fields=["came_with", "stripe_id"],
                condition=~Q(stripe_id=""),
                name="invoice_stripe_id_once_per_customer_came_with",
                violation_error_message="The customer has an invoice with this Stripe id already.",
            ),
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="invoice_number_once"),
            models.CheckConstraint(condition=Q(currency__regex="^[A-Z]{3}$"), name="invoice_currency_iso"),
        ]
        indexes = [
            models.Index(fields=["status", "due_at"], name="invoice_by_due_date"),
            models.Index(fields=["stripe_id"], condition=~Q(stripe_id=""), name="invoice_by_stripe_id"),
        ]

    def __str__(self) -> str:
        return self.number or self.shown_id

    @property
    def shown_id(self) -> str:
        """The id that the billing document shows."""
        return self.stripe_id or self.number or str(self.pk)

    @property
    def due(self) -> int:
        """What is still to be paid, in minor units."""
        return self.total - self.paid - self.credited


class InvoiceLine(models.Model):
    """One line of an invoice, in its invoice's currency."""

    class Kind(models.TextChoices):
        BASE = "base", "Base price"
        PREPAID = "prepaid", "Bought ahead"
        USAGE = "usage", "Used beyond the grant"
        PRORATION = "proration", "Part of a period"
        CREDIT = "credit", "Credit"
        DISCOUNT = "discount", "Discount"
        TAX = "tax", "Tax"

    id = TypedIdField(prefix="line", primary_key=True, editable=False)
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField(default=0, editable=False)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.BASE)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    period_start = models.DateTimeField(null=True, blank=True)
    period_end = models.DateTimeField(null=True, blank=True)
    description = models.CharField()
    quantity = figure(default=1)
    amount = models.BigIntegerField(
        help_text="In minor units of the invoice's currency; negative for a credit."
    )
    discount_key = TypedIdField(
        prefix="disc",
        null=True,
        blank=True,
        editable=False,
        help_text="The discount that made it. Imports may take that away; the line stays.",
    )

    class Meta:
        ordering = ["position", "id"]
        constraints = [bounded("invoice_line_quantity_in_range", "quantity", at_least=None)]

    def __str__(self) -> str:
        return self.description


class Payment(models.Model):
    """Money that was received for an invoice, noted here; nothing is moved."""

    id = TypedIdField(prefix="pay", primary_key=True, editable=False)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="payments")
    amount = models.BigIntegerField(help_text="In minor units of the invoice's currency.")
    paid_at = models.DateTimeField(default=clock.now)
    reference = models.CharField(blank=True, help_text="Such as the bank's reference.")
    recorded_by = models.CharField(blank=True)
    recorded_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["paid_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0),
                name="payment_above_zero",
                violation_error_message="A payment is above zero.",
            ),
        ]

    def __str__(self) -> str:
        return f"Payment of {self.paid_at:%Y-%m-%d}"


class CreditNote(models.Model):
    """What corrects an issued invoice: it takes `total` off it, and never changes either."""

    id = TypedIdField(prefix="cn", primary_key=True, editable=False)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="credit_notes")
    number = models.CharField(max_length=40, unique=True, help_text="Given when it is issued, without gaps.")
    total = models.BigIntegerField(help_text="In minor units of the invoice's currency, tax included.")
    tax = models.BigIntegerField(default=0, help_text="How much of the total is tax.")
    reason = models.CharField()
    issued_at = models.DateTimeField(default=clock.now)
    issued_by = models.CharField(blank=True)

    class Meta:
        ordering = ["issued_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(total__gt=0),
                name="credit_note_above_zero",
                violation_error_message="A credit note is above zero.",
            ),
        ]

    def __str__(self) -> str:
        return self.number
