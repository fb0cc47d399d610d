"""Preview an import, and run it: as jobs, so that files of any size are imported behind the pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO, TypeVar

from django.db import DatabaseError, transaction

from crm.dedupe.duplicates.received import add_for
from crm.exchange.checks import FileCheck, ForeignFile
from crm.exchange.importers import IMPORTERS
from crm.imports.fields import known_fields
from crm.imports.importer import FileImporter
from crm.imports.journal import OWNER, Changes, WrittenRows
from crm.imports.rows import ColumnMapping, records_of
from crm.imports.store import opened
from crm.imports.table_reader import open_table
from crm.imports.unpack import NotImportable
from crm.imports.write_rows import OWNER_STAYS
from crm.models import FileImport, ImportBatch, ImportedRecord, ImportMapping
from crm.queue import enqueue
from customers import clock
from customers.audit.record import audit
from customers.bulk import FormerRows, pieces
from customers.events import record_event
from customers.ingest.engine import import_records, rolled_back
from customers.ingest.importer import Importer, ImportOutcome, ImportReport
from customers.ingest.reader import BadRecord, Record, Unreadable, read_records
from customers.logs import log_failure
from customers.models import AuditAction, Customer, EventKind

#: The kinds of jobs (`crm.jobs.kinds`).
PREVIEW, RUN, REVERT = "preview_file", "import_file", "revert_import"

#: A preview rolls back after so many records: it holds no lock for long, and its progress can be seen.
_TOGETHER = 1000
#: So many records of an outcome a preview shows.
PREVIEWED = 200
#: So many refused records are kept, to be downloaded.
MOST_REFUSED = 20_000
_LONGEST_TEXT = 20_000

Progress = Callable[[int, int], None]
T = TypeVar("T")
#: Of these only the number is kept.
_COUNTED_ONLY = (ImportOutcome.UNCHANGED, ImportOutcome.ERASED)
_DETAILED = (ImportOutcome.CREATED, ImportOutcome.UPDATED)


class WrongState(Exception):
    """The import is in a state that doesn't allow this. The message tells the user what to do."""


@transaction.atomic
def start_preview(file_import: FileImport, by: Any) -> None:
    """Request the preview of a file that is not imported yet. Raises `WrongState`."""
    claim(
        file_import,
        {FileImport.State.UPLOADED, FileImport.State.READY, FileImport.State.FAILED},
        FileImport.State.PREVIEWING,
    )
    request(PREVIEW, file_import, by)


def begin_run(file_import: FileImport, by: Any) -> None:
    """Mark a previewed file as being imported; the caller runs it. Raises `WrongState`."""
    claim(file_import, {FileImport.State.READY}, FileImport.State.RUNNING)
    file_import.started_at, file_import.made_by = clock.now(), by
    file_import.save(update_fields=["started_at", "made_by"])


@transaction.atomic
def start_run(file_import: FileImport, by: Any) -> None:
    """Request the import of a previewed file. Raises `WrongState`."""
    begin_run(file_import, by)
    request(RUN, file_import, by)


def request(kind: str, file_import: FileImport, by: Any) -> None:
    """Request a job for an import."""
    key = str(file_import.pk)
    enqueue(kind, {"import": key}, subject=file_import.name, by=by, key=key)


def claim(file_import: FileImport, states: set[FileImport.State], state: FileImport.State) -> None:
    """Move an import that is in one of `states` to `state`. Raises `WrongState`."""
    found = FileImport.objects.filter(pk=file_import.pk, state__in=states)
    if not found.update(state=state, error=""):
        raise WrongState("The import just changed. Reload the page.")
    file_import.state = state


def preview(file_import: FileImport, progress: Progress) -> None:
    """Import the file piece by piece, roll each piece back, and keep what it would have done."""
    file_import.records.filter(is_preview=True).delete()
    begun = clock.now()
    tally = _Tally(file_import, is_preview=True)

    def keep(former: FormerRows, reports: list[ImportReport]) -> None:
        tally.note(WrittenRows(former).changes())

    try:
        with _records(file_import) as (importer, records):
            for chunk in _chunks(records, _TOGETHER):
                with rolled_back():
                    origin = file_import.name
                    for report in import_records(importer, chunk, origin=origin, keep=keep):
                        tally.add(report)
                    tally.find_duplicates()
                tally.save(PREVIEWED)
                progress(tally.done, max(file_import.total, tally.done))
    except (NotImportable, Unreadable, ForeignFile) as problem:
        file_import.error = str(problem)
    # The import does the same and keeps it, so it takes as long.
    seconds = max(1, round((clock.now() - begun).total_seconds()))
    file_import.options = {**file_import.options, "preview_seconds": seconds}
    _finish(file_import, tally, FileImport.State.FAILED if file_import.error else FileImport.State.READY)


def run(file_import: FileImport, progress: Progress) -> None:
    """Import the file. May be called again after it stopped: what was imported stays, and is counted once."""
    tally = _Tally(file_import, is_preview=False)
    if tally.is_first_attempt:
        # Until now it waited for a worker.
        file_import.started_at = clock.now()
        file_import.save(update_fields=["started_at"])
    begun = file_import.started_at or clock.now()

    def keep(former: FormerRows, reports: list[ImportReport]) -> None:
        written = WrittenRows(former)
        entries = written.entries()
        batch = ImportBatch.objects.create(file_import=file_import, entries=entries) if entries else None
        tally.note(written.changes())
        tally.keep(reports, batch)

    try:
        with _records(file_import) as (importer, records):
            for report in import_records(importer, records, origin=file_import.name, keep=keep):
                tally.add(report)
                if tally.done % _TOGETHER == 0:
                    tally.save(None)
                    progress(tally.done, max(file_import.total, tally.done))
    except (NotImportable, Unreadable, ForeignFile) as problem:
        file_import.error = str(problem)
    tally.save(None)
    tally.duplicates = _find_duplicates(begun, tally.customers)
    if file_import.mapping_id is not None:
        ImportMapping.objects.filter(pk=file_import.mapping_id).update(used_at=clock.now())
    is_all_bad = bool(file_import.error) and not tally.counts
    _finish(file_import, tally, FileImport.State.FAILED if is_all_bad else FileImport.State.DONE)
    names = ("created", "updated", "unchanged", "refused")
    counts = {name: file_import.counts.get(name, 0) for name in names}
    record_event(
        EventKind.IMPORT_DONE,
        subject=str(file_import.pk),
        by=file_import.made_by,
        source=file_import.source,
        **counts,
    )
    audit(
        AuditAction.IMPORTED,
        None,
        str(file_import.pk),
        by=file_import.made_by,
        details={"files": [file_import.name]},
        source=file_import.source,
        **counts,
    )


def _finish(file_import: FileImport, tally: _Tally, state: FileImport.State) -> None:
    file_import.state = state
    file_import.counts = {**tally.counts, **tally.owners}
    file_import.remarks, file_import.duplicates = tally.remarks, tally.duplicates
    file_import.total = tally.done
    file_import.ended_at = clock.now() if not tally.is_preview else None
    file_import.save(
        update_fields=["state", "counts", "remarks", "duplicates", "total", "ended_at", "error", "options"]
    )


def _find_duplicates(begun: datetime, customers: set[str]) -> int:
    try:
        return add_for(customers)
    except DatabaseError as problem:
        log_failure("duplicates_after_import", problem, since=begun.isoformat())
        return 0


@contextmanager
def _records(file_import: FileImport) -> Iterator[tuple[Importer[Any], Iterator[Record | BadRecord]]]:
    with opened(file_import) as stream:
        if file_import.is_table:
            options = file_import.options
            importer = FileImporter(
                file_import.source,
                by=file_import.made_by,
                replaces_owners=bool(options.get("replaces_owners")),
            )
            yield importer, _table_records(file_import, stream)
        else:
            platform = IMPORTERS[file_import.source]()
            yield platform, FileCheck(platform).records(read_records(stream))


def _table_records(file_import: FileImport, stream: BinaryIO) -> Iterator[Record | BadRecord]:
    table = open_table(stream, file_import.kind, file_import.layout)
    options = file_import.options
    mapping = ColumnMapping(
        table.headings,
        file_import.fields,
        order=options.get("order") or "dmy",
        mark=options.get("mark") or ".",
        mends=options.get("mends") or {},
        known=known_fields(),
    )
    return records_of(table.rows, mapping)


def _chunks(values: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


class _Tally:
    """Counts the reports of an import, and keeps its records."""

    def __init__(self, file_import: FileImport, *, is_preview: bool) -> None:
        self.file_import = file_import
        self.is_preview = is_preview
        self.counts: Counter[str] = Counter()
        self.remarks = self.duplicates = 0
        self.owners: Counter[str] = Counter()
        self.customers: set[str] = set()
        self._known: dict[int, str] = {}
        self._created: set[str] = set()
        self._changes: Changes = {}
        self._waiting: list[ImportedRecord] = []
        self._kept: Counter[str] = Counter()
        if not is_preview:
            earlier = file_import.records.filter(is_preview=False).values_list("number", "outcome")
            self._known = dict(earlier)

    @property
    def is_first_attempt(self) -> bool:
        """Whether nothing was imported before."""
        return not self._known

    @property
    def done(self) -> int:
        return self.counts.total()

    def note(self, changes: Changes) -> None:
        """Remember what a batch changed, for the records that are added next."""
        self._changes = {**(self._changes if self.is_preview else {}), **changes}

    def keep(self, reports: list[ImportReport], batch: ImportBatch | None) -> None:
        """Keep the records for which a batch wrote rows, in its transaction."""
        owners = {entry["of"] for entry in batch.entries} if batch is not None else set()
        rows = [
            self._row(report)
            for report in reports
            if report.number not in self._known
            and (report.outcome in _DETAILED or (report.customer_id and report.customer_id in owners))
        ]
        _name(rows)
        for row in rows:
            row.batch = batch
        ImportedRecord.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
        self._changes = {}

    def add(self, report: ImportReport) -> None:
        """Count a report; one of a record that an earlier attempt imported keeps that outcome."""
        outcome = self._known.get(report.number, report.outcome.value)
        self.counts[outcome] += 1
        self.remarks += len(report.remarks)
        self.owners["owners_kept"] += any(each.text.endswith(OWNER_STAYS) for each in report.remarks)
        if report.outcome in _DETAILED and report.customer_id:
            self.customers.add(report.customer_id)
            if report.outcome is ImportOutcome.CREATED:
                self._created.add(report.customer_id)
        is_kept = not self.is_preview and report.outcome in _DETAILED
        if is_kept or report.number in self._known or report.outcome in _COUNTED_ONLY:
            return
        self._waiting.append(self._row(report))

    def _row(self, report: ImportReport) -> ImportedRecord:
        bad = report.bad
        changes = self._changes.get(report.customer_id, [])
        self.owners["owners_changed"] += any(label == OWNER and old for label, old, _ in changes)
        return ImportedRecord(
            file_import=self.file_import,
            is_preview=self.is_preview,
            number=report.number,
            outcome=report.outcome.value,
            customer_id=report.customer_id or None,
            changes=changes,
            remarks=[{"path": each.path, "text": each.text} for each in report.remarks],
            place=bad.path.removeprefix("$.") if bad and bad.path != "$" else "",
            reason=bad.reason if bad else "",
            text=bad.text[:_LONGEST_TEXT] if bad else "",
        )

    def find_duplicates(self) -> None:
        """Count the possible duplicates of the customers that were created since the last call."""
        if self._created:
            self.duplicates += add_for(self._created)
            self._created = set()
        _name(self._waiting)

    def save(self, most: int | None) -> None:
        """Keep the records that were added: all of them, or at most `most` of each outcome but the refused ones."""
        if not self.is_preview:
            _name(self._waiting)
        kept = []
        for each in self._waiting:
            limit = MOST_REFUSED if each.outcome == ImportOutcome.REFUSED else most
            if limit is None or self._kept[each.outcome] < limit:
                self._kept[each.outcome] += 1
                kept.append(each)
        ImportedRecord.objects.bulk_create(kept, batch_size=500, ignore_conflicts=True)
        self._waiting, self._changes = [], {}


def _name(records: list[ImportedRecord]) -> None:
    """Give records the names of their customers."""
    keys = [each.customer_id for each in records if each.customer_id and not each.title]
    names = {str(row.pk): str(row) for piece in pieces(keys) for row in Customer.objects.filter(pk__in=piece)}
    for each in records:
        each.title = each.title or names.get(str(each.customer_id), "")
