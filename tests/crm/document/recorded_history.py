"""Customers whose life is watched: what their documents were at each moment, to be compared with later."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any
from unittest.mock import patch

from django.test import Client

from billing.document.as_of import render_known as billing_known
from billing.document.renderer import render_customers as render_billing
from billing.document.schema import EXPANDABLE
from crm.document.as_of import render_known as crm_known
from crm.document.renderer import render_customers as render_crm
from crm.document.schema import encode_customer
from customers.document.renderer import render_customers as render_payments
from customers.document.renderer import render_known as payments_known
from customers.ingest.engine import import_records
from customers.ingest.importer import Importer
from customers.ingest.reader import Record, read_value
from customers.json_types import encode
from customers.lookup import find_customer, find_customer_at
from customers.models import ApiToken, Customer

#: What documents show of the catalog is shown as it is now.
EXPAND = sorted(name for name in EXPANDABLE if "." not in name)
ADDRESSES = (
    "/api/v1/customers/{}",
    f"/api/v1/billing/customers/{{}}?expand={','.join(EXPAND)}",
    "/api/v1/crm/customers/{}",
)

BEGINNING = datetime(2026, 1, 31, 8, tzinfo=UTC)


class Life:
    """A clock that stands still until it is moved on, and the documents of all customers as they were noted."""

    def __init__(self) -> None:
        self.now = BEGINNING
        self.noted: list[tuple[datetime, str, list[bytes]]] = []
        self.unknown: list[tuple[datetime, str]] = []

    @contextmanager
    def lived(self) -> Iterator[Life]:
        """Inside, it is what the clock says."""
        with patch("django.utils.timezone.now", lambda: self.now):
            yield self

    def go_on(self, **time: float) -> None:
        """Move the clock."""
        self.now += timedelta(**time)

    def note(self) -> None:
        """Note how the documents of everybody are now."""
        for key in map(str, Customer.objects.values_list("pk", flat=True)):
            if not any(key == known for _, known, _ in self.noted):
                self.unknown.append((self.now - timedelta(milliseconds=1), key))
            self.noted.append((self.now, key, documents_now(key)))

    def assert_remembered(self) -> None:
        """Every document is as it was noted, when it is asked for as of then.

        While a customer's stay the same, they are asked for as of the first and the last time that they were noted.
        """
        for key in dict.fromkeys(key for _, key, _ in self.noted):
            ours = [(moment, documents) for moment, known, documents in self.noted if known == key]
            for _, alike in groupby(ours, key=itemgetter(1)):
                (first, documents), *others = alike
                for moment in (first, *(moment for moment, _ in others[-1:])):
                    assert documents_then(key, moment) == documents, (moment, key)


def documents_now(key: str) -> list[bytes]:
    """The three documents of a customer, or of the one it is part of, with all their lists."""
    customer = find_customer(key)
    return [
        encode(render_payments([customer], embedded=True)[0]),
        encode(render_billing([customer], EXPAND)[0]),
        encode_customer(render_crm([customer])[0]),
    ]


def documents_then(key: str, moment: datetime) -> list[bytes]:
    """The same as they were known at a moment."""
    known = find_customer_at(key, moment)
    return [
        encode(payments_known(known, embedded=True)),
        encode(billing_known(known, EXPAND)),
        encode_customer(crm_known(known)),
    ]


def take_what_fits(importer: Importer[Any], document: Any) -> None:
    """Import one document; it may be refused."""
    text = json.dumps(document)
    list(import_records(importer, [Record(1, text, read_value(text))]))


def reader() -> Client:
    """A program with a token."""
    return Client(headers={"authorization": f"Bearer {ApiToken.issue('lives')[1]}"})
