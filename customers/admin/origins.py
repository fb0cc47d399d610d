"""The origin of a value, in words."""

from __future__ import annotations

from customers.formats import EMPTY, initials, moment
from customers.ingest.precedence import is_empty
from customers.models import SourceRecord
from customers.models.source import FILE_SOURCE, is_of_file
from customers.provenance import FieldProvenance, ValueOrigin


def in_words(field: FieldProvenance) -> str:
    """Who set the value, and when."""
    when = moment(field.at)
    if field.origin is ValueOrigin.PERSON:
        return f"{field.by}, {when}"
    if field.origin is ValueOrigin.MERGE:
        return f"{field.reason}{f', by {field.by}' if field.by else ''}, {when}"
    if field.origin is ValueOrigin.SOURCE and field.claim is not None:
        return f"{name_of(field.claim.record)}, since {when}"
    if field.origin is ValueOrigin.IMPORT:
        return f"{field.reason}, {when}"
    return EMPTY if is_empty(field.value) else "Unknown"


def name_of(record: SourceRecord) -> str:
    """The name of a record, and the merged customer that it came with."""
    named = f"{record.source_name} {record.source_id}"
    return named if record.came_with is None else f"{named} (from merged customer {record.came_with})"


def mark_of(record: SourceRecord) -> str:
    """Two letters that stand for the source of a record: `Pa` for the payments platform, `TF` for trade-fair."""
    if is_of_file(record.source):
        return initials(record.source.removeprefix(FILE_SOURCE).replace("-", " ").replace("_", " "))
    return record.source_name[:2]
