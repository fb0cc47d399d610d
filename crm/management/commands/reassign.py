"""Hand accounts over from one account manager to another."""

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
    """Thin: find both, hand over, report."""

    help = (
        "Make another the account manager of all accounts of somebody, or of those in a segment; their open tasks go"
        " along, and each account gets a note. All or nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """From whom, to whom, and of which customers."""
        parser.add_argument("from_user", metavar="FROM", help="the user name of whose accounts they are")
        parser.add_argument("to_user", metavar="TO", help="the user name of who takes them over")
        parser.add_argument("--segment", metavar="NAME", help="only those in this segment (name or id)")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done; change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Hand over, and say how much."""
        try:
            from_user, to_user = _user(options["from_user"]), _user(options["to_user"])
            among = segment_named(options["segment"])[1] if options["segment"] else None
            if options["dry_run"]:
                done, words = preview(from_user, to_user, among), "would be"
            else:
                done, words = reassign(from_user, to_user, among, by=None), "were"
        except CannotReassign as problem:
            raise CommandError(str(problem)) from None
        except DatabaseProblem as problem:
            raise CommandError(f"The database failed: {one_line(str(problem).strip())}.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped; nothing was handed over.", returncode=INTERRUPTED) from None
        self.stdout.write(
            f"From {one_line(str(from_user))} to {one_line(str(to_user))} {words} handed over: {done}."
        )


def _user(name: str) -> Any:
    user = get_user_model()._default_manager.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user “{one_line(name)}”: FROM and TO are user names.")
    return user
