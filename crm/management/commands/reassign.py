"""Reassign accounts from one account manager to another."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem

from crm.desk.bulk.reassign import CannotReassign, preview, reassign
from crm.desk.segments.cli import segment_named
from customers.cli import INTERRUPTED, one_line


class Command(BaseCommand):
    help = (
        "Reassign all accounts of an account manager, or those in a segment, to another one, with their open tasks."
        " Each account gets a note. All or nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("from_user", metavar="FROM", help="user name of the current account manager")
        parser.add_argument("to_user", metavar="TO", help="user name of the new account manager")
        parser.add_argument("--segment", metavar="NAME", help="only accounts in this segment (name or ID)")
        parser.add_argument(
            "--dry-run", action="store_true", help="report what would change, without changing it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Reassign, and report the counts."""
        try:
            from_user, to_user = _user(options["from_user"]), _user(options["to_user"])
            among = segment_named(options["segment"])[1] if options["segment"] else None
            if options["dry_run"]:
                done, words = preview(from_user, to_user, among), "Would reassign"
            else:
                done, words = reassign(from_user, to_user, among, by=None), "Reassigned"
        except CannotReassign as problem:
            raise CommandError(str(problem)) from None
        except DatabaseProblem as problem:
            raise CommandError(f"The database failed: {one_line(str(problem).strip())}.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing was reassigned.", returncode=INTERRUPTED) from None
        self.stdout.write(f"{words} {done} from {one_line(str(from_user))} to {one_line(str(to_user))}.")


def _user(name: str) -> Any:
    user = get_user_model()._default_manager.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user “{one_line(name)}”. Enter user names for FROM and TO.")
    return user
