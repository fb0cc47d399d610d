"""Tokens that let programs read the JSON documents. Only the digest of a token is stored."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q

from customers import clock
from customers.logs import log_event
from customers.typed_ids import TypedIdField


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Filters with names of their own."""

    def usable(self) -> Self:
        """Tokens that are neither revoked nor expired."""
        return self.filter(revoked_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=clock.now()))


class ApiToken(models.Model):
    """A bearer token: people know its name, requests are checked against its SHA-256 digest."""

    id = TypedIdField(prefix="tok", primary_key=True, editable=False)
    name = models.CharField(
        max_length=255, unique=True, help_text="The program that uses the token, such as “data warehouse”."
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Leave blank for no expiry.")
    revoked_at = models.DateTimeField(null=True, blank=True, help_text="Revoked tokens are refused.")

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def digest_of(secret: str) -> str:
        """The digest that is stored for `secret`."""
        return hashlib.sha256(secret.encode()).hexdigest()

    @classmethod
    def issue(cls, name: str, expires_at: datetime | None = None) -> tuple[Self, str]:
        """Create a token and return it with its secret, which is not stored."""
        secret = f"clientele_{secrets.token_urlsafe(32)}"
        token = cls(name=name, digest=cls.digest_of(secret), expires_at=expires_at)
        token.save(force_insert=True)
        log_event("token_created", token=str(token.pk))
        return token, secret
