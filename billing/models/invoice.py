"""Invoices, their lines, payments and credit notes. Amounts are whole minor units of the invoice's currency."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Greatest
from simple_history.models import HistoricalRecords

from billing.models.catalog import Feature, Plan
from billing.models.figures import bounded, figure
from billing.models.subscription import Subscription
from customers import clock
from customers.formats import day
from customers.models import Customer, ListItem
from customers.models.orders import words
from customers.typed_ids import TypedIdField


class InvoiceSeries(models.Model):
    """A gapless run of numbers: one for invoices, one for credit notes."""

    prefix = models.CharField(primary_key=True, max_length=20)
    last_number = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "invoice series"

    def __str__(self) -> str:
        return self.prefix


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    """The conditions on invoices that more than one page or rule uses."""

    def unpaid(self) -> Self:
        """Issued, not closed, and still listed by the billing platform."""
        return self.filter(status=Invoice.Status.OPEN, removed_at=None)

    def billed(self) -> Self:
        """Invoices that billed something: issued, not void, still listed by the billing platform, above 0."""
        unbilled = (Invoice.Status.DRAFT, Invoice.Status.VOID)
        return self.filter(removed_at=None, total__gt=0).exclude(status__in=unbilled)

    def overdue(self, at: datetime | None = None) -> Self:
        """Unpaid invoices with a due date of `at` (default: now) or earlier. Pages call them past due."""
        return self.unpaid().filter(due_at__lte=at or clock.now())

    def with_amount_due(self) -> Self:
        """Annotate unpaid invoices with `amount_due`: `Invoice.due`, or 0 if more was paid or credited than billed."""
        due = F("total") - F("paid") - F("credited")
        return self.annotate(amount_due=Greatest(due, Value(0), output_field=models.BigIntegerField()))

    def due_to_mark(self, at: datetime) -> Self:
        """Unpaid invoices that make their subscription past due by `at`: it is active, billed here, and not marked yet.

        `UnitOfWork.due_events` is the reference.
        """
        return self.overdue(at).filter(
            subscription__status=Subscription.Status.ACTIVE,
            subscription__past_due=False,
            subscription__billed_here=True,
        )


class Invoice(ListItem):
    """An invoice. Its total is the sum of its lines, in minor units of `currency`.

    One raised here gets its `number` when it is issued. From then on only its payments, credits and status change.
    For an imported one, only the total is known.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        OPEN = "open", "Open"
        PAID = "paid", "Paid"
        VOID = "void", "Void"
        UNCOLLECTIBLE = "uncollectible", "Uncollectible"

    id = TypedIdField(prefix="inv", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="invoices")
    stripe_id = models.CharField("Stripe ID", max_length=255, blank=True)
    status = models.CharField(
        max_length=50, help_text="As received: draft, open, paid, void or uncollectible."
    )
    currency = models.CharField(max_length=3, help_text="An ISO 4217 code, such as USD.")
    currency_as_sent = models.CharField(max_length=3, blank=True, editable=False)
    total = models.BigIntegerField(
        help_text="In minor units: cents for USD, whole yen for JPY, fils for KWD."
    )
    number = models.CharField(
        max_length=40, blank=True, editable=False, help_text="Assigned when the invoice is issued."
    )
    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, null=True, blank=True, related_name="invoices"
    )
    period_start = models.DateTimeField(null=True, blank=True)
    period_end = models.DateTimeField(null=True, blank=True)
    issued_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was paid in full, voided or marked uncollectible."
    )
    paid = models.BigIntegerField(default=0, help_text="Paid so far, in minor units.")
    credited = models.BigIntegerField(default=0, help_text="Credited by credit notes, in minor units.")
    tax_rate = figure(null=True, blank=True, help_text="A percentage.")
    no_tax_reason = models.CharField("reason for no tax", blank=True)
    bill_to = models.JSONField(
        default=dict, blank=True, help_text="Name, address and tax ID when it was issued."
    )
    bill_from = models.JSONField(
        null=True, blank=True, editable=False, help_text="The seller's details when it was issued."
    )
    plan_ids = models.JSONField("plan IDs", default=list, blank=True, help_text="The plans billed.")
    plans = models.ManyToManyField(Plan, blank=True, related_name="invoices")
    hosted_invoice_url = models.CharField("hosted invoice URL", null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(
        null=True, blank=True, help_text="When the billing platform stopped listing it."
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
                violation_error_message="The customer already has an invoice with this Stripe ID.",
            ),
            models.UniqueConstraint(
                fields=["came_with", "stripe_id"],
                condition=~Q(stripe_id=""),
                name="invoice_stripe_id_once_per_customer_came_with",
                violation_error_message="The customer already has an invoice with this Stripe ID.",
            ),
            models.UniqueConstraint(fields=["number"], condition=~Q(number=""), name="invoice_number_once"),
            models.CheckConstraint(condition=Q(currency__regex="^[A-Z]{3}$"), name="invoice_currency_iso"),
        ]
        indexes = [
            models.Index(fields=["status", "due_at"], name="invoice_by_due_date"),
            models.Index(fields=["due_at", "id"], name="invoice_listed_by_due_date"),
            models.Index(fields=["created_at", "id"], name="invoice_listed_by_creation"),
            models.Index(words("number"), "id", name="invoice_listed_by_number"),
            models.Index(fields=["stripe_id"], condition=~Q(stripe_id=""), name="invoice_by_stripe_id"),
        ]

    def __str__(self) -> str:
        return self.number or self.shown_id

    @property
    def shown_id(self) -> str:
        """The ID in the billing document."""
        return self.stripe_id or self.number or str(self.pk)

    @property
    def due(self) -> int:
        """The amount due, in minor units; negative when more was paid or credited than billed."""
        return self.total - self.paid - self.credited

    @property
    def is_owed(self) -> bool:
        """Whether `due` means something: of a draft and a void invoice nothing is due, and of an imported one that is
        closed, what was paid is unknown."""
        status, states = self.status, Invoice.Status
        if not self.number:
            return status in (states.OPEN, states.UNCOLLECTIBLE) and self.imported
        return status not in (states.DRAFT, states.VOID)


class InvoiceLine(models.Model):
    """One line of an invoice, in its invoice's currency."""

    class Kind(models.TextChoices):
        BASE = "base", "Base price"
        PREPAID = "prepaid", "Prepaid"
        USAGE = "usage", "Overage"
        PRORATION = "proration", "Proration"
        CREDIT = "credit", "Credit"
        DISCOUNT = "discount", "Discount"
        TAX = "tax", "Tax"

    changes_customer_of = "invoice"

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
    discounted = models.BigIntegerField(
        default=0, help_text="What discounts took off before tax, in minor units."
    )
    gives_back = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="given_back_by",
        help_text="The line of which this one gives unused time back.",
    )
    # No foreign key: an import may remove the discount, and the line stays.
    discount_key = TypedIdField(
        prefix="disc",
        null=True,
        blank=True,
        editable=False,
        help_text="The discount behind the line.",
    )

    class Meta:
        ordering = ["position", "id"]
        constraints = [bounded("invoice_line_quantity_in_range", "quantity", at_least=None)]

    def __str__(self) -> str:
        return self.description


class PaymentQuerySet(models.QuerySet["Payment"]):
    """The condition on payments that more than one rule uses."""

    def counted(self) -> Self:
        """Payments that were not reversed. Their sum is what is paid of an invoice."""
        return self.filter(reversal=None)


class Payment(models.Model):
    """Money received for an invoice. Recording it here moves no money."""

    changes_customer_of = "invoice"

    # IDs once began with "pay", the prefix of received payloads, and are still found by it.
    id = TypedIdField(prefix="pmt", also=("pay",), primary_key=True, editable=False)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="payments")
    amount = models.BigIntegerField(help_text="In minor units of the invoice's currency.")
    paid_at = models.DateTimeField(default=clock.now)
    reference = models.CharField(blank=True, help_text="For example, the bank reference.")
    recorded_by = models.CharField(blank=True)
    recorded_at = models.DateTimeField(default=clock.now)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        ordering = ["paid_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0),
                name="payment_above_zero",
                violation_error_message="Enter an amount above 0.",
            ),
        ]

    def __str__(self) -> str:
        return f"Payment of {day(self.paid_at)}"


class PaymentReversal(models.Model):
    """Takes back a payment that bounced or was recorded by mistake. The payment stays in the list, and no longer counts."""

    # The invoice changes with it, so the outbox has the customer.
    changes_customer_of = None

    id = TypedIdField(prefix="pmtrev", primary_key=True, editable=False)
    payment = models.OneToOneField(Payment, on_delete=models.PROTECT, related_name="reversal")
    reason = models.CharField()
    reversed_at = models.DateTimeField(default=clock.now)
    reversed_by = models.CharField(blank=True)

    class Meta:
        ordering = ["reversed_at", "id"]

    def __str__(self) -> str:
        return f"Reversal of {day(self.reversed_at)}"


class CreditNote(models.Model):
    """A correction of an issued invoice: it reduces the amount due by `total`, and never changes."""

    changes_customer_of = "invoice"

    id = TypedIdField(prefix="cn", primary_key=True, editable=False)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="credit_notes")
    number = models.CharField(max_length=40, unique=True, help_text="Assigned when it is issued.")
    total = models.BigIntegerField(help_text="In minor units of the invoice's currency, tax included.")
    tax = models.BigIntegerField(default=0, help_text="The part of the total that is tax.")
    reason = models.CharField()
    issued_at = models.DateTimeField(default=clock.now)
    issued_by = models.CharField(blank=True)

    class Meta:
        ordering = ["issued_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(total__gt=0),
                name="credit_note_above_zero",
                violation_error_message="Enter an amount above 0.",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class InvoiceEmail(models.Model):
    """An email with an invoice, a credit note or a receipt attached, and whether the mail server took it."""

    class Status(models.TextChoices):
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"

    # No document shows it.
    changes_customer_of = None

    id = TypedIdField(prefix="mail", primary_key=True, editable=False)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="emails")
    attachment = models.CharField(help_text="The name of the attached file.")
    recipients = models.JSONField(default=list)
    subject = models.CharField()
    text = models.TextField()
    status = models.CharField(max_length=10, choices=Status, default=Status.SENDING)
    error = models.CharField("reason", blank=True, help_text="Why it failed.")
    sent_at = models.DateTimeField(default=clock.now)
    sent_by = models.CharField(blank=True)

    class Meta:
        ordering = ["sent_at", "id"]
        verbose_name = "sent email"

    def __str__(self) -> str:
        return self.subject
