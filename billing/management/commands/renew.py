"""Do what time brings."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from contextlib import nullcontext
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem
from tqdm import tqdm

from billing.management.arguments import moment
from billing.subscriptions import Renewals, renew
from customers import clock
from customers.cli import INTERRUPTED, say
from customers.ingest.engine import nothing_kept


class Command(BaseCommand):
    """Thin: read, call, report."""

    help = (
        "Do everything that has fallen due: scheduled starts, ends of trials, new periods and their invoices, resets,"
        " rollovers, expiries, cancellations, overdue invoices. Running it again changes nothing; running it rarely"
        " comes to the same as running it often. Have it run every few minutes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Until when, and whether for real."""
        parser.add_argument(
            "--now", type=moment, metavar="T", help="do what is due by then: 2026-03-01T09:30:00Z, or a date"
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="do it all and undo it at the end (on SQLite, nobody can write meanwhile)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Renew, and say what happened."""
        total = Renewals()
        failed: list[str] = []
        try:
            with (
                nothing_kept() if options["dry_run"] else nullcontext(),
                tqdm(desc="renew", unit="customer", file=sys.stderr, leave=False, disable=None) as bar,
            ):
                for step in renew(options["now"] or clock.now(), done_by="renew"):
                    bar.total = step.due
                    bar.update(step.done)
                    total.add(step.happened)
                    failed += step.failed
        except DatabaseProblem as problem:
            reason = str(problem).strip().partition("\n")[0]
            raise CommandError(f"The database failed: {reason}. {_so_far(total, options)}") from None
        except KeyboardInterrupt:
            raise CommandError(f"Stopped. {_so_far(total, options)}", returncode=INTERRUPTED) from None
        for line in failed:
            self.stderr.write(line)
        say(self.stdout, _in_words(total))
        if options["dry_run"]:
            say(self.stdout, "This was a dry run: nothing was changed.")
        if failed:
            raise CommandError(
                f"{len(failed)} customers could not be renewed, and are as they were. Mend them and run it again."
            )


def _in_words(total: Renewals) -> str:
    if not total.customers:
        return "Nothing is due."
    return (
        f"{_many(total.customers, 'customer')}: {total.started} started, {_many(total.periods, 'new period')},"
        f" {_many(total.resets, 'reset')}, {total.expired} expired, {total.ended} ended, {total.past_due} past due,"
        f" {_many(total.invoices, 'invoice')}"
    )


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _so_far(total: Renewals, options: dict[str, Any]) -> str:
    if options["dry_run"]:
        return "This was a dry run: nothing was changed."
    return f"{total.customers} customers were renewed before. To go on, run the same command again."
