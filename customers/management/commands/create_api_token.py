"""Create an API token."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from customers import clock
from customers.audit.record import audit
from customers.models import ApiToken, AuditAction, Environment
from customers.models.api_token import TokenScope

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
        parser.add_argument(
            "--scope",
            action="append",
            choices=TokenScope.values,
            help="a part that the token may read; can be repeated (default: all)",
        )
        parser.add_argument(
            "--env", choices=Environment.values, default="", help="read customers of this environment only"
        )
        parser.add_argument(
            "--owner",
            metavar="USER",
            help="user name of the owner: the token reads no more than they may, and ends with their access",
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
        scopes = options["scope"] or TokenScope.values
        with transaction.atomic():
            token, secret = ApiToken.issue(
                name,
                clock.now() + timedelta(days=days) if days is not None else None,
                scopes=scopes,
                env=options["env"],
                owner=_owner(options["owner"]),
            )
            audit(
                AuditAction.TOKEN_CHANGED,
                subject=str(token.pk),
                details={"name": name},
                verb="created",
                scopes=scopes,
                env=options["env"],
            )
        expiry = f"expires on {token.expires_at:%Y-%m-%d}" if token.expires_at else "does not expire"
        self.stderr.write(
            f"Created “{name}”, which {expiry}. The next line is its secret, which can't be shown again. Programs send"
            " it as “Authorization: Bearer …”."
        )
        self.stdout.write(secret)


def _owner(name: str | None) -> User | None:
    if name is None:
        return None
    owner = User.objects.filter(username=name, is_active=True).first()
    if owner is None:
        raise CommandError(f"There is no active user {name[:150]!r}. Use the user name of the owner.")
    return owner


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _MOST_DAYS):
        raise ArgumentTypeError(f"use a whole number from 1 to {_MOST_DAYS}")
    return int(text)
