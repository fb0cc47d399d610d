"""Merges of two customers into one, with all that it takes to undo them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from customers import clock
from customers.models import Customer
from customers.typed_ids import TypedIdField


class MergeQuerySet(models.QuerySet["Merge"]):
    def standing(self, at: datetime | None = None) -> Self:
        """Merges that aren't undone; with `at`, those in force at that moment."""
        if at is None:
            return self.filter(undone_at=None)
        return self.filter(made_at__lte=at).filter(Q(undone_at=None) | Q(undone_at__gt=at))

    def origin_ids_of(self, customer: Customer | str, at: datetime | None = None) -> set[str]:
        """The key of `customer`, and those of all that were part of it at `at` (None: now), at any depth.

        One query for each level of merges.
        """
        first = customer if isinstance(customer, str) else str(customer.pk)
        return self.origin_ids_of_each([first], at)[first]

    def origin_ids_of_each(
        self, customer_ids: Collection[str], at: datetime | None = None
    ) -> dict[str, set[str]]:
        """What `origin_ids_of` returns, by key, for several customers; in the same number of queries."""
        found_ids = {key: {key} for key in customer_ids}
        owners = {key: {key} for key in customer_ids}
        while owners:
            below: dict[str, set[str]] = {}
            found = self.standing(at).filter(survivor__in=owners).values_list("survivor", "other")
            for survivor, other in found:
                for owner in owners[survivor]:
                    if other not in found_ids[owner]:
                        found_ids[owner].add(other)
                        below.setdefault(other, set()).add(owner)
            owners = below
        return found_ids


class Merge(models.Model):
    """One customer merged into another. An undo restores `changes` and moves back the rows that `came_with` it.

    Merging several customers into one makes a row for each of them, all with the same `made_at`.
    """

    id = TypedIdField(prefix="merge", primary_key=True, editable=False)
    survivor = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="merges")
    other = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="merges_away")
    made_at = models.DateTimeField(default=clock.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    changes = models.JSONField(
        default=dict,
        help_text="What an undo restores: values before and after, and rows that the merge set aside.",
    )

    objects = MergeQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at", "-id"]
        default_permissions = ("view",)
        permissions = [("merge_customers", "Can merge customers and undo it")]
        constraints = [
            models.CheckConstraint(condition=~Q(survivor=F("other")), name="merge_of_two_customers"),
            models.CheckConstraint(
                condition=Q(undone_at=None) | Q(undone_at__gte=F("made_at")), name="merge_undone_after_it"
            ),
            models.UniqueConstraint(
                fields=["other"], condition=Q(undone_at=None), name="merge_stands_once_per_customer"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.other} into {self.survivor}"
