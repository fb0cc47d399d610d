"""Segments: saved filters of customers."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from customers import clock
from customers.typed_ids import TypedIdField


class SegmentQuerySet(models.QuerySet["Segment"]):
    def shared(self) -> Self:
        return self.filter(is_shared=True)

    def usable_by(self, user: Any) -> Self:
        """Segments that `user` may use: shared ones and their own; only shared ones for None."""
        return self.shared() if user is None else self.filter(Q(is_shared=True) | Q(owner=user))


class Segment(models.Model):
    """A saved filter: `query` has the parameters of the filtered list's URL."""

    id = TypedIdField(prefix="seg", primary_key=True, editable=False)
    name = models.CharField(max_length=100, help_text="For example, “Northern pilots”.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="segments"
    )
    is_shared = models.BooleanField(
        "shared", default=False, help_text="Everyone can use it. Only its owner can change it."
    )
    query = models.JSONField(default=dict, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = SegmentQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "name"],
                name="segment_name_once_per_owner",
                violation_error_message="You already have a segment with this name.",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="segment_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name
