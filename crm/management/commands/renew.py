"""Renew every customer with due events."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from contextlib import nullcontext
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem
from tqdm import tqdm

from billing.management.arguments import moment
from billing.rules.moments import ahead_problem
from billing.subscriptions import RenewalCounts, RenewalFailure, renew
from crm.jobs.renewals import RENEW, failure_in_words, renewed_in_words
from crm.queue import record_run
from customers import clock
from customers.cli import INTERRUPTED, USAGE, one_line, say
from customers.formats import counted
from customers.ingest.engine import rolled_back


class Command(BaseCommand):
    """Reads the options, renews batch by batch, reports what happened and which customers failed."""

    help = (
        "Apply everything that is due: scheduled starts, trial ends, new periods and their invoices, resets, rollovers,"
        " expiries, cancellations, past-due invoices. Each happens at the moment it was due, so running this once gives"
        " the same result as running it often. Run it every few minutes. A customer that fails is skipped and reported,"
        " and the exit status is 1."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--now",
            type=moment,
            metavar="T",
            help="apply what is due by then (default: now): 2026-03-01T09:30:00Z, or a date; a time in the future needs"
            " --dry-run",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="apply everything and roll it back (on SQLite, this blocks other writes until it ends)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = options["now"] or clock.now()
        if not options["dry_run"] and (problem := ahead_problem(now, clock.now())):
            raise CommandError(f"{problem} To see what will be due by then, add --dry-run.", returncode=USAGE)
        begun, total = clock.now(), RenewalCounts()
        failures: list[RenewalFailure] = []
        try:
            with (
                rolled_back() if options["dry_run"] else nullcontext(),
                tqdm(desc="renew", unit="customer", file=sys.stderr, leave=False, disable=None) as bar,
            ):
                for batch in renew(now, done_by=RENEW):
                    bar.total = batch.due
                    bar.update(batch.done)
                    total.add(batch.counts)
                    failures += batch.failures
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            self._record(options, begun, total, failures, error=f"The database failed: {reason}.")
            raise CommandError(f"The database failed: {reason}. {_progress(total, options)}") from None
        except KeyboardInterrupt:
            self._record(options, begun, total, failures, error="Stopped.")
            raise CommandError(f"Stopped. {_progress(total, options)}", returncode=INTERRUPTED) from None
        for failure in failures:
            self.stderr.write(one_line(str(failure)))
        if total.customers or not failures:
            say(self.stdout, _in_words(total))
        if options["dry_run"]:
            say(self.stdout, "Dry run: nothing was changed.")
        self._record(options, begun, total, failures)
        if failures:
            raise CommandError(
                f"{counted(len(failures), 'customer')} could not be renewed and stayed unchanged."
                " Correct the data, then run this command again."
            )

    def _record(
        self,
        options: dict[str, Any],
        begun: datetime,
        total: RenewalCounts,
        failures: list[RenewalFailure],
        error: str = "",
    ) -> None:
        """Show the run on the page of jobs, unless it was a dry run."""
        if options["dry_run"]:
            return
        record_run(
            RENEW,
            "renew",
            stderr=self.stderr,
            started_at=begun,
            result=renewed_in_words(total),
            problems=len(failures),
            error=error,
            log=[failure_in_words(failure) for failure in failures],
        )


def _in_words(total: RenewalCounts) -> str:
    if not total.customers:
        return "Nothing is due."
    return (
        f"{counted(total.customers, 'customer')}: {total.started:,} started,"
        f" {counted(total.periods, 'new period')}, {counted(total.resets, 'reset')}, {total.expired:,} expired,"
        f" {total.ended:,} ended, {total.past_due:,} past due, {counted(total.invoices, 'invoice')}"
    )


def _progress(total: RenewalCounts, options: dict[str, Any]) -> str:
    if options["dry_run"]:
        return "Dry run: nothing was changed."
    return f"{counted(total.customers, 'customer')} had been renewed. To continue, run this command again."
