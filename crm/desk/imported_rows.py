"""Which row of which imported file brought a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from crm.models import ImportedRecord
from customers.formats import number
from customers.models import SourceRecord

#: So many rows of imports are looked at, the latest first.
_MOST = 200


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """The file and the row in words, and the page of the import; no page for users who may not import."""

    text: str
    url: str


def imported_records(customer_ids: Sequence[Any]) -> list[ImportedRecord]:
    """What imports brought for these customers, the latest import first. One query."""
    found = ImportedRecord.objects.filter(is_preview=False, customer_id__in=customer_ids)
    latest = found.select_related("file_import").order_by("-file_import__started_at", "number")
    return list(latest.defer("changes", "remarks", "text")[:_MOST])


def row_that_brought(
    rows: Sequence[ImportedRecord], record: SourceRecord, at: datetime, user: Any
) -> ImportedRow | None:
    """The row of the import that brought what `record` says since `at`; None if a command or a sync brought it."""
    mine = {str(record.customer_id), str(record.came_with_id)}
    known = [
        each
        for each in rows
        if str(each.customer_id) in mine
        and each.file_import.source == record.source
        and each.file_import.started_at is not None
        and each.file_import.started_at <= at
        and (each.file_import.ended_at is None or at <= each.file_import.ended_at)
    ]
    if not known:
        return None
    first = known[0]
    # Several rows may be of one customer; which of them it was isn't kept.
    is_one = all(each.number == first.number for each in known)
    noun = "row" if first.file_import.is_table else "record"
    text = f"{first.file_import.name}, {noun} {number(first.number)}" if is_one else first.file_import.name
    can_see = user.has_perm("crm.add_fileimport")
    page = f"{reverse('import', args=[first.file_import_id])}?show={first.outcome}" if can_see else ""
    return ImportedRow(text, page)
