"""Create an API token."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from customers import clock
from customers.audit.record import audit
from customers.models import ApiToken, AuditAction

_LONGEST_NAME = 255
_MOST_DAYS = 36_500


class Command(BaseCommand):
    """Writes only the secret to standard output, so that it can be piped."""

    help = (
        "Create a token for a program that reads the JSON documents. The secret is written to standard output and"
        " can't be shown again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="the program that uses it, such as “data warehouse”")
        parser.add_argument(
            "--expires-in-days",
            type=_days,
            metavar="N",
            help="days until the token expires (default: never)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        days = options["expires_in_days"]
        if not (name.isprintable() and 0 < len(name) <= _LONGEST_NAME):
            raise CommandError(
                f"Use a name of 1 to {_LONGEST_NAME} visible characters instead of {name[:100]!r}."
            )
        if ApiToken.objects.filter(name=name).exists():
            raise CommandError(
                f"There is already a token named “{name}”, and its secret can't be shown again. Use another name, or"
                " revoke the old one with “manage.py revoke_api_token”."
            )
        with transaction.atomic():
            token, secret = ApiToken.issue(name)
            audit(AuditAction.TOKEN_CHANGED, subject=str(token.pk), details={"name": name}, verb="created")
            if days is not None:
                token.expires_at = clock.now() + timedelta(days=days)
                token.save(update_fields=["expires_at"])
        expiry = f"expires on {token.expires_at:%Y-%m-%d}" if token.expires_at else "does not expire"
        self.stderr.write(
            f"Created “{name}”, which {expiry}. The next line is its secret, which can't be shown again. Programs send"
            " it as “Authorization: Bearer …”."
        )
        self.stdout.write(secret)


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _MOST_DAYS):
        raise ArgumentTypeError(f"use a whole number from 1 to {_MOST_DAYS}")
    return int(text)
