"""Documents taken in through the engine, and the rows counted that they became."""

import io
import json
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connection

from customers.document.importer import PaymentsImporter
from customers.document.renderer import render_customers
from customers.ingest.engine import import_records
from customers.ingest.importer import Importer, ImportOutcome, ImportReport
from customers.ingest.reader import BadRecord, Record, read_records
from customers.json_types import encode
from customers.models import Customer, SourceRecord
from tests.strategies_payments import Json


def read(*payloads: Json) -> Iterator[Record | BadRecord]:
    """The payloads as the records of one file."""
    return read_records(io.BytesIO(json.dumps(payloads).encode()))


def take(importer: Importer[Any], *payloads: Json, **options: Any) -> list[ImportReport]:
    """Import `payloads` as one file."""
    return list(import_records(importer, read(*payloads), **options))


def take_payments(*payloads: Json) -> list[ImportReport]:
    """Import payments documents, none of which may be refused."""
    reports = take(PaymentsImporter(), *payloads)
    assert [report.bad for report in reports if report.bad] == []
    return reports


def outcomes(reports: list[ImportReport]) -> list[ImportOutcome]:
    return [report.outcome for report in reports]


def exported(customer: Customer) -> Any:
    """The payments document with its lists, as JSON is read."""
    [document] = render_customers([Customer.objects.get(pk=customer.pk)], embedded=True)
    return json.loads(encode(document))


def customer_of(source: str, source_id: str, env: str = "live") -> Customer:
    """The customer that a record of a source leads to."""
    return SourceRecord.objects.get(source=source, source_id=source_id, env=env).customer


def row_counts() -> dict[str, int]:
    """How many rows every table of the product holds, history and received payloads included."""
    tables = [
        model._meta.db_table
        for name in ("customers", "billing", "crm")
        for model in apps.get_app_config(name).get_models(include_auto_created=True)
    ]
    with connection.cursor() as cursor:
        counts = {}
        for table in tables:
            cursor.execute(f'SELECT COUNT(*) FROM "{table}"')
            counts[table] = cursor.fetchone()[0]
    return counts


def payment(number: int | str, **changes: Any) -> Json:
    """A payments document of somebody."""
    return {"id": f"p{number}", "name": f"Customer {number}", "email": f"c{number}@example.com", **changes}
