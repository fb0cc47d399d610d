"""Write the customers of a segment to a file for a spreadsheet."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem

from crm.desk.segments.cli import segment_named
from crm.desk.spreadsheets.exports import TooMany, check_fits, sheet_of
from crm.exchange.atomic_file import whole_file
from crm.exchange.exports import one_snapshot
from crm.models import Export
from customers.cli import INTERRUPTED, one_line


class Command(BaseCommand):
    """Thin: read the options, write, report."""

    help = (
        "Write the customers of a segment, a row for each, all as they are at one moment. In CSV, text that a spreadsheet"
        " would run stands behind an apostrophe. The file is there whole or not at all."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which segment, how, and where to."""
        parser.add_argument("segment", metavar="SEGMENT", help="its name or id")
        parser.add_argument(
            "--format", choices=Export.Format.values, default="csv", help="of the file (default: csv)"
        )
        parser.add_argument("--output", metavar="FILE", required=True, help="where to write")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file, and say how many customers are in it."""
        output = options["output"]
        try:
            with one_snapshot():
                _, customers = segment_named(options["segment"])
                count = customers.count()
                check_fits(count, options["format"])
                with whole_file(Path(output)) as file:
                    for piece in sheet_of(customers, options["format"]):
                        file.write(piece)
        except TooMany as problem:
            raise CommandError(str(problem)) from None
        except OSError as problem:
            raise CommandError(
                f"{one_line(output)} cannot be written: {problem.strerror or problem}."
            ) from None
        except DatabaseProblem as problem:
            raise CommandError(f"The database failed: {one_line(str(problem).strip())}.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped; no file was written.", returncode=INTERRUPTED) from None
        self.stdout.write(f"{count} customer{' is' if count == 1 else 's are'} in {one_line(output)}.")
