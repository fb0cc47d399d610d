"""A source record as an argument of a command."""

from __future__ import annotations

from django.core.management.base import CommandError

from crm.dedupe.links.records import NoSuchRecord, record_called
from customers.cli import one_line
from customers.models import SourceRecord


def named_record(name: str, env: str | None) -> SourceRecord:
    """The record that `name` means; see `record_called`."""
    try:
        return record_called(name, env)
    except NoSuchRecord as problem:
        raise CommandError(one_line(str(problem))) from None
