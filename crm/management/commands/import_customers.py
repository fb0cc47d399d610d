"""Take customers in from files."""

from __future__ import annotations

import gzip
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem
from tqdm import tqdm

from crm.exchange.importers import IMPORTERS
from customers.cli import INTERRUPTED, STDIN, USAGE, Refuse, errors_file, one_line, origin_of, say
from customers.ingest.engine import Counts, Report, import_records, rolled_back
from customers.ingest.reader import Unreadable, open_input, read_records
from customers.models import Source

_SHOWN = 20


class Command(BaseCommand):
    """Thin: read the options, import, report."""

    help = (
        "Take in customers from files of documents: a JSON array, an envelope with a list, one object, or one"
        " document a line; compressed with gzip or not. Each record is taken in or refused for itself; importing"
        " a file again changes nothing. The exit status is 1 if a record was refused or a file could not be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", choices=Source.values, help="where the documents come from")
        parser.add_argument("files", nargs="+", metavar="FILE", help="what to read; - for standard input")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="do it all and undo it at the end (meanwhile, nobody else can import; on SQLite, nobody can write)",
        )
        parser.add_argument(
            "--errors",
            metavar="FILE",
            help="write each refused record there, on one line with its number, the place and the reason; mended, it"
            " can be imported. An older file of that name is replaced",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import the files one after the other, and say what became of their records."""
        names: list[str] = options["files"]
        if names.count(STDIN) > 1:
            raise CommandError("Standard input (-) can be read once only.", returncode=USAGE)
        self.is_dry_run: bool = options["dry_run"]
        self.errors: str | None = options["errors"]
        self.unreadable = 0
        self.total = Counts()
        undoing = rolled_back() if self.is_dry_run else nullcontext()
        try:
            with errors_file(self.errors, names) as refuse, undoing:
                for name in names:
                    self._import_file(options["source"], name, refuse)
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(
                f"The database failed: {reason}. If a table is missing, `manage.py migrate` makes it. {self._so_far()}"
            ) from None
        except KeyboardInterrupt:
            raise CommandError(f"Stopped. {self._so_far()}", returncode=INTERRUPTED) from None
        if len(names) > 1:
            self._say(f"total: {self._in_words(self.total)}")
        if self.is_dry_run:
            self._say("This was a dry run: nothing was changed.")
        self._end()

    def _import_file(self, source: str, name: str, refuse: Refuse) -> None:
        counts = Counts()
        shown = origin_of(name) if name == STDIN else one_line(name)
        try:
            with open_input(name) as stream, _progress(stream, name) as bar:
                records = read_records(cast("BinaryIO", _Watched(stream, bar)))
                reports = import_records(IMPORTERS[source](), records, origin=origin_of(name))
                self._tell(shown, _shown_on(bar, reports), counts, refuse)
        except Unreadable as problem:
            self.unreadable += 1
            self._complain(f"{shown}: {problem}")
            if counts == Counts():
                return
        self._say(f"{shown}: {self._in_words(counts)}")

    def _tell(self, name: str, reports: Iterator[Report], counts: Counts, refuse: Refuse) -> None:
        """Count the reports, and show the first of the refusals and of the remarks."""
        remarks = 0
        for report in reports:
            counts.add(report.outcome)
            self.total.add(report.outcome)
            if report.bad is not None:
                refuse(report.bad)
                if counts.refused <= _SHOWN:
                    bad = report.bad
                    self._complain(f"{name}: record {bad.number}: {one_line(f'{bad.path}: {bad.reason}')}")
            for remark in report.remarks:
                remarks += 1
                if remarks <= _SHOWN:
                    told = one_line(f"{remark.path}: {remark.text}")
                    self._complain(f"{name}: record {report.number}, taken in: {told}", str)
        if counts.refused > _SHOWN:
            where = one_line(self.errors) if self.errors else "--errors FILE to have them all"
            self._complain(f"{name}: … and {counts.refused - _SHOWN} more refused; see {where}")
        if remarks > _SHOWN:
            self._complain(
                f"{name}: … and {remarks - _SHOWN} more remarks on what was taken in; each is kept with its record",
                str,
            )

    def _in_words(self, counts: Counts) -> str:
        would_be = " would be" if self.is_dry_run else ""
        return (
            f"{counts.created}{would_be} created, {counts.updated}{would_be} updated,"
            f" {counts.unchanged} unchanged, {counts.refused} refused"
        )

    def _so_far(self) -> str:
        if self.is_dry_run:
            return "This was a dry run: nothing was changed."
        taken = self.total.created + self.total.updated + self.total.unchanged
        return (
            f"At least {taken} records were taken in before, and the batch under way was undone."
            " To go on, run the same command again: what is in already stays as it is."
        )

    def _end(self) -> None:
        problems = []
        if self.unreadable:
            problems.append(f"{self.unreadable} of the files could not be read whole.")
        if self.total.refused:
            problems.append(f"{self.total.refused} of the records were refused.")
            if self.errors:
                problems.append(f"They are in {one_line(self.errors)}: mend them there and import that file.")
        if problems:
            raise CommandError(" ".join(problems))

    def _say(self, line: str) -> None:
        with tqdm.external_write_mode(file=sys.stderr):
            say(self.stdout, line)

    def _complain(self, line: str, style: Callable[[str], str] | None = None) -> None:
        with tqdm.external_write_mode(file=sys.stderr):
            self.stderr.write(line, style)


class _Watched:
    """A stream that tells a progress bar how many bytes were read."""

    def __init__(self, stream: BinaryIO, bar: tqdm) -> None:
        self._stream = stream
        self._bar = bar

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size) or b""
        self._bar.update(len(data))
        return data


def _progress(stream: BinaryIO, name: str) -> tqdm:
    """A bar on standard error for the bytes that are read of `stream`, if that is a terminal."""
    is_size_known = name != STDIN and not isinstance(stream, gzip.GzipFile)
    return tqdm(
        total=Path(name).stat().st_size or None if is_size_known else None,
        desc=origin_of(name),
        unit="B",
        unit_scale=True,
        # Every record may move it: bytes come in large pieces.
        miniters=0,
        file=sys.stderr,
        leave=False,
        disable=None,
    )


def _shown_on(bar: tqdm, reports: Iterator[Report]) -> Iterator[Report]:
    for number, report in enumerate(reports, start=1):
        bar.set_postfix_str(f"{number} records", refresh=False)
        bar.update(0)
        yield report
