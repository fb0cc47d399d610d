"""Exports: requested in the list of customers, written part by part by a job, deleted after a day.

Which customers an export contains is fixed when it is requested; each is shown as it is when its part is written. A
part is one transaction, so a worker that stops loses nothing: the next one continues where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import transaction

from crm.desk.batches import in_batches
from crm.desk.segments.query import May
from crm.desk.spreadsheets import csv_file, xlsx_file
from crm.desk.spreadsheets.columns import Cell, columns_for, rows_of
from crm.models import Export, ExportPart
from crm.queue import enqueue
from customers.audit.record import audit
from customers.configuration.table import EXPORTS_KEPT_DAYS
from customers.configuration.values import value_of
from customers.formats import number
from customers.models import AuditAction
from customers.models.customer import CustomerQuerySet

#: How many customers one part has.
PART = 1000
#: The kind of job that writes an export (`crm.jobs.kinds`).
WRITE_EXPORT = "write_export"

_FORMATS: dict[str, Any] = {Export.Format.CSV: csv_file, Export.Format.XLSX: xlsx_file}


class TooMany(ValueError):
    """More customers than a sheet has rows; the message tells the user what to do."""


@transaction.atomic
def start_export(customers: CustomerQuerySet, title: str, file_format: str, *, by: Any, may: May) -> Export:
    """Request a file of `customers` with the columns that `may` lets `by` see; nothing is written yet.

    Raises `TooMany`.
    """
    keys = [str(key) for key in customers.order_by("pk").values_list("pk", flat=True)]
    check_fits(len(keys), file_format)
    export = Export.objects.create(
        title=title, format=file_format, made_by=by, columns=columns_for(may), customers=len(keys)
    )
    ExportPart.objects.bulk_create(
        ExportPart(export=export, number=place, customer_ids=part) for place, part in enumerate(_parts(keys))
    )
    audit(
        AuditAction.EXPORTED,
        None,
        str(export.pk),
        by=by,
        details={"title": title},
        customers=len(keys),
        format=file_format,
    )
    enqueue(WRITE_EXPORT, {"export": str(export.pk)}, subject=title, by=by)
    return export


def kept_for() -> timedelta:
    """How long a file can be downloaded after its export was requested."""
    return timedelta(days=value_of(EXPORTS_KEPT_DAYS))


def delete_old_exports(now: datetime) -> int:
    """Delete the exports that are past their time, and return how many."""
    old = Export.objects.filter(made_at__lt=now - kept_for())
    count = old.count()
    old.delete()
    return count


def check_fits(count: int, file_format: str) -> None:
    """Raise `TooMany` if `count` customers do not fit in one sheet of this format."""
    if file_format == Export.Format.XLSX and count >= xlsx_file.MOST_ROWS:
        raise TooMany(
            f"Narrow the filter or choose CSV, because {number(count)} customers don't fit in one XLSX sheet."
        )


@transaction.atomic
def write_part(export: Export) -> int:
    """Write the next part that no other job is writing, and return how many customers are left: 0 at the end.

    A customer that fails is logged, left out of the file, and removed from its part (see `skipped_in`).
    """
    waiting = ExportPart.objects.waiting().filter(export=export).order_by("number")
    part = waiting.select_for_update(skip_locked=True).first()
    if part is not None:
        skipped: list[str] = []
        part.data = b"".join(_bodies(part.customer_ids, export.format, export.columns, skipped))
        part.customer_ids = [key for key in part.customer_ids if key not in set(skipped)]
        part.save(update_fields=["data", "customer_ids"])
    return sum(len(keys) for keys in waiting.values_list("customer_ids", flat=True))


def skipped_in(export: Export) -> int:
    """How many customers a finished export leaves out because they failed."""
    return export.customers - sum(len(keys) for keys in export.parts.values_list("customer_ids", flat=True))


def file_of(export: Export) -> Iterator[bytes]:
    """The bytes of a finished export."""
    parts: Any = export.parts.order_by("number")
    written = parts.values_list("data", flat=True).iterator(chunk_size=1)
    return assembled(export.format, export.columns, (bytes(data) for data in written))


def sheet_of(customers: CustomerQuerySet, file_format: str, skipped: list[str]) -> Iterator[bytes]:
    """The bytes of a file of `customers`, with every column, as they are now.

    A customer that fails is logged, left out, and its ID added to `skipped`.
    """
    columns = columns_for()
    keys = (str(key) for key in customers.order_by("pk").values_list("pk", flat=True).iterator())
    return assembled(file_format, columns, _bodies(keys, file_format, columns, skipped))


def assembled(file_format: str, columns: Sequence[str], bodies: Iterable[bytes]) -> Iterator[bytes]:
    """A file of these bodies under a row of headings."""

    def pieces() -> Iterator[bytes]:
        yield _FORMATS[file_format].head(columns)
        yield from bodies

    return xlsx_file.workbook(pieces()) if file_format == Export.Format.XLSX else pieces()


def body_of(file_format: str, rows: Iterable[Sequence[Cell]]) -> bytes:
    """Rows in the format of a file, to be assembled."""
    written: bytes = _FORMATS[file_format].body(rows)
    return written


def _bodies(
    keys: Iterable[str], file_format: str, columns: Sequence[str], skipped: list[str]
) -> Iterator[bytes]:
    def body(batch: Sequence[str]) -> bytes:
        return body_of(file_format, rows_of(batch, columns))

    for done in in_batches(keys, PART, body, "spreadsheet"):
        if done.value is None:
            skipped += done.customer_ids
        else:
            yield done.value


def _parts(keys: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while part := list(islice(rest, PART)):
        yield part
