"""Write customers to a file, as documents that can be imported again."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from crm.desk.segments.cli import segment_condition
from crm.exchange.atomic_file import whole_file
from crm.exchange.exports import customers_to_export, exported, one_snapshot
from customers.models import Environment, Source

_STDOUT = "-"
_INTERRUPTED = 130


class Command(BaseCommand):
    """Thin: read the options, write, report."""

    help = (
        "Write the customers as whole documents of one format, all as they are at one moment. Archived customers"
        " are among them; merged ones are inside the customer that they became part of, where the format has a"
        " place for them. The file is there whole or not at all."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", choices=Source.values, help="the format of the documents")
        parser.add_argument(
            "--output",
            default=_STDOUT,
            metavar="FILE",
            help="where to write; compressed if it ends in .gz (default: - for standard output)",
        )
        parser.add_argument(
            "--format",
            choices=["ndjson", "json"],
            default="ndjson",
            help="one document a line, or one JSON array (default: ndjson)",
        )
        parser.add_argument(
            "--case",
            choices=["snake", "camel"],
            default="snake",
            help="the style of the crm document's keys (default: snake)",
        )
        parser.add_argument(
            "--env", choices=Environment.values, help="only the customers of this environment"
        )
        parser.add_argument(
            "--segment", metavar="NAME", help="only the customers of this segment (name or id)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file, and say how many customers are in it."""
        source, output = Source(options["source"]), options["output"]
        if options["case"] == "camel" and source != Source.CRM:
            raise CommandError("Only the crm document has keys in camelCase: leave --case out.")
        try:
            with one_snapshot():
                customers = customers_to_export(options["env"])
                if options["segment"]:
                    customers = customers.filter(segment_condition(options["segment"]))
                count = customers.count()
                documents = tqdm(
                    exported(source, customers, options["case"]),
                    total=count,
                    unit=" customers",
                    file=sys.stderr,
                    leave=False,
                    # None: only on a terminal, and not into what is shown there.
                    disable=True if output == _STDOUT and sys.stdout.isatty() else None,
                )
                lines = _as_lines(documents) if options["format"] == "ndjson" else _as_array(documents)
                if output == _STDOUT:
                    self._write_to_stdout(lines)
                else:
                    with whole_file(Path(output)) as file:
                        file.writelines(lines)
        except OSError as problem:
            raise CommandError(f"{output} cannot be written: {problem.strerror or problem}.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped; no file was written.", returncode=_INTERRUPTED) from None
        if output != _STDOUT:
            self.stdout.write(f"{count} customer{' is' if count == 1 else 's are'} in {output}.")

    def _write_to_stdout(self, lines: Iterable[bytes]) -> None:
        """Whoever reads may stop reading: then so do we."""
        stdout = getattr(self.stdout, "buffer", None)
        try:
            for line in lines:
                if stdout is None:
                    self.stdout.write(line.decode(), ending="")
                else:
                    stdout.write(line)
            self.stdout.flush()
        except BrokenPipeError:
            # The interpreter flushes once more at its end.
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
