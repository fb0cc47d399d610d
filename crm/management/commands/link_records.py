"""`manage.py link_records RECORD… GOAL`, `manage.py link_records --by-rule`"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem
from django.db import transaction

from billing.management.arguments import customer_called
from crm.dedupe.duplicates.evidence import likelihood
from crm.dedupe.links.link import CannotLink, Linked, link_records
from crm.dedupe.links.preview import preview_link
from crm.dedupe.links.records import full_name
from crm.dedupe.links.suggested import CERTAIN, clear_links
from crm.dedupe.merges.words import called
from crm.management.record_argument import named_record
from customers.cli import INTERRUPTED, USAGE, one_line, say
from customers.formats import counted, listed
from customers.models import Customer, Environment, Source


class Command(BaseCommand):
    help = (
        "Give source records to the customer that GOAL belongs to, all or none. Each keeps its own rows, balances and"
        " documents. If they are all the records of their customer, that customer is merged into the goal."
        " `unlink_record` takes a record out again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "names",
            nargs="*",
            metavar="RECORD… GOAL",
            help="records, each as SOURCE:ID such as billing:acme-42 or an ID that only one record has; last, any"
            " identifier of the customer that they go to, or one of its records",
        )
        parser.add_argument(
            "--by-rule",
            action="store_true",
            help="instead of records: link what the review queue suggests and has the same name and company domain",
        )
        parser.add_argument(
            "--min-score",
            type=_score,
            default=CERTAIN,
            metavar="S",
            help=f"with --by-rule: the least score, from 0 to 1 (default: {CERTAIN})",
        )
        parser.add_argument("--reason", default="", metavar="R", help="the reason, kept with the link")
        parser.add_argument(
            "--env", choices=Environment.values, help="the environment of the records (default: any)"
        )
        parser.add_argument("--dry-run", action="store_true", help="only show what the link would do")

    def handle(self, *args: Any, **options: Any) -> None:
        names = options["names"]
        if options["by_rule"] == bool(names) or len(names) == 1:
            raise CommandError("Give RECORD… GOAL, or --by-rule alone.", returncode=USAGE)
        try:
            if options["by_rule"]:
                self._link_by_rule(options)
            else:
                self._link(names, options)
        except CannotLink as problem:
            raise CommandError(f"{one_line(str(problem))} Nothing was changed.") from None
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(f"The database failed: {reason}. Nothing was changed.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing was changed.", returncode=INTERRUPTED) from None

    def _link(self, names: list[str], options: dict[str, Any]) -> None:
        records = [named_record(name, options["env"]) for name in names[:-1]]
        goal = _goal(names[-1], options["env"])
        if options["dry_run"]:
            for line in preview_link(records, str(goal.pk)):
                say(self.stdout, one_line(line))
            say(self.stdout, "Nothing was changed (--dry-run).")
            return
        self._print(link_records(records, str(goal.pk), reason=options["reason"]))

    def _link_by_rule(self, options: dict[str, Any]) -> None:
        """Link what the queue suggests, all or none, and print the one command that undoes it."""
        links = clear_links(options["min_score"], options["env"])
        if options["dry_run"]:
            for each in links:
                record, goal = each.record, each.goal
                said = f"Link {full_name(record)} of {called(record.customer)} to {called(goal)}: {likelihood(each.pair.score)}"
                say(self.stdout, one_line(said))
            say(self.stdout, f"{counted(len(links), 'link')}. Nothing was changed (--dry-run).")
            return
        reason = options["reason"] or "Linked by rule: same name and domain"
        with transaction.atomic():
            done = [
                made
                for each in links
                for made in link_records([each.record], str(each.goal.pk), reason=reason)
            ]
        self._print(done)
        say(self.stdout, f"{counted(len(done), 'link')} made.")
        if done:
            merges = " ".join(str(each.merge.pk) for each in reversed(done))
            say(self.stdout, f"To undo all of them: manage.py unmerge {merges}")

    def _print(self, done: list[Linked]) -> None:
        for each in done:
            names = listed([full_name(record) for record in each.records])
            say(self.stdout, one_line(f"Linked {names} to {called(each.merge.survivor)}: {each.merge.pk}"))


def _score(text: str) -> float:
    try:
        score = float(text)
    except ValueError:
        score = -1
    if not 0 <= score <= 1:
        raise ArgumentTypeError(f"“{text[:40]}” is no score. Enter a number from 0 to 1.")
    return score


def _goal(name: str, env: str | None) -> Customer:
    source, separator, _ = name.partition(":")
    if separator and source in Source.values:
        return named_record(name, env).customer
    return customer_called(name, env)
