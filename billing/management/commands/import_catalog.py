"""Import a catalog from a file."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem
from django.db import transaction

from billing.document.importer.catalog_file import CatalogEntry, read_catalog
from billing.document.importer.catalog_importer import CatalogOutcome, CatalogReport, import_catalog
from billing.rules import money
from customers.cli import INTERRUPTED, Refuse, errors_file, one_line, origin_of, say
from customers.formats import counted
from customers.ingest.engine import rolled_back
from customers.ingest.reader import Unreadable, open_input
from customers.json_types import Refused, Remark
from customers.logs import add_counts

_SHOWN = 20
_NOTHING = "Nothing was changed."


class Command(BaseCommand):
    help = (
        'Import the catalog from a file: one object {"features": [...], "plans": [...]}, optionally compressed with'
        " gzip. Each feature and plan is imported or refused on its own. The price and allowances of a plan version"
        " never change: a changed plan becomes a new version, and customers keep the version they have. A changed name,"
        " description, archived state or metadata updates the version itself. Importing a file again changes nothing."
        " The exit status is 1 if anything was refused or the file couldn't be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="file to import; - for standard input")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="import everything, then roll it back",
        )
        parser.add_argument(
            "--errors",
            metavar="FILE",
            help="write each refused feature and plan to this file, one per line with its number, path and reason. Correct it"
            " and import the file. An existing file is replaced",
        )
        parser.add_argument(
            "--currency",
            type=_currency,
            metavar="CODE",
            help="ISO 4217 currency of new plans (default: the setting DEFAULT_CURRENCY); known plans keep theirs",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name: str = options["file"]
        self.is_dry_run: bool = options["dry_run"]
        self.shown = one_line(name) if name != "-" else origin_of(name)
        try:
            with errors_file(options["errors"], [name]) as refuse:
                entries, passed_over = self._read(name)
                with rolled_back() if self.is_dry_run else transaction.atomic():
                    reports = import_catalog(entries, currency=options["currency"], origin=origin_of(name))
                    self._print(reports, passed_over, refuse)
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(
                f"The database failed: {reason}. If a table is missing, run `manage.py migrate`. {_NOTHING}"
            ) from None
        except KeyboardInterrupt:
            raise CommandError(f"Stopped. {_NOTHING}", returncode=INTERRUPTED) from None
        add_counts(**Counter(report.outcome.value for report in reports))
        for kind in ("feature", "plan"):
            say(self.stdout, f"{self.shown}: {kind}s: {self._counts(kind, reports)}")
        if self.is_dry_run:
            say(self.stdout, f"This was a dry run. {_NOTHING}")
        self._end(sum(report.outcome is CatalogOutcome.REFUSED for report in reports), options["errors"])

    def _read(self, name: str) -> tuple[list[CatalogEntry], list[Remark]]:
        try:
            with open_input(name) as stream:
                return read_catalog(stream)
        except Unreadable as problem:
            raise CommandError(f"{self.shown}: {problem} {_NOTHING}") from None
        except Refused as problem:
            reason = one_line(f"{problem.path}: {problem.reason}")
            raise CommandError(f"{self.shown}: {reason} {_NOTHING}") from None

    def _print(self, reports: list[CatalogReport], passed_over: list[Remark], refuse: Refuse) -> None:
        """Print the first problems and remarks, and write everything refused to the errors file."""
        problems: list[str] = []
        remarks = [f"{remark.path}: {remark.text}" for remark in passed_over]
        for report in reports:
            if report.refused:
                refuse(report.bad)
            problems += (f"{each.path}: {each.reason}" for each in report.refused)
            remarks += (f"{each.path}, imported: {each.text}" for each in report.remarks)
        for lines, more, style in (
            (problems, "more problems; use --errors FILE to get them all", None),
            (remarks, "more remarks on imported entries", str),
        ):
            for line in lines[:_SHOWN]:
                self.stderr.write(f"{self.shown}: {one_line(line)}", style)
            if len(lines) > _SHOWN:
                self.stderr.write(f"{self.shown}: … and {len(lines) - _SHOWN} {more}", style)

    def _counts(self, kind: str, reports: list[CatalogReport]) -> str:
        counts = Counter(report.outcome for report in reports if report.entry.kind == kind)
        would_be = " would be" if self.is_dry_run else ""
        parts = [
            f"{counts[CatalogOutcome.CREATED]}{would_be} created",
            f"{counts[CatalogOutcome.UPDATED]}{would_be} updated",
        ]
        if kind == "plan":
            parts.append(f"{counts[CatalogOutcome.NEW_VERSION]}{would_be} given a new version")
        parts += [
            f"{counts[CatalogOutcome.UNCHANGED]} unchanged",
            f"{counts[CatalogOutcome.REFUSED]} refused",
        ]
        return ", ".join(parts)

    def _end(self, refused: int, errors: str | None) -> None:
        if not refused:
            return
        message = f"{counted(refused, 'feature or plan', 'features and plans')} refused."
        if errors:
            message += f" Correct them in {one_line(errors)} and import that file."
        raise CommandError(message)


def _currency(text: str) -> str:
    try:
        return money.known_code(text)
    except ValueError as problem:
        raise ArgumentTypeError(str(problem)) from None
