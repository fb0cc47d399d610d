"""Tokens that let a program read the JSON documents. Only a token's digest is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q

from customers import clock
from customers.typed_ids import TypedIdField


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Tokens, asked for in the business's words."""

    def usable(self) -> Self:
        """Tokens that open the door now."""
        return self.filter(revoked_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=clock.now()))


class ApiToken(models.Model):
    """A bearer token, known by its name and recognised by its SHA-256 digest."""

    id = TypedIdField(prefix="tok", primary_key=True, editable=False)
    name = models.CharField(
        max_length=255, unique=True, help_text="Which program uses it, such as “data warehouse”."
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: it does not expire.")
    revoked_at = models.DateTimeField(
        null=True, blank=True, help_text="From this moment the token opens nothing. It cannot be read again."
    )

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def digest_of(secret: str) -> str:
        """The digest under which `secret` is kept."""
        return hashlib.sha256(secret.encode()).hexdigest()

    @classmethod
    def issue(cls, name: str, expires_at: datetime | None = None) -> tuple[Self, str]:
        """Create a token; the secret in the answer is shown once and never stored."""
        secret = f"clientele_{secrets.token_urlsafe(32)}"
        token = cls(name=name, digest=cls.digest_of(secret), expires_at=expires_at)
        token.save(force_insert=True)
        return token, secret
