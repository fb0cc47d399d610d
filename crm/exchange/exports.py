"""Customers as a stream of documents: what a file of them is written from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from billing.document.renderer import render_customers as render_billing
from billing.document.schema import EXPANDABLE
from crm.document.key_case import Case
from crm.document.renderer import render_customers as render_crm
from crm.document.schema import encode_customer
from customers.document.renderer import render_customers as render_payments
from customers.json_types import encode
from customers.models import Customer, Source
from customers.models.customer import CustomerQuerySet

BATCH = 500


@dataclass(frozen=True, slots=True)
class _Format:
    """How documents of one type are made, and whose key gives their order.

    Keys rise in the order in which rows are made, and a payments document carries its customer's own. So what is
    imported into an empty database comes out in the order in which it went in.
    """

    encode: Callable[[Sequence[Customer], Case], list[bytes]]
    made_with: str


def _payments(customers: Sequence[Customer], case: Case) -> list[bytes]:
    return [encode(document) for document in render_payments(customers, embedded=True)]


def _billing(customers: Sequence[Customer], case: Case) -> list[bytes]:
    return [encode(document) for document in render_billing(customers, EXPANDABLE)]


def _crm(customers: Sequence[Customer], case: Case) -> list[bytes]:
    return [encode_customer(document, case) for document in render_crm(customers)]


_FORMATS = {
    Source.PAYMENTS: _Format(_payments, "pk"),
    Source.BILLING: _Format(_billing, "billing_account__pk"),
    Source.CRM: _Format(_crm, "relationship__pk"),
}


def customers_to_export(env: str | None = None) -> CustomerQuerySet:
    """Those who have a document of their own: archived customers, too; a merged one is part of another's."""
    customers = Customer.objects.unmerged()
    return customers.filter(env=env) if env else customers


def exported(source: Source, customers: CustomerQuerySet, case: Case = "snake") -> Iterator[bytes]:
    """The whole document of each of `customers`, in the format of `source`, as JSON; the first to arrive comes first.

    Only `BATCH` of them are in memory at a time, and each batch takes the same number of queries. `case` is the
    style of the crm document's keys.
    """
    chosen = _FORMATS[source]
    arrival = F(chosen.made_with).asc(nulls_last=True)
    rows = customers.order_by(arrival, "pk").iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        yield from chosen.encode(batch, case)


@contextmanager
def one_snapshot() -> Iterator[None]:
    """What is read inside is of one moment, and nobody who writes meanwhile has to wait.

    Inside a transaction, that transaction decides.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    else:
        with _without_write_lock(), transaction.atomic():
            yield


@contextmanager
def _without_write_lock() -> Iterator[None]:
    """SQLite's transactions begin with the lock for writing, by our settings; reading needs none."""
    sqlite: Any = connection
    sqlite.ensure_connection()
    usual = sqlite.transaction_mode
    sqlite.transaction_mode = "DEFERRED"
    try:
        yield
    finally:
        sqlite.transaction_mode = usual
