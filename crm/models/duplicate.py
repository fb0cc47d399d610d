"""Possible duplicates: pairs that a sweep found, the decisions on them, and the clusters that they form."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from customers import clock
from customers.models import Customer
from customers.typed_ids import TypedIdField


class DuplicateCluster(models.Model):
    """Customers connected by open pairs, reviewed together. `first` is the customer with the lowest ID."""

    id = TypedIdField(prefix="clu", primary_key=True, editable=False)
    first = models.OneToOneField(Customer, on_delete=models.CASCADE, related_name="duplicate_cluster")
    size = models.PositiveIntegerField(help_text="Number of customers.")
    score = models.FloatField(help_text="The highest score of its pairs, from 0 to 1.")
    found_at = models.DateTimeField("found", help_text="When the first pair was found.")

    class Meta:
        ordering = ["-score", "-id"]
        verbose_name = "possible duplicate"
        constraints = [
            models.CheckConstraint(condition=Q(size__gte=2), name="duplicate_cluster_holds_two"),
            models.CheckConstraint(
                condition=Q(score__gte=0, score__lte=1), name="duplicate_cluster_score_in_range"
            ),
        ]

    def __str__(self) -> str:
        others = self.size - 1
        return f"{self.first} and {others} {'other' if others == 1 else 'others'}"


class DuplicatePairQuerySet(models.QuerySet["DuplicatePair"]):
    def waiting(self) -> Self:
        """Pairs without a decision."""
        return self.filter(decision=DuplicatePair.Decision.OPEN)

    def due_again(self, now: datetime) -> Self:
        """Pairs that were snoozed until `now` or earlier."""
        return self.filter(decision=DuplicatePair.Decision.LATER, later_until__lte=now)


class DuplicatePair(models.Model):
    """Two customers that may be one; `a` has the lower ID. Sweeps never change a decision."""

    class Decision(models.TextChoices):
        OPEN = "open", "Open"
        LATER = "later", "Snoozed"
        NOT_DUPLICATES = "not_duplicates", "Not duplicates"
        MERGED = "merged", "Merged"

    id = TypedIdField(prefix="dup", primary_key=True, editable=False)
    a = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="duplicate_pairs_as_a")
    b = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="duplicate_pairs_as_b")
    cluster = models.ForeignKey(
        DuplicateCluster, on_delete=models.SET_NULL, null=True, editable=False, related_name="pairs"
    )
    score = models.FloatField(help_text="How likely it is that both are one customer, from 0 to 1.")
    reasons = models.JSONField(
        "evidence", default=list, help_text="Reasons for a duplicate first, then against."
    )
    terms = models.JSONField(
        default=list, editable=False, help_text="What the score was computed from: rule, factor, crowd."
    )
    weights_version = models.PositiveSmallIntegerField(
        default=1, editable=False, help_text="The version of the weights that the score was computed with."
    )
    found_at = models.DateTimeField("first found", default=clock.now)
    swept_at = models.DateTimeField("last found", default=clock.now)
    decision = models.CharField(max_length=20, choices=Decision, default=Decision.OPEN)
    later_until = models.DateTimeField(
        "snoozed until", null=True, blank=True, help_text="The first sweep after this time reopens the pair."
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="duplicates_decided",
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = DuplicatePairQuerySet.as_manager()

    class Meta:
        ordering = ["-score", "-id"]
        verbose_name = "duplicate pair"
        constraints = [
            models.UniqueConstraint(fields=["a", "b"], name="duplicate_pair_once"),
            models.CheckConstraint(condition=Q(a__lt=F("b")), name="duplicate_pair_in_order"),
            models.CheckConstraint(
                condition=Q(score__gte=0, score__lte=1), name="duplicate_pair_score_in_range"
            ),
            models.CheckConstraint(
                condition=Q(decision__in=["open", "later", "not_duplicates", "merged"]),
                name="duplicate_pair_decision_known",
            ),
            models.CheckConstraint(
                condition=Q(decision="later", later_until__isnull=False)
                | (~Q(decision="later") & Q(later_until=None)),
                name="duplicate_pair_later_has_a_time",
            ),
        ]
        indexes = [models.Index(fields=["decision", "-score"], name="duplicate_pair_waiting")]

    def __str__(self) -> str:
        return f"{self.a} and {self.b}"
