"""Teams: account managers who look after customers together."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models

from customers.typed_ids import TypedIdField


class TeamQuerySet(models.QuerySet["Team"]):
    """Teams, asked for in the business's words."""

    def of(self, user: Any) -> Self:
        """Those that `user` is a member of."""
        return self.filter(members=user)


class Team(models.Model):
    """People who look after each other's accounts. Somebody may be in several teams, or in none."""

    id = TypedIdField(prefix="team", primary_key=True, editable=False)
    name = models.CharField(max_length=255, unique=True, help_text="Such as “Northern accounts”.")
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        blank=True,
        related_name="teams",
        help_text="The accounts of all of them are the accounts of the team.",
    )

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
