"""`manage.py link_records RECORD… GOAL`"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem

from billing.management.arguments import customer_called
from crm.dedupe.links.link import CannotLink, link_records
from crm.dedupe.links.preview import preview_link
from crm.dedupe.links.records import full_name
from crm.dedupe.merges.words import called
from crm.management.record_argument import named_record
from customers.cli import INTERRUPTED, one_line, say
from customers.formats import listed
from customers.models import Customer, Environment, Source


class Command(BaseCommand):
    help = (
        "Give source records to the customer that GOAL belongs to, all or none. Each keeps its own rows, balances and"
        " documents. If they are all the records of their customer, that customer is merged into the goal."
        " `unlink_record` takes a record out again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "records",
            nargs="+",
            metavar="RECORD",
            help="a record, as SOURCE:ID such as billing:acme-42, or an ID that only one record has",
        )
        parser.add_argument(
            "goal", metavar="GOAL", help="any identifier of the customer, or one of its records"
        )
        parser.add_argument("--reason", default="", metavar="R", help="the reason, kept with the link")
        parser.add_argument(
            "--env", choices=Environment.values, help="the environment of the records (default: any)"
        )
        parser.add_argument("--dry-run", action="store_true", help="only show what the link would do")

    def handle(self, *args: Any, **options: Any) -> None:
        records = [named_record(name, options["env"]) for name in options["records"]]
        goal = _goal(options["goal"], options["env"])
        try:
            if options["dry_run"]:
                for line in preview_link(records, str(goal.pk)):
                    say(self.stdout, one_line(line))
                say(self.stdout, "Nothing was changed (--dry-run).")
                return
            done = link_records(records, str(goal.pk), reason=options["reason"])
        except CannotLink as problem:
            raise CommandError(f"{one_line(str(problem))} Nothing was changed.") from None
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(f"The database failed: {reason}. Nothing was changed.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing was changed.", returncode=INTERRUPTED) from None
        for each in done:
            names = listed([full_name(record) for record in each.records])
            say(self.stdout, one_line(f"Linked {names} to {called(each.merge.survivor)}: {each.merge.pk}"))


def _goal(name: str, env: str | None) -> Customer:
    source, separator, _ = name.partition(":")
    if separator and source in Source.values:
        return named_record(name, env).customer
    return customer_called(name, env)
