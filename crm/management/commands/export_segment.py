"""Write the customers of a segment to a spreadsheet file."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem

from crm.desk.batches import failure_report
from crm.desk.segments.cli import segment_named
from crm.desk.spreadsheets.exports import TooMany, check_fits, sheet_of
from crm.exchange.atomic_file import whole_file
from crm.exchange.exports import one_snapshot
from crm.models import Export
from crm.queue import EXPORT_SEGMENT, record_run
from customers import clock
from customers.audit.record import audit
from customers.cli import INTERRUPTED, one_line
from customers.formats import counted
from customers.logs import add_counts, log_failure
from customers.models import AuditAction


class Command(BaseCommand):
    help = (
        "Write the customers of a segment to a file, one row each, all as they are at one moment. In CSV, text that a"
        " spreadsheet would run as a formula gets an apostrophe in front. The file is written completely or not at"
        " all. A customer that fails is logged and left out, and the exit status is 1."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("segment", metavar="SEGMENT", help="name or ID of the segment")
        parser.add_argument(
            "--format", choices=Export.Format.values, default="csv", help="file format (default: csv)"
        )
        parser.add_argument("--output", metavar="FILE", required=True, help="file to write")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file, and report how many customers are in it."""
        output = options["output"]
        begun, skipped = clock.now(), list[str]()
        try:
            with one_snapshot():
                _, customers = segment_named(options["segment"])
                count = customers.count()
                check_fits(count, options["format"])
                with whole_file(Path(output)) as file:
                    for piece in sheet_of(customers, options["format"], skipped):
                        file.write(piece)
        except TooMany as problem:
            raise CommandError(str(problem)) from None
        except OSError as problem:
            raise CommandError(f"Couldn't write {one_line(output)}: {problem.strerror or problem}.") from None
        except DatabaseProblem as problem:
            log_failure("export_stopped", problem)
            raise CommandError(f"The database failed: {one_line(str(problem).strip())}.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. No file was written.", returncode=INTERRUPTED) from None
        written = count - len(skipped)
        audit(AuditAction.EXPORTED, details={"segment": options["segment"]}, customers=written)
        record_run(
            EXPORT_SEGMENT,
            "export_segment",
            subject=f"segment {options['segment']}",
            stderr=self.stderr,
            started_at=begun,
            result=f"{counted(written, 'customer')} exported",
            problems=len(skipped),
        )
        add_counts(customers=written, failed=len(skipped))
        self.stdout.write(f"Wrote {counted(written, 'customer')} to {one_line(output)}.")
        if skipped:
            raise CommandError(failure_report("export", skipped))
