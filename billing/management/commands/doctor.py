"""Look for what should not be."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem
from tqdm import tqdm

from billing.doctor import CHECKS, Finding, count_rows
from customers.cli import INTERRUPTED, one_line, say
from customers.logs import add_counts


class Command(BaseCommand):
    """Thin: read the options, check, report."""

    help = (
        "Look for what should not be: figures that are not the sum of their ledger entries, what fell due and did"
        " not happen, overlapping periods, circles of merged customers, invoices that do not sum. One line for each,"
        " with what to do. The exit status is 1 if anything is (or stays) amiss."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--fix",
            action="store_true",
            help="where a ledger entry mends it, post one: the figure stands, and the ledger catches up with it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make every check, and say what each finds."""
        amiss = mended = mendable = 0
        try:
            for check in CHECKS:
                with tqdm(desc=check.words, unit=" rows", file=sys.stderr, leave=False, disable=None) as bar:
                    for finding in check.run(bar.update, fix=options["fix"]):
                        self._tell(finding)
                        mended += bool(finding.mended)
                        amiss += not finding.mended
                        mendable += finding.can_be_mended and not finding.mended
            checked = count_rows()
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(
                f"The database failed: {reason}. If a table is missing, `manage.py migrate` makes it."
            ) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped before everything was checked.", returncode=INTERRUPTED) from None
        add_counts(findings=amiss, mended=mended)
        if mended:
            say(self.stdout, f"Mended: {mended}.")
        if amiss:
            fixable = f" --fix mends {mendable} of them." if mendable else ""
            raise CommandError(f"Amiss: {amiss}. Checked: {checked}.{fixable}")
        say(self.stdout, f"Nothing {'else ' if mended else ''}amiss: {checked} checked.")

    def _tell(self, finding: Finding) -> None:
        with tqdm.external_write_mode(file=sys.stderr):
            say(self.stdout, one_line(str(finding)))
