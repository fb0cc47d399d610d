"""Teams of account managers."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models

from customers.typed_ids import TypedIdField


class TeamQuerySet(models.QuerySet["Team"]):
    def of(self, user: Any) -> Self:
        """Teams that `user` is a member of."""
        return self.filter(members=user)


class Team(models.Model):
    """Users who share their accounts. A user may be in any number of teams."""

    id = TypedIdField(prefix="team", primary_key=True, editable=False)
    name = models.CharField(max_length=255, unique=True, help_text="For example, “Northern accounts”.")
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="teams",
        help_text="The team's accounts are the accounts of its members.",
    )

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
