"""Whose customers a page shows: the user's own, their teams', or all."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import QuerySet

from crm.models import Relationship, Team
from customers.models import Customer
from customers.models.customer import CustomerQuerySet


class Scope(models.TextChoices):
    """The scopes of the desk's pages. Every user may choose each one: a scope filters, it doesn't protect."""

    MINE = "mine", "Mine"
    TEAM = "team", "My team"
    ALL = "all", "All"

    @classmethod
    def chosen(cls, text: str | None, default: Scope | None = None) -> Scope:
        """The scope in a URL; `default` (mine) for any other text."""
        return cls(text) if text in cls.values else default or cls.MINE

    @classmethod
    def usual(cls, user: Any) -> Scope:
        """The scope to begin with: the user's own customers, or all customers if the user owns none. One query."""
        owns_any = Relationship.objects.filter(owner=user.pk, came_with=None).exists()
        return cls.MINE if owns_any else cls.ALL

    def owners(self, user: Any) -> QuerySet[Any] | list[Any] | None:
        """IDs of the account managers, for `…__in`; None for all customers, also those without an account manager.

        A user without a team is their own team.
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
        """The current customers of this scope."""
        owners = self.owners(user)
        customers = Customer.objects.current()
        return customers if owners is None else customers.filter(relationship__owner__in=owners)
