"""`manage.py unlink_record RECORD`"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem

from crm.dedupe.links.link import CannotLink, unlink_record
from crm.dedupe.links.preview import preview_unlink
from crm.dedupe.links.records import full_name
from crm.dedupe.merges.words import called
from crm.management.record_argument import named_record
from customers.cli import INTERRUPTED, one_line, say
from customers.models import Environment


class Command(BaseCommand):
    help = (
        "Take a source record, with the rows that it brought, out of its customer. It becomes a customer of its own, and"
        " nothing joins the two again but `link_records` or a merge."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "record",
            metavar="RECORD",
            help="a record, as SOURCE:ID such as billing:acme-42, or an ID that only one record has",
        )
        parser.add_argument("--reason", default="", metavar="R", help="the reason, kept in the history")
        parser.add_argument(
            "--env", choices=Environment.values, help="the environment of the record (default: any)"
        )
        parser.add_argument("--dry-run", action="store_true", help="only show what it would do")

    def handle(self, *args: Any, **options: Any) -> None:
        record = named_record(options["record"], options["env"])
        former = record.customer
        try:
            if options["dry_run"]:
                for line in preview_unlink(record):
                    say(self.stdout, one_line(line))
                say(self.stdout, "Nothing was changed (--dry-run).")
                return
            own = unlink_record(record, reason=options["reason"])
        except CannotLink as problem:
            raise CommandError(f"{one_line(str(problem))} Nothing was changed.") from None
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(f"The database failed: {reason}. Nothing was changed.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing was changed.", returncode=INTERRUPTED) from None
        say(
            self.stdout,
            one_line(f"Took {full_name(record)} out of {called(former)}. It belongs to {called(own)} now."),
        )
