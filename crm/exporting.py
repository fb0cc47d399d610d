"""Customers as a stream of documents: what a file of them is written from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import connection, transaction

from billing.documents import EXPANDABLE
from billing.filters import OLDEST_FIRST as BILLED_FIRST
from billing.filters import billed_customers
from billing.rendering import render_customers as render_billing
from crm.documents import encode_customer
from crm.key_case import Case
from crm.rendering import render_customers as render_crm
from customers.api.paging import Order, in_order, orders_by_time
from customers.models import Customer, Source
from customers.models.customer import CustomerQuerySet
from customers.rendering import render_customers as render_payments
from customers.wire import encode

BATCH = 500


@dataclass(frozen=True, slots=True)
class _Format:
    """How documents of one type are made, and a key by which they stand in the same order after an import."""

    encode: Callable[[Sequence[Customer], Case], list[bytes]]
    order: Order


def _payments(customers: Sequence[Customer], case: Case) -> list[bytes]:
    return [encode(document) for document in render_payments(customers, embedded=True)]


def _billing(customers: Sequence[Customer], case: Case) -> list[bytes]:
    return [encode(document) for document in render_billing(customers, EXPANDABLE)]


def _crm(customers: Sequence[Customer], case: Case) -> list[bytes]:
    return [encode_customer(document, case) for document in render_crm(customers)]


_MADE_FIRST, _ = orders_by_time("created_at")
_FORMATS = {
    Source.PAYMENTS: _Format(_payments, _MADE_FIRST),
    Source.BILLING: _Format(_billing, BILLED_FIRST),
    Source.CRM: _Format(_crm, _MADE_FIRST),
}


def customers_to_export(env: str | None = None) -> CustomerQuerySet:
    """Those who have a document of their own: archived customers, too; a merged one is part of another's."""
    customers = billed_customers()
    return customers.filter(env=env) if env else customers


def exported(source: Source, customers: CustomerQuerySet, case: Case = "snake") -> Iterator[bytes]:
    """The whole document of each of `customers`, in the format of `source`, as JSON; the oldest customer first.

    Only `BATCH` of them are in memory at a time, and each batch takes the same number of queries. `case` is the
    style of the crm document's keys.
    """
    chosen = _FORMATS[source]
    rows = in_order(customers, chosen.order).iterator(chunk_size=BATCH)
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
