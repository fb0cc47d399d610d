"""Rounds of merging beside the bare UPDATE of as many rows.

The bare UPDATE gives the rows of one table another customer and nothing else: of the table's triggers only those run
that check its foreign keys. Both are timed with their commit, which is where the checks are. Each round makes fresh rows
for both, vacuums, and begins with the other one. Other customers are there because PostgreSQL checks a key in a table of
a few hundred rows by reading it all, which a second key would pay for twice.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from time import perf_counter
from typing import Any, NamedTuple

from django.db import connection, transaction

from billing.ledger.entries import FigureChange, PostingDraft, post
from billing.models import Balance, Feature, Grant, Invoice, Posting
from crm.dedupe.merges.merge import merge
from crm.dedupe.merges.unmerge import unmerge
from crm.models import Note
from customers import clock
from customers.models import Address, Customer

_BATCH = 2000
_ROWS: dict[str, Callable[[Any, int], Any]] = {
    "notes": lambda customer, number: Note(customer=customer, body=f"Note {number}"),
    "addresses": lambda customer, number: Address(customer=customer, line1=f"{number} Main Street"),
    "invoices": lambda customer, number: Invoice(
        customer=customer, status="open", currency="USD", total=number
    ),
}
_MODELS: dict[str, Any] = {"notes": Note, "addresses": Address, "invoices": Invoice, "grants": Grant}


class Round(NamedTuple):
    """Seconds: of the bare UPDATE, of a merge, and of undoing it."""

    bare: float
    merged: float
    undone: float


def make_customers(count: int) -> None:
    """Customers that have nothing to do with it."""
    Customer.objects.bulk_create(
        (Customer(name=f"Customer {number}") for number in range(count)), batch_size=_BATCH
    )


def measure(name: str, count: int, *, bare_first: bool) -> Round:
    """One round over `count` rows of a kind."""
    with transaction.atomic():
        customers = [Customer.objects.create(name=f"Customer {number}") for number in range(4)]
        giver, taker, other, survivor = customers
        for customer in (giver, other):
            _make(name, customer, count)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    plain = _update(name, giver, taker) if bare_first else 0.0
    merged = _seconds(lambda: merge(str(survivor.pk), [str(other.pk)]))
    if not bare_first:
        plain = _update(name, giver, taker)
    return Round(plain, merged, _seconds(lambda: unmerge(survivor.merges.get())))


def _make(name: str, customer: Customer, count: int) -> None:
    if name == "grants":
        _grant(customer, count)
        return
    for start in range(0, count, _BATCH):
        numbers = range(start, min(start + _BATCH, count))
        _MODELS[name].objects.bulk_create([_ROWS[name](customer, number) for number in numbers])


def _grant(customer: Customer, count: int) -> None:
    feature, _ = Feature.objects.get_or_create(feature_id="calls", defaults={"name": "Calls"})
    balance = Balance.objects.create(customer=customer, feature=feature)
    rows = [Grant(balance=balance) for _ in range(count)]
    for start in range(0, count, 500):
        changes = [
            FigureChange(row, figure, Decimal(5))
            for row in rows[start : start + 500]
            for figure in ("included_grant", "usage")
        ]
        post(
            PostingDraft(
                customer_id=str(customer.pk),
                kind=Posting.Kind.GRANT,
                occurred_at=clock.now(),
                done_by="bench",
                changes=changes,
            )
        )


def _update(name: str, giver: Customer, taker: Customer) -> float:
    """Seconds of the bare UPDATE, with its commit."""
    model, column, old, new = _MODELS[name], "customer", giver.pk, taker.pk
    if name == "grants":
        balance = Balance.objects.get(customer=giver)
        column, old = "balance", balance.pk
        new = Balance.objects.create(customer=taker, feature=balance.feature).pk
    field = model._meta.get_field(column)
    values = [field.get_db_prep_value(key, connection, prepared=False) for key in (new, old)]
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        start = perf_counter()
        cursor.execute(f"UPDATE {table} SET {field.column} = %s WHERE {field.column} = %s", values)
        taken = perf_counter() - start
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    return taken


def _seconds(work: Callable[[], Any]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start
