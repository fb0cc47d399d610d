"""What several tests do with customers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.utils import timezone

from customers.ingest.engine import import_records
from customers.ingest.importer import Importer
from customers.ingest.reader import Record, read_value
from customers.models import Customer


def merge(customer: Customer, survivor: Customer) -> None:
    """Make the customer part of another, by its row alone."""
    customer.merged_into = survivor
    customer.save()


def archive(customer: Customer) -> None:
    """Archive the customer."""
    customer.archived_at = timezone.now()
    customer.save()


def take_in(importer: Importer[Any], *texts: str) -> None:
    """Import documents, none of which may be refused."""
    records = [Record(number, text, read_value(text)) for number, text in enumerate(texts, 1)]
    assert [report.bad for report in import_records(importer, records)] == [None] * len(texts)


def take_in_values(importer: Importer[Any], documents: Iterable[Any]) -> None:
    """The same, of documents as Python values."""
    take_in(importer, *(json.dumps(document) for document in documents))


def next_transaction() -> int:
    """PostgreSQL only: a number above those of all transactions that have ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        ((number,),) = cursor.fetchall()
    return int(number)
