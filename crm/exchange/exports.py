"""Customers as a stream of documents, one for each account, for files that can be imported again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from billing.document.renderer import render_accounts as render_billing
from billing.document.schema import EXPANDABLE
from billing.models import Balance, BillingAccount, Invoice, Purchase, Subscription
from crm.desk.batches import in_batches
from crm.document.renderer import render_accounts as render_crm
from customers.document.renderer import render_accounts as render_payments
from customers.ingest.accounts import account_of, places_of, rows_of_accounts, with_joined_accounts
from customers.ingest.matching import STAND_INS
from customers.ingest.not_understood import accounts_with_not_understood
from customers.json_types import encode
from customers.json_types.keys import Case
from customers.models import Address, Business, Customer, CustomerRow, PaymentMethod, Source, SourceRecord
from customers.models.customer import CustomerQuerySet

#: Customers that are in memory at a time.
BATCH = 500


@dataclass(frozen=True, slots=True)
class _SourceFormat:
    """How documents of one source are made, and the key that sorts them.

    Keys sort by the time at which their row was made, and that row is made by the source's import. So documents that
    were imported into an empty database are exported in the same order.
    """

    encode: Callable[[Sequence[Customer], Case], list[bytes]]
    sort_key: Any
    #: The rows that a customer's own document is about, beside what its records say.
    own_rows: tuple[type[CustomerRow], ...] = ()


def _payments(accounts: Sequence[Customer], case: Case) -> list[bytes]:
    documents = accounts_with_not_understood(render_payments(accounts), accounts, Source.PAYMENTS)
    return [encode(document) for document in documents]


def _billing(accounts: Sequence[Customer], case: Case) -> list[bytes]:
    documents = render_billing(accounts, EXPANDABLE)
    records = SourceRecord.objects.filter(source=Source.BILLING)
    nameless = {
        account_of(record)
        for record in rows_of_accounts(records, places_of(accounts))
        if record.source_id.startswith(STAND_INS)
    }
    for account, document in zip(accounts, documents, strict=True):
        # Without an ID, an import would make another customer of it.
        if document.id is None and str(account.pk) not in nameless:
            document.id = str(account.pk)
    return [
        encode(document) for document in accounts_with_not_understood(documents, accounts, Source.BILLING)
    ]


def _crm(accounts: Sequence[Customer], case: Case) -> list[bytes]:
    return [encode(document) for document in render_crm(accounts, case)]


_BILLING_ACCOUNTS = BillingAccount.objects.order_by().values("pk")
_FORMATS = {
    Source.PAYMENTS: _SourceFormat(_payments, F("pk"), (Address, Business, PaymentMethod)),
    Source.BILLING: _SourceFormat(
        _billing,
        Coalesce(
            Subquery(_BILLING_ACCOUNTS.filter(came_with=OuterRef("pk"))),
            Subquery(_BILLING_ACCOUNTS.filter(customer=OuterRef("pk"), came_with=None)),
        ),
        (BillingAccount, Balance, Subscription, Purchase, Invoice),
    ),
    Source.CRM: _SourceFormat(_crm, F("relationship__pk")),
}


def customers_to_export(env: str | None = None) -> CustomerQuerySet:
    """All customers that are not merged, archived ones too."""
    customers = Customer.objects.unmerged()
    return customers.filter(env=env) if env else customers


def exported(
    source: Source, customers: CustomerQuerySet, case: Case = "snake", skipped: list[str] | None = None
) -> Iterator[bytes]:
    """The complete documents of `customers` in the format of `source`, as JSON, in the order of their import.

    Each customer has one, and one for each record of the source that joined it: so every record gets its own back. A
    customer that has only joined records of the source, and nothing of its own, has no other document.

    A customer that fails is logged, left out, and its ID added to `skipped`. Each batch takes the same number of
    queries. `case` is the style of the CRM document's keys.
    """
    chosen = _FORMATS[source]

    def documents(keys: Sequence[str]) -> list[bytes]:
        rows = {str(row.pk): row for row in Customer.objects.filter(pk__in=keys)}
        return chosen.encode([rows[key] for key in keys], case)

    accounts = with_joined_accounts(customers, source, chosen.own_rows)
    ordered = accounts.order_by(chosen.sort_key.asc(nulls_last=True), "pk").values_list("pk", flat=True)
    keys = (str(key) for key in ordered.iterator(chunk_size=BATCH))
    for done in in_batches(keys, BATCH, documents, "documents"):
        if done.value is not None:
            yield from done.value
        elif skipped is not None:
            skipped += done.customer_ids


@contextmanager
def one_snapshot() -> Iterator[None]:
    """Read everything inside as of one moment, without blocking writers.

    Inside a transaction it does nothing: that transaction's isolation applies.
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
    """Begin SQLite's transactions without the write lock that the settings ask for."""
    sqlite: Any = connection
    sqlite.ensure_connection()
    usual = sqlite.transaction_mode
    sqlite.transaction_mode = "DEFERRED"
    try:
        yield
    finally:
        sqlite.transaction_mode = usual
