"""What is measured, and against what."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from billing.document.renderer import render_customers as render_billing
from billing.document.schema import EXPANDABLE
from crm.demo.documents import demo_documents
from crm.demo.load import IMPORTERS
from crm.document.renderer import render_customers as render_crm
from customers.document.renderer import render_customers as render_payments
from customers.ingest.engine import import_records
from customers.ingest.reader import read_records
from customers.json_types import encode
from customers.models import Customer

Measure = tuple[str, Callable[[], object], Callable[[], object]]

PAGE = 50


def measures(customers: int) -> Iterator[Measure]:
    """Name, our work, and the least that could do it; in order, for later ones need what earlier ones wrote."""
    documents = demo_documents(customers, datetime(2026, 1, 15, tzinfo=UTC))
    texts = {source: json.dumps(each).encode() for source, each in documents.items()}
    everything = b"[" + b",".join(text[1:-1] for text in texts.values()) + b"]"
    yield "read every record strictly / json.loads", lambda: _read(everything), lambda: json.loads(everything)
    for source, text in texts.items():
        yield (
            f"import {source} / bulk_create of bare rows",
            lambda source=source, text=text: _import(source, text),
            lambda source=source: _bare_rows(len(documents[source])),
        )
        yield (
            f"import {source} again / strict reading alone",
            lambda source=source, text=text: _import(source, text),
            lambda text=text: _read(text),
        )
    renderers: dict[str, Callable[[list[Customer]], Any]] = {
        "payments": render_payments,
        "billing": lambda page: render_billing(page, EXPANDABLE),
        "crm": render_crm,
    }
    for name, render in renderers.items():
        yield (
            f"{PAGE} {name} documents / the customers' rows alone",
            lambda render=render: [encode(render(_page())) for _ in range(10)],
            lambda: [_page() for _ in range(10)],
        )


def _read(text: bytes) -> int:
    return sum(1 for _ in read_records(io.BytesIO(text)))


def _import(source: str, text: bytes) -> int:
    return sum(1 for _ in import_records(IMPORTERS[source](), read_records(io.BytesIO(text))))


def _bare_rows(number: int) -> None:
    """The rows alone, without history, provenance or lists; undone at once."""
    with transaction.atomic():
        Customer.objects.bulk_create(
            [Customer(name=f"Row {place}") for place in range(number)], batch_size=500
        )
        transaction.set_rollback(True)


def _page() -> list[Customer]:
    return list(Customer.objects.unmerged().order_by("-created_at", "-id")[:PAGE])
