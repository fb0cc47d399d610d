"""The ledger: every change of every figure of grants and rollovers. Append-only."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from billing.models.account import Entity
from billing.models.balance import Grant, Rollover
from billing.models.catalog import Feature
from billing.models.figures import FigureField, bounded, figure
from customers import clock
from customers.formats import moment, number
from customers.models import Customer
from customers.typed_ids import TypedIdField


class Posting(models.Model):
    """One change of a customer's balances, such as a usage, a reset or an adjustment: a ledger entry on pages.

    Its `entries` are the figures that it changed. An idempotency key is used once, ever. `digest` shows whether a
    request repeated under its key is the same one, and `answer` is the response to the first.
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
    amount = figure(null=True, help_text="The amount requested, in units of the feature.")
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=clock.now, help_text="When it was recorded here.")
    done_by = models.CharField(help_text="A user, a command or an import.")
    reason = models.CharField(blank=True)
    key = models.CharField("idempotency key", max_length=255, null=True)
    digest = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of the request sent with the key."
    )
    answer = models.JSONField("response", null=True)
    reverses = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="reversals", db_index=False
    )

    class Meta:
        ordering = ["-occurred_at", "-id"]
        verbose_name = "ledger entry"
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                condition=Q(key__isnull=False),
                name="posting_key_once",
                violation_error_message="This idempotency key was already used.",
            ),
            models.UniqueConstraint(
                fields=["reverses"],
                condition=Q(reverses__isnull=False),
                name="posting_reversed_once",
                violation_error_message="This ledger entry was already reversed.",
            ),
            bounded("posting_amount_in_range", "amount", at_least=None),
        ]
        indexes = [
            models.Index(fields=["customer", "occurred_at"], name="posting_by_customer"),
            # Usage may outnumber all other kinds a thousandfold.
            models.Index(
                fields=["customer", "occurred_at"],
                condition=~Q(kind__in=["usage", "refund"]),
                name="posting_but_uses_by_customer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {moment(self.occurred_at)}"


class LedgerEntry(models.Model):
    """One change of one figure of a grant or a rollover, and the figure after it: a ledger line on pages.

    `number` counts the entries of the grant or rollover, from 1. A figure is always the sum of its entries.
    """

    class Figure(models.TextChoices):
        INCLUDED_GRANT = "included_grant", "Included"
        PREPAID_GRANT = "prepaid_grant", "Prepaid"
        USAGE = "usage", "Used"
        GRANTED = "granted", "Carried over"
        LEFT = "left", "Remaining of what was carried over"

    id = TypedIdField(prefix="led", primary_key=True, editable=False)
    posting = models.ForeignKey(
        Posting, on_delete=models.PROTECT, related_name="entries", verbose_name="ledger entry"
    )
    grant = models.ForeignKey(
        Grant, on_delete=models.PROTECT, null=True, related_name="ledger", db_index=False
    )
    rollover = models.ForeignKey(
        Rollover, on_delete=models.PROTECT, null=True, related_name="ledger", db_index=False
    )
    figure = models.CharField(max_length=14, choices=Figure)
    number = models.PositiveBigIntegerField()
    amount = FigureField("change", help_text="Negative for a deduction.")
    after = FigureField(help_text="The figure after the change.")

    class Meta:
        ordering = ["posting_id", "number"]
        verbose_name = "ledger line"
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
        sign = "+" if self.amount >= 0 else ""
        return f"{self.get_figure_display()} {sign}{number(self.amount)}"

    @property
    def owner(self) -> Grant | Rollover:
        """The grant or rollover whose figure it changed."""
        if self.grant is not None:
            return self.grant
        if self.rollover is not None:
            return self.rollover
        raise ValueError("A ledger entry belongs to a grant or a rollover.")
