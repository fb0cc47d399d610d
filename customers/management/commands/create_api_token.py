"""Make an API token."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from customers import clock
from customers.models import ApiToken

_LONGEST_NAME = 255
_MOST_DAYS = 36_500


class Command(BaseCommand):
    """Writes the secret, and nothing else, to standard output, so that it can be piped."""

    help = (
        "Make a token with which a program reads the JSON documents. Its secret is written to standard output"
        " once; only a digest of it is kept."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="which program uses it, such as “data warehouse”")
        parser.add_argument(
            "--expires-in-days",
            type=_days,
            metavar="N",
            help="after how many days the token opens nothing any more (default: never)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it and show it."""
        name = options["name"].strip()
        days = options["expires_in_days"]
        if not (name.isprintable() and 0 < len(name) <= _LONGEST_NAME):
            raise CommandError(
                f"{name[:100]!r} cannot name a token: a name has 1 to {_LONGEST_NAME} characters, all of them visible."
            )
        if ApiToken.objects.filter(name=name).exists():
            raise CommandError(
                f"There is a token named “{name}” already, and its secret cannot be shown again. Choose another name;"
                f" “manage.py revoke_api_token” withdraws the old one."
            )
        with transaction.atomic():
            token, secret = ApiToken.issue(name)
            if days is not None:
                token.expires_at = clock.now() + timedelta(days=days)
                token.save(update_fields=["expires_at"])
        expiry = f"expires on {token.expires_at:%Y-%m-%d}" if token.expires_at else "does not expire"
        self.stderr.write(
            f"Made “{name}”, which {expiry}. The line below is its secret; keep it, it is shown only now. Programs"
            " send it as “Authorization: Bearer …”."
        )
        self.stdout.write(secret)


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _MOST_DAYS):
        raise ArgumentTypeError(f"it must be a whole number from 1 to {_MOST_DAYS}")
    return int(text)
