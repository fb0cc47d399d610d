"""The ledger: why every figure of every grant and rollover is what it is. Written once, never changed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from billing.models.account import Entity
from billing.models.balance import Grant, Rollover
from billing.models.catalog import Feature
from billing.models.figures import FigureField, bounded, figure
from customers import clock
from customers.models import Customer
from customers.typed_ids import TypedIdField


class Posting(models.Model):
    """One thing that was done to a customer's balances: a use, a reset, an adjustment.

    Its entries say what it changed. A key is used once, for ever: `digest` tells whether a posting that comes
    again under its key says the same, and `answer` is what was answered the first time.
    """

    class Kind(models.TextChoices):
        GRANT = "grant", "Grant"
        USAGE = "usage", "Usage"
        REFUND = "refund", "Refund"
        RESET = "reset", "Reset"
        ROLLOVER = "rollover", "Rollover"
        EXPIRY = "expiry", "Expiry"
        ADJUSTMENT = "adjustment", "Adjustment"
        IMPORT = "import", "Import"
        MERGE = "merge", "Merge"

    id = TypedIdField(prefix="post", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="postings", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)
    feature = models.ForeignKey(
        Feature, on_delete=models.PROTECT, null=True, related_name="postings", db_index=False
    )
    entity = models.ForeignKey(
        Entity, on_delete=models.PROTECT, null=True, related_name="postings", db_index=False
    )
    amount = figure(null=True, help_text="What was asked for, in units of the feature.")
    occurred_at = models.DateTimeField(help_text="When it happened.")
    recorded_at = models.DateTimeField(default=clock.now, help_text="When we learned of it.")
    done_by = models.CharField(help_text="Who or what did it: a user name, a command, an import.")
    reason = models.CharField(blank=True)
    key = models.CharField("idempotency key", max_length=255, null=True)
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of what came under the key.")
    answer = models.JSONField(null=True)
    reverses = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="reversals", db_index=False
    )

    class Meta:
        ordering = ["-occurred_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                condition=Q(key__isnull=False),
                name="posting_key_once",
                violation_error_message="This idempotency key was used before.",
            ),
            models.UniqueConstraint(
                fields=["reverses"],
                condition=Q(reverses__isnull=False),
                name="posting_reversed_once",
                violation_error_message="This posting was reversed before.",
            ),
            bounded("posting_amount_in_range", "amount", at_least=None),
        ]
        indexes = [
            models.Index(fields=["customer", "occurred_at"], name="posting_by_customer"),
            # Uses may be a thousand times as many as all else.
            models.Index(
                fields=["customer", "occurred_at"],
                condition=~Q(kind__in=["usage", "refund"]),
                name="posting_but_uses_by_customer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.occurred_at:%Y-%m-%d %H:%M}"


class LedgerEntry(models.Model):
    """One change of one figure of a grant or a rollover: by how much, and what the figure was after it.

    `number` counts the entries of the grant or rollover, from 1. The sum of the entries of a figure is the figure.
    """

    class Figure(models.TextChoices):
        INCLUDED_GRANT = "included_grant", "Included"
        PREPAID_GRANT = "prepaid_grant", "Prepaid"
        USAGE = "usage", "Used"
        GRANTED = "granted", "Carried over"
        LEFT = "left", "Left of what was carried over"

    id = TypedIdField(prefix="led", primary_key=True, editable=False)
    posting = models.ForeignKey(Posting, on_delete=models.PROTECT, related_name="entries")
    grant = models.ForeignKey(
        Grant, on_delete=models.PROTECT, null=True, related_name="ledger", db_index=False
    )
    rollover = models.ForeignKey(
        Rollover, on_delete=models.PROTECT, null=True, related_name="ledger", db_index=False
    )
    figure = models.CharField(max_length=14, choices=Figure)
    number = models.PositiveBigIntegerField()
    amount = FigureField(help_text="What was added to the figure; below zero for what was taken.")
    after = FigureField(help_text="The figure after it.")

    class Meta:
        ordering = ["posting_id", "number"]
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(
                fields=["grant", "number"],
                condition=Q(grant__isnull=False),
                name="entry_number_once_per_grant",
            ),
            models.UniqueConstraint(
                fields=["rollover", "number"],
                condition=Q(rollover__isnull=False),
                name="entry_number_once_per_rollover",
            ),
            models.CheckConstraint(
                condition=Q(
                    grant__isnull=False,
                    rollover__isnull=True,
                    figure__in=["included_grant", "prepaid_grant", "usage"],
                )
                | Q(grant__isnull=True, rollover__isnull=False, figure__in=["granted", "left"]),
                name="entry_of_a_grant_or_a_rollover",
            ),
            bounded("entry_figures_in_range", "amount", "after", at_least=None),
        ]
        indexes = [
            models.Index(
                fields=["grant", "figure", "number"],
                condition=Q(grant__isnull=False),
                name="entry_by_figure_of_grant",
            ),
            models.Index(
                fields=["rollover", "figure", "number"],
                condition=Q(rollover__isnull=False),
                name="entry_by_figure_of_rollover",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_figure_display()} {self.amount.normalize():+f}"

    @property
    def owner(self) -> Grant | Rollover:
        """The row whose figure it changed."""
        if self.grant is not None:
            return self.grant
        if self.rollover is not None:
            return self.rollover
        raise ValueError("An entry is of a grant or of a rollover.")
