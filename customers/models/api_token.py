"""Tokens that let programs read the JSON documents. Only the digest of a token is stored."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Self

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

from customers import clock
from customers.logs import log_event
from customers.models.customer import Environment
from customers.typed_ids import TypedIdField


class TokenScope(models.TextChoices):
    """A part of the API that a token may read."""

    PAYMENTS = "payments", "Customers: payments documents, addresses, payment methods, timeline, changes"
    BILLING = "billing", "Billing: billing documents, subscriptions, balances, usage, invoices"
    CATALOG = "catalog", "Catalog: plans and features"
    CRM = "crm", "CRM: CRM documents, companies, people"
    DESK = "desk", "Work: notes, tasks, worklist"
    MONITORING = "monitoring", "Monitoring: requests, jobs and checks at /metrics"


_CATALOG = {"billing.view_plan", "billing.view_feature"}
_DESK = {f"crm.view_{model}" for model in ("activity", "note", "task", "worklistdecision", "worklistentry")}


def scope_of(permission: str) -> str:
    """The scope that a token needs for what a user needs `permission` for."""
    if permission in _CATALOG:
        return TokenScope.CATALOG
    if permission in _DESK:
        return TokenScope.DESK
    if permission == "crm.change_job":
        return TokenScope.MONITORING
    app = permission.partition(".")[0]
    return TokenScope.PAYMENTS if app == "customers" else app


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Filters with names of their own."""

    def usable(self) -> Self:
        """Tokens that are neither revoked nor expired, and whose owner may sign in."""
        return (
            self.filter(revoked_at=None)
            .filter(Q(expires_at=None) | Q(expires_at__gt=clock.now()))
            .filter(Q(owner=None) | Q(owner__is_active=True))
        )


class ApiToken(models.Model):
    """A bearer token: people know its name, requests are checked against its SHA-256 digest.

    It reads what its scopes name, and never more than its owner may. A token made by a command has no owner.
    """

    id = TypedIdField(prefix="tok", primary_key=True, editable=False)
    name = models.CharField(
        max_length=255, unique=True, help_text="The program that uses the token, such as “data warehouse”."
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="api_tokens",
        help_text="The token reads no more than its owner may, and is refused once they can't sign in.",
    )
    scopes = models.JSONField(help_text="What the token may read.")
    env = models.CharField(
        "mode",
        max_length=10,
        blank=True,
        choices=Environment,
        help_text="The customers that the token may read. Leave blank for live and test mode.",
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Leave blank for no expiry.")
    revoked_at = models.DateTimeField(null=True, blank=True, help_text="Revoked tokens are refused.")
    last_used_at = models.DateTimeField("last used", null=True, editable=False)
    window_began_at = models.DateTimeField(null=True, editable=False)
    window_requests = models.PositiveIntegerField(
        default=0, editable=False, help_text="Requests that processes took of the current minute."
    )

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
    def issue(
        cls,
        name: str,
        expires_at: datetime | None = None,
        *,
        scopes: Sequence[str] = tuple(TokenScope),
        env: str = "",
        owner: User | None = None,
    ) -> tuple[Self, str]:
        """Create a token and return it with its secret, which is not stored."""
        secret = f"clientele_{secrets.token_urlsafe(32)}"
        token = cls(
            name=name,
            digest=cls.digest_of(secret),
            expires_at=expires_at,
            scopes=[str(scope) for scope in scopes],
            env=env,
            owner=owner,
        )
        token.save(force_insert=True)
        log_event("token_created", token=str(token.pk))
        return token, secret

    def may(self, permission: str) -> bool:
        """Whether the token reads what a user needs `permission` for."""
        return scope_of(permission) in self.scopes and (self.owner is None or self.owner.has_perm(permission))
