"""Withdraw an API token."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from customers import clock
from customers.logs import log_event
from customers.models import ApiToken


class Command(BaseCommand):
    """Revoking twice does once."""

    help = "Withdraw an API token: from now on it opens nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="the name it was made with")

    def handle(self, *args: Any, **options: Any) -> None:
        """Revoke it, or say that it is revoked already."""
        name = options["name"].strip()
        if not name.isprintable() or not ApiToken.objects.filter(name=name).exists():
            known = ", ".join(ApiToken.objects.filter(revoked_at=None).values_list("name", flat=True)[:20])
            raise CommandError(f"There is no token named {name[:100]!r}. Not revoked are: {known or 'none'}.")
        if ApiToken.objects.filter(name=name, revoked_at=None).update(revoked_at=clock.now()):
            log_event("tokens_revoked", tokens=1)
            self.stdout.write(f"“{name}” is revoked: it opens nothing any more.")
        else:
            self.stdout.write(f"“{name}” was revoked before; nothing was changed.")
