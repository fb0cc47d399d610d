"""Exports: asked for, written part by part by the page that waits for them, and taken away after a day.

Which customers are in it is settled when it is asked for; each is shown as it is when its part is written. A part is
written in one transaction, so a server that stops loses nothing: the page goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

from django.db import transaction

from crm.desk.spreadsheets import csv_file, xlsx_file
from crm.desk.spreadsheets.columns import May, columns_for, rows_of
from crm.models import Export, ExportPart
from customers import clock
from customers.models.customer import CustomerQuerySet

#: So many customers are written at a time.
PART = 1000
#: For so long a file can be fetched.
KEPT = timedelta(days=1)

_FORMATS: dict[str, Any] = {Export.Format.CSV: csv_file, Export.Format.XLSX: xlsx_file}


class TooMany(ValueError):
    """More customers than a sheet has rows; the message says what to do."""


@transaction.atomic
def start_export(customers: CustomerQuerySet, title: str, file_format: str, *, by: Any, may: May) -> Export:
    """Ask for a file of `customers` with the columns that `may` lets `by` see; nothing of it is written yet.

    What was asked for more than a day ago, by anybody, goes away. Raises `TooMany`.
    """
    Export.objects.filter(made_at__lt=clock.now() - KEPT).delete()
    keys = [str(key) for key in customers.order_by("pk").values_list("pk", flat=True)]
    check_fits(len(keys), file_format)
    export = Export.objects.create(
        title=title, format=file_format, made_by=by, columns=columns_for(may), customers=len(keys)
    )
    ExportPart.objects.bulk_create(
        ExportPart(export=export, number=number, customer_ids=chosen)
        for number, chosen in enumerate(_pieces(keys))
    )
    return export


def check_fits(count: int, file_format: str) -> None:
    """Raises `TooMany`."""
    if file_format == Export.Format.XLSX and count >= xlsx_file.MOST_ROWS:
        raise TooMany(
            f"{count:,} customers are more than a sheet has rows: narrow them, or take CSV instead of XLSX."
        )


@transaction.atomic
def write_part(export: Export) -> int:
    """Write the next part that nobody is writing; answer how many customers wait, 0 when the file is whole."""
    waiting = ExportPart.objects.waiting().filter(export=export).order_by("number")
    part = waiting.select_for_update(skip_locked=True).first()
    if part is not None:
        part.data = _FORMATS[export.format].body(rows_of(part.customer_ids, export.columns))
        part.save(update_fields=["data"])
    return sum(len(keys) for keys in waiting.values_list("customer_ids", flat=True))


def file_of(export: Export) -> Iterator[bytes]:
    """The bytes of a whole export."""
    parts: Any = export.parts.order_by("number")
    written = parts.values_list("data", flat=True).iterator(chunk_size=1)
    return assembled(export.format, export.columns, (bytes(data) for data in written))


def sheet_of(customers: CustomerQuerySet, file_format: str) -> Iterator[bytes]:
    """The bytes of a file of `customers`, with every column, as they are now."""
    columns = columns_for()
    keys = (str(key) for key in customers.order_by("pk").values_list("pk", flat=True).iterator())
    bodies = (_FORMATS[file_format].body(rows_of(piece, columns)) for piece in _pieces(keys))
    return assembled(file_format, columns, bodies)


def assembled(file_format: str, columns: Sequence[str], bodies: Iterable[bytes]) -> Iterator[bytes]:
    """A file with these headings above these pieces."""

    def pieces() -> Iterator[bytes]:
        yield _FORMATS[file_format].head(columns)
        yield from bodies

    return xlsx_file.workbook(pieces()) if file_format == Export.Format.XLSX else pieces()


def _pieces(keys: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while piece := list(islice(rest, PART)):
        yield piece
