"""A list as a file: all rows that its filters find, with the columns that the user sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils.timezone import localdate

from crm.desk.lists.column import Column, RowList
from crm.desk.spreadsheets.exports import assembled, body_of
from crm.models import Export

PERMISSION = "crm.add_export"
#: The most rows of one file. More take longer than a request should.
MOST = 50_000

_PIECE = 500
_TYPES = {
    Export.Format.CSV: "text/csv; charset=utf-8",
    Export.Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def file_of_rows(
    row_list: RowList, rows: QuerySet[Any], columns: Sequence[Column], file_format: str, now: datetime
) -> HttpResponseBase:
    """The file, written while it is sent."""
    headings = [each.label for each in columns]
    bodies = (body_of(file_format, piece) for piece in _pieces(row_list, rows, columns, now))
    name = f"{row_list.name}-{localdate(now).isoformat()}.{file_format}"
    return StreamingHttpResponse(
        assembled(file_format, headings, bodies),
        content_type=_TYPES[Export.Format(file_format)],
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _pieces(
    row_list: RowList, rows: QuerySet[Any], columns: Sequence[Column], now: datetime
) -> Iterator[list[list[str]]]:
    keys = list(rows.order_by("pk").values_list("pk", flat=True)[:MOST])
    for start in range(0, len(keys), _PIECE):
        found = list(
            row_list.dress(row_list.rows().filter(pk__in=keys[start : start + _PIECE])).order_by("pk")
        )
        row_list.complete(found, now)
        yield [[column.cell(row, now).text for column in columns] for row in found]
