"""Health scores: 0 to 100 with their signals, one row for each day on which something changed."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q

from customers.models import Customer, CustomerRow
from customers.typed_ids import TypedIdField


class HealthScoreQuerySet(models.QuerySet["HealthScore"]):
    def own(self) -> Self:
        """Scores of the customers themselves, without those of customers merged into them."""
        return self.filter(came_with=None)

    def in_force(self) -> Self:
        """The current score of each customer."""
        return self.own().filter(is_latest=True)


class HealthScore(CustomerRow):
    """The score of a customer from `day` until the next row. A row is written only when something changed.

    `parts` has the name, points, maximum and explanation of each signal.
    """

    #: Derived from other rows, which are the change.
    changes_customer_of = None

    id = TypedIdField(prefix="hlth", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="health_scores")
    day = models.DateField()
    at = models.DateTimeField("calculated")
    score = models.PositiveSmallIntegerField()
    parts = models.JSONField("signals", default=list)
    is_latest = models.BooleanField(default=True, editable=False)

    objects = HealthScoreQuerySet.as_manager()

    class Meta:
        ordering = ["-day", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "day"], condition=Q(came_with=None), name="health_score_once_a_day"
            ),
            models.UniqueConstraint(fields=["came_with", "day"], name="health_score_once_a_day_came_with"),
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(is_latest=True, came_with=None),
                name="health_score_one_in_force",
            ),
            models.CheckConstraint(condition=Q(score__lte=100), name="health_score_in_range"),
        ]
        indexes = [
            models.Index(
                fields=["score", "customer"],
                condition=Q(is_latest=True, came_with=None),
                name="health_score_by_score",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.score} of 100"
