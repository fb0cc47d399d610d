"""Find a source record by what a person calls it."""

from __future__ import annotations

from django.db.models import QuerySet

from customers.lookup import LONGEST_IDENTIFIER
from customers.models import Source, SourceRecord
from customers.typed_ids import to_uuid

_SHOWN = 100


class NoSuchRecord(LookupError):
    """No record, or more than one, has the name. The message says what to use instead."""


def record_called(name: str, env: str | None = None) -> SourceRecord:
    """The record named `source:id`, such as `billing:acme-42`, or by an ID that only one record has.

    Our own ID of a record (`src_…`) works too. Raises `NoSuchRecord`.
    """
    found = list(_records_called(name, env)[:_SHOWN]) if 0 < len(name) <= LONGEST_IDENTIFIER else []
    if not found:
        raise NoSuchRecord(
            f"There is no record “{name[:_SHOWN]}”. Name it by its source and ID, such as billing:acme-42. The Sources"
            " page of a customer lists its records."
        )
    if len(found) > 1:
        names = ", ".join(f"{full_name(each)} ({each.env})" for each in found[:5])
        raise NoSuchRecord(
            f"{len(found)} records are called “{name[:_SHOWN]}”: {names}. Name the source, and the environment with"
            " --env if it differs."
        )
    return found[0]


def full_name(record: SourceRecord) -> str:
    """The name of a record that `record_called` finds: `source:id`."""
    return f"{record.source}:{record.source_id}"


def _records_called(name: str, env: str | None) -> QuerySet[SourceRecord]:
    records = SourceRecord.objects.select_related("customer").order_by("pk")
    if env:
        records = records.filter(env=env)
    if to_uuid(name, ("src",)) is not None:
        return records.filter(pk=name)
    source, separator, own_id = name.partition(":")
    if separator and source in Source.values:
        return records.filter(source=source, source_id=own_id)
    return records.filter(source_id=name)
