"""Check the data for contradictions."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem
from tqdm import tqdm

from billing.doctor import Finding, count_rows
from crm.doctor import CHECKS
from crm.jobs.data_check import DOCTOR, checks_in_words, finding_in_words
from crm.queue import record_run
from customers import clock
from customers.cli import INTERRUPTED, one_line, say
from customers.formats import counted
from customers.logs import add_counts


class Command(BaseCommand):
    """Reads the options, runs the checks, reports the findings."""

    help = (
        "Check the data: figures against their ledger entries, overdue events, overlapping periods, circles of merged"
        " customers, invoices against their lines, facts of customers against their rows. Prints one line per problem with what to do. The exit status is 1"
        " if problems remain."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--fix",
            action="store_true",
            help="post ledger entries for the differences, so that the entries add up to the figures; the figures don't change",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        begun, open_, fixed, fixable = clock.now(), 0, 0, 0
        found: list[str] = []
        try:
            for check in CHECKS:
                with tqdm(desc=check.words, unit=" rows", file=sys.stderr, leave=False, disable=None) as bar:
                    for finding in check.run(bar.update, fix=options["fix"]):
                        self._report(finding)
                        found.append(finding_in_words(finding))
                        fixed += bool(finding.mended)
                        open_ += not finding.mended
                        fixable += finding.can_be_mended and not finding.mended
            checked = count_rows()
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(
                f"The database failed: {reason}. If a table is missing, run `manage.py migrate`."
            ) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped before all checks had run.", returncode=INTERRUPTED) from None
        record_run(
            DOCTOR,
            "doctor",
            stderr=self.stderr,
            started_at=begun,
            result=checks_in_words(),
            problems=open_,
            log=found,
        )
        add_counts(findings=open_, mended=fixed)
        if fixed:
            say(self.stdout, f"Fixed {counted(fixed, 'problem')}.")
        if open_:
            hint = f" Run with --fix to fix {fixable:,} of them." if fixable else ""
            raise CommandError(f"Found {counted(open_, 'problem')} in {checked}.{hint}")
        say(self.stdout, f"No {'other ' if fixed else ''}problems in {checked}.")

    def _report(self, finding: Finding) -> None:
        with tqdm.external_write_mode(file=sys.stderr):
            say(self.stdout, one_line(str(finding)))
