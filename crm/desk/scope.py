"""Whose customers somebody looks at: one's own, those of one's teams, or everybody's."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import QuerySet

from crm.models import Team
from customers.models import Customer
from customers.models.customer import CustomerQuerySet


class Scope(models.TextChoices):
    """The choices of every page of the desk. Anybody may choose any: it narrows, it does not forbid."""

    MINE = "mine", "Mine"
    TEAM = "team", "My team"
    ALL = "all", "All"

    @classmethod
    def chosen(cls, text: str | None, default: Scope | None = None) -> Scope:
        """The scope that an address names; `default` (mine) for anything else."""
        return cls(text) if text in cls.values else default or cls.MINE

    def owners(self, user: Any) -> QuerySet[Any] | list[Any] | None:
        """The keys of the users whose accounts these are, for `…__in`; None for everybody's and nobody's.

        The members of the teams of somebody who is in none are that person alone.
        """
        if self is Scope.ALL:
            return None
        if self is Scope.MINE:
            return [user.pk]
        return list(
            get_user_model()
            .objects.filter(models.Q(teams__in=Team.objects.of(user)) | models.Q(pk=user.pk))
            .order_by("pk")
            .values_list("pk", flat=True)
            .distinct()
        )

    def customers(self, user: Any) -> CustomerQuerySet:
        """The current customers of this scope, by the owner of the relationship."""
        owners = self.owners(user)
        customers = Customer.objects.current()
        return customers if owners is None else customers.filter(relationship__owner__in=owners)
