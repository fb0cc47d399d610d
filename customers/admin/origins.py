"""Where a value comes from, in words."""

from __future__ import annotations

from customers.formats import moment
from customers.ingest.precedence import is_empty
from customers.models import SourceRecord
from customers.provenance import FieldProvenance, Origin


def in_words(field: FieldProvenance) -> str:
    """Who gave the value, and when."""
    when = moment(field.at)
    if field.origin is Origin.PERSON:
        return f"{field.by}, {when}"
    if field.origin is Origin.MERGE:
        return f"{field.reason}{f', by {field.by}' if field.by else ''}, {when}"
    if field.origin is Origin.SOURCE and field.claim is not None:
        return f"{name_of(field.claim.record)}, since {when}"
    if field.origin is Origin.IMPORT:
        return f"{field.reason}, {when}"
    return "-" if is_empty(field.value) else "Nobody knows"


def name_of(record: SourceRecord) -> str:
    """What a record is called, and which merged customer it came with."""
    named = f"{record.get_source_display()} {record.source_id}"
    return named if record.came_with is None else f"{named} (came with {record.came_with})"
