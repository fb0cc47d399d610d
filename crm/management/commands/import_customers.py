"""Import customers from files of documents."""

from __future__ import annotations

import gzip
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem
from tqdm import tqdm

from crm.dedupe.duplicates.received import add_received
from crm.exchange.checks import FileCheck, ForeignFile
from crm.exchange.importers import IMPORTERS
from crm.queue import IMPORT, record_run
from customers import clock
from customers.audit.record import audit
from customers.cli import INTERRUPTED, STDIN, USAGE, Refuse, errors_file, one_line, origin_of, say
from customers.events import record_event
from customers.formats import counted, listed
from customers.ingest.engine import import_records, rolled_back
from customers.ingest.importer import ImportCounts, ImportReport
from customers.ingest.reader import Unreadable, open_input, read_records
from customers.json_types import RemarkKind
from customers.logs import log_failure
from customers.models import AuditAction, EventKind, Source

_SHOWN = 20


class Command(BaseCommand):
    help = (
        "Import customers from files of documents: a JSON array, an object with a list, one object, or one document"
        " per line, optionally compressed with gzip. A record that is refused doesn't stop the others. Importing a"
        " file again changes nothing. What can't be read in a record is left empty, with a remark. The exit status is 1"
        " if a record or file was refused or a file couldn't be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", choices=Source.values, help="platform that the documents come from")
        parser.add_argument("files", nargs="+", metavar="FILE", help="file to read, or - for standard input")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="check everything and save nothing (blocks other imports while it runs; on SQLite, all writes)",
        )
        parser.add_argument(
            "--strict",
            action="store_true",
            help="refuse records that would be imported with a remark, and those with keys that are not understood",
        )
        parser.add_argument(
            "--allow-older",
            action="store_true",
            help="import records although a newer state of them was imported before",
        )
        parser.add_argument(
            "--errors",
            metavar="FILE",
            help="write refused records to this file, one per line with number, field and reason; correct them there"
            " and import the file (an existing file is replaced)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import the files in order, and report the counts of each."""
        names: list[str] = options["files"]
        if names.count(STDIN) > 1:
            raise CommandError("Name standard input (-) only once.", returncode=USAGE)
        self.is_dry_run: bool = options["dry_run"]
        self.errors: str | None = options["errors"]
        self.is_strict: bool = options["strict"]
        self.allows_older: bool = options["allow_older"]
        self.unreadable = self.foreign = 0
        self.total = ImportCounts()
        begun = clock.now()
        undoing = rolled_back() if self.is_dry_run else nullcontext()
        try:
            with errors_file(self.errors, names) as refuse, undoing:
                for name in names:
                    self._import_file(options["source"], name, refuse)
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(
                f"The database failed: {reason}. If a table is missing, run `manage.py migrate`. {self._so_far()}"
            ) from None
        except KeyboardInterrupt:
            raise CommandError(f"Stopped. {self._so_far()}", returncode=INTERRUPTED) from None
        if len(names) > 1:
            self._say(f"Total: {self._in_words(self.total)}")
        if not self.is_dry_run and self.total.created + self.total.updated:
            self._find_duplicates(begun)
        if self.is_dry_run:
            self._say("Dry run. Nothing was changed.")
        else:
            self._record(options["source"], names, begun)
        self._end()

    def _record(self, source: str, names: list[str], begun: datetime) -> None:
        """Show the import on the page of jobs."""
        is_all_bad = self.total == ImportCounts() and self.unreadable + self.foreign > 0
        record_run(
            IMPORT,
            "import_customers",
            subject=f"{source}, {listed([origin_of(name) for name in names[:_SHOWN]])}",
            stderr=self.stderr,
            started_at=begun,
            result=self._in_words(self.total),
            problems=self.total.refused + self.unreadable + self.foreign,
            error="No record could be read." if is_all_bad else "",
        )
        counts = {name: getattr(self.total, name) for name in ("created", "updated", "unchanged", "refused")}
        record_event(EventKind.IMPORT_DONE, source=source, **counts)
        files = [origin_of(name) for name in names[:_SHOWN]]
        audit(AuditAction.IMPORTED, details={"files": files}, source=source, **counts)

    def _find_duplicates(self, since: datetime) -> None:
        """Write possible duplicates of the imported customers to the queue. A failure leaves the import as it is."""
        try:
            new = add_received(since)
        except DatabaseProblem as problem:
            log_failure("duplicates_after_import", problem)
            self._complain("Possible duplicates weren't looked for, because the database failed.")
        else:
            if new:
                self._say(f"Possible duplicates: {counted(new, 'new pair')}.")

    def _import_file(self, source: str, name: str, refuse: Refuse) -> None:
        counts = ImportCounts()
        remarks: Counter[RemarkKind] = Counter()
        importer = IMPORTERS[source]()
        check = FileCheck(importer, is_strict=self.is_strict)
        envelope: dict[str, object] = {}
        shown = origin_of(name) if name == STDIN else one_line(name)
        try:
            with open_input(name) as stream, _progress(stream, name) as bar:
                records = read_records(cast("BinaryIO", _CountingStream(stream, bar)), envelope=envelope)
                reports = import_records(
                    importer, check.records(records), origin=origin_of(name), allow_older=self.allows_older
                )
                self._report(shown, _with_progress(bar, reports), counts, remarks, refuse)
        except ForeignFile as problem:
            self.foreign += 1
            self._complain(f"{shown}: {one_line(str(problem))} Nothing was imported.")
            return
        except Unreadable as problem:
            self.unreadable += 1
            self._complain(f"{shown}: {problem}")
            if counts == ImportCounts():
                return
        self._say(f"{shown}: {self._in_words(counts)}")
        for line in _notes(remarks, check.unknown, envelope):
            self._say(f"{shown}: {one_line(line)}")

    def _report(
        self,
        name: str,
        reports: Iterator[ImportReport],
        counts: ImportCounts,
        remarks: Counter[RemarkKind],
        refuse: Refuse,
    ) -> None:
        """Count the records and the remarks, and print the first refusals and remarks."""
        for report in reports:
            counts.add(report.outcome)
            self.total.add(report.outcome)
            if report.bad is not None:
                refuse(report.bad)
                if counts.refused <= _SHOWN:
                    bad = report.bad
                    self._complain(f"{name}: record {bad.number}: {one_line(f'{bad.path}: {bad.reason}')}")
            for remark in report.remarks:
                remarks[remark.kind] += 1
                if remarks.total() <= _SHOWN:
                    text = one_line(f"{remark.path}: {remark.text}")
                    self._complain(f"{name}: record {report.number} (imported): {text}", str)
        if counts.refused > _SHOWN:
            more = counted(counts.refused - _SHOWN, "more record")
            advice = (
                f"See {one_line(self.errors)}."
                if self.errors
                else "Use --errors FILE to write them to a file."
            )
            self._complain(f"{name}: {more} refused. {advice}")
        if remarks.total() > _SHOWN:
            self._complain(
                f"{name}: {counted(remarks.total() - _SHOWN, 'more remark')} on imported records. The admin shows them under"
                " Received documents.",
                str,
            )

    def _in_words(self, counts: ImportCounts) -> str:
        would_be = " would be" if self.is_dry_run else ""
        stale = f" {counts.stale:,} stale," if counts.stale else ""
        erased = f" {counts.erased:,} left out because they were erased," if counts.erased else ""
        return (
            f"{counts.created:,}{would_be} created, {counts.updated:,}{would_be} updated,"
            f" {counts.unchanged:,} unchanged,{stale}{erased} {counts.refused:,} refused"
        )

    def _so_far(self) -> str:
        if self.is_dry_run:
            return "Dry run. Nothing was changed."
        imported = self.total.created + self.total.updated + self.total.unchanged
        return (
            f"At least {counted(imported, 'record')} imported before that; the current batch was undone. Run the same"
            " command again to continue. Records that are already imported stay unchanged."
        )

    def _end(self) -> None:
        problems = []
        if self.unreadable:
            problems.append(f"Couldn't read {counted(self.unreadable, 'file')} completely.")
        if self.foreign:
            problems.append(f"Refused {counted(self.foreign, 'file')}.")
        if self.total.refused:
            problems.append(f"Refused {counted(self.total.refused, 'record')}.")
            if self.errors:
                problems.append(f"Correct the records in {one_line(self.errors)}, then import that file.")
        if problems:
            raise CommandError(" ".join(problems))

    def _say(self, line: str) -> None:
        with tqdm.external_write_mode(file=sys.stderr):
            say(self.stdout, line)

    def _complain(self, line: str, style: Callable[[str], str] | None = None) -> None:
        with tqdm.external_write_mode(file=sys.stderr):
            self.stderr.write(line, style)


def _notes(remarks: Counter[RemarkKind], unknown: Counter[str], envelope: dict[str, object]) -> Iterator[str]:
    """What the summary of a file says beyond its counts."""
    if remarks:
        kinds = ", ".join(f"{remarks[kind]:,} {kind}" for kind in RemarkKind if remarks[kind])
        yield f"{counted(remarks.total(), 'remark')}: {kinds}"
    if unknown:
        named = sorted(unknown.items(), key=lambda each: (-each[1], each[0]))
        places = ", ".join(f"`{place}` ({number:,})" for place, number in named[:_SHOWN])
        more = f" and {len(named) - _SHOWN:,} more" if len(named) > _SHOWN else ""
        yield f"{counted(len(named), 'key')} not understood: {places}{more}. Received documents keep them."
    if _has_more(envelope):
        yield "The file says that more pages follow. Fetch and import them too."


def _has_more(envelope: dict[str, object]) -> bool:
    names = ("next_cursor", "nextCursor", "next_page", "nextPage", "next")
    flags = [envelope[name] for name in ("has_more", "hasMore") if name in envelope]
    return any(flag is True for flag in flags) if flags else any(envelope.get(name) for name in names)


class _CountingStream:
    """A stream that advances a progress bar by the bytes read."""

    def __init__(self, stream: BinaryIO, bar: tqdm) -> None:
        self._stream = stream
        self._bar = bar

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size) or b""
        self._bar.update(len(data))
        return data


def _progress(stream: BinaryIO, name: str) -> tqdm:
    """A progress bar for the bytes read of `stream`, on standard error if that is a terminal."""
    is_size_known = name != STDIN and not isinstance(stream, gzip.GzipFile)
    return tqdm(
        total=Path(name).stat().st_size or None if is_size_known else None,
        desc=origin_of(name),
        unit="B",
        unit_scale=True,
        # Bytes are read in large pieces, so redraw at every record too.
        miniters=0,
        file=sys.stderr,
        leave=False,
        disable=None,
    )


def _with_progress(bar: tqdm, reports: Iterator[ImportReport]) -> Iterator[ImportReport]:
    for number, report in enumerate(reports, start=1):
        bar.set_postfix_str(f"{number} records", refresh=False)
        bar.update(0)
        yield report
