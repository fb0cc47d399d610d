"""Write customers to a file, as documents that can be imported again."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem
from tqdm import tqdm

from crm.desk.batches import failure_report
from crm.desk.segments.cli import segment_condition
from crm.exchange.atomic_file import whole_file
from crm.exchange.exports import customers_to_export, exported, one_snapshot
from customers.audit.record import audit
from customers.cli import INTERRUPTED, one_line
from customers.formats import counted
from customers.logs import add_counts, log_failure
from customers.models import AuditAction, Environment, Source

_STDOUT = "-"


class Command(BaseCommand):
    help = (
        "Write customers as complete documents of one format, all as they are at one moment. Includes archived"
        " customers. Each record of the platform has its own document, also if its customer was merged. A file is written"
        " completely or not at all. A customer that fails is logged and left out, and the exit status is 1."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "source", choices=Source.values, help="write each customer as a document of this platform"
        )
        parser.add_argument(
            "--output",
            default=_STDOUT,
            metavar="FILE",
            help="file to write, compressed if it ends in .gz (default: -, standard output)",
        )
        parser.add_argument(
            "--format",
            choices=["ndjson", "json"],
            default="ndjson",
            help="one document per line, or one JSON array (default: ndjson)",
        )
        parser.add_argument(
            "--case",
            choices=["snake", "camel"],
            default="snake",
            help="style of the CRM document's keys (default: snake)",
        )
        parser.add_argument(
            "--env", choices=Environment.values, help="export only customers of this environment"
        )
        parser.add_argument(
            "--segment", metavar="SEGMENT", help="export only customers of this segment (name or ID)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file, and report how many customers are in it."""
        source, output = Source(options["source"]), options["output"]
        if options["case"] == "camel" and source != Source.CRM:
            raise CommandError("Leave out --case. Only CRM documents have keys in camelCase.")
        skipped: list[str] = []
        try:
            with one_snapshot():
                customers = customers_to_export(options["env"])
                if options["segment"]:
                    customers = customers.filter(segment_condition(options["segment"]))
                count = customers.count()
                documents = tqdm(
                    exported(source, customers, options["case"], skipped),
                    total=count,
                    unit=" customers",
                    file=sys.stderr,
                    leave=False,
                    # None shows the bar on a terminal only; there it would run into documents on standard output.
                    disable=True if output == _STDOUT and sys.stdout.isatty() else None,
                )
                lines = _as_lines(documents) if options["format"] == "ndjson" else _as_array(documents)
                if output == _STDOUT:
                    self._write_to_stdout(lines)
                else:
                    with whole_file(Path(output)) as file:
                        file.writelines(lines)
        except OSError as problem:
            raise CommandError(f"Couldn't write {one_line(output)}: {problem.strerror or problem}.") from None
        except DatabaseProblem as problem:
            log_failure("export_stopped", problem)
            raise CommandError(f"The database failed: {one_line(str(problem).strip())}.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. No file was written.", returncode=INTERRUPTED) from None
        exported_count = count - len(skipped)
        audit(AuditAction.EXPORTED, customers=exported_count, source=source.value)
        add_counts(customers=exported_count, failed=len(skipped))
        if output != _STDOUT:
            self.stdout.write(f"Wrote {counted(exported_count, 'customer')} to {one_line(output)}.")
        if skipped:
            raise CommandError(failure_report("export", skipped))

    def _write_to_stdout(self, lines: Iterable[bytes]) -> None:
        """Write until the end, or until the reader closes the pipe."""
        stdout = getattr(self.stdout, "buffer", None)
        try:
            for line in lines:
                if stdout is None:
                    self.stdout.write(line.decode(), ending="")
                else:
                    stdout.write(line)
            self.stdout.flush()
        except BrokenPipeError:
            # The interpreter flushes standard output once more when it ends, which would fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _as_lines(documents: Iterable[bytes]) -> Iterator[bytes]:
    for document in documents:
        yield document + b"\n"


def _as_array(documents: Iterable[bytes]) -> Iterator[bytes]:
    before = b"[\n"
    for document in documents:
        yield before + document
        before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"
