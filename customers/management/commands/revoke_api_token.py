"""Revoke an API token."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from customers import clock
from customers.audit.record import audit
from customers.logs import log_event
from customers.models import ApiToken, AuditAction


class Command(BaseCommand):
    """Does nothing for a token that was revoked before."""

    help = "Revoke an API token. Requests with it are refused from now on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="the name of the token")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if not name.isprintable() or not ApiToken.objects.filter(name=name).exists():
            known = ", ".join(ApiToken.objects.filter(revoked_at=None).values_list("name", flat=True)[:20])
            raise CommandError(f"There is no token named {name[:100]!r}. Active tokens: {known or 'none'}.")
        if ApiToken.objects.filter(name=name, revoked_at=None).update(revoked_at=clock.now()):
            log_event("tokens_revoked", tokens=1)
            audit(AuditAction.TOKEN_CHANGED, details={"name": name}, verb="revoked")
            self.stdout.write(f"Revoked “{name}”.")
        else:
            self.stdout.write(f"“{name}” was already revoked. Nothing was changed.")
