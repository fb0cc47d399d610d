"""Keep what documents say that their types can't hold, and put it back into the documents that we send.

It belongs to the source record that it came with. A document that is made of several records of one source gets what each
of them brought, the customer's own record first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from customers.ingest.accounts import by_account, places_of, rows_of_accounts
from customers.ingest.reader import read_value
from customers.json_types import JsonDocument, Kept, encode, give_back, kept_since, not_understood, to_plain
from customers.models import Customer, Source, SourceRecord


def updated_text(record: SourceRecord, received: Any, taken: JsonDocument) -> str:
    """`SourceRecord.not_understood` after a document.

    `received` is the document as it came, in the spelling of `taken`, which has all of it that we show.
    """
    kept = not_understood(type(taken), received, to_plain(taken))
    before = read_kept(record)
    kept = kept_since(before, received, kept)
    if kept == before:
        # The order of keys says nothing.
        return record.not_understood
    return encode(kept).decode() if kept else ""


def read_kept(record: SourceRecord) -> Kept:
    """What is kept of the documents of `record`."""
    return _read(record.not_understood)


def with_not_understood(
    documents: Sequence[JsonDocument], customers: Sequence[Customer], source: Source
) -> list[Any]:
    """The documents of these customers, in order; those that get something back are plain JSON. One query."""
    return _given_back(documents, customers, _kept_by_customer(customers, source))


def accounts_with_not_understood(
    documents: Sequence[JsonDocument], accounts: Sequence[Customer], source: Source
) -> list[Any]:
    """As `with_not_understood`, for documents of the accounts of these customers, merged or not."""
    records = SourceRecord.objects.filter(source=source).exclude(not_understood="").order_by("pk")
    kept = {
        key: [_read(record.not_understood) for record in held]
        for key, held in by_account(rows_of_accounts(records, places_of(accounts))).items()
    }
    return _given_back(documents, accounts, kept)


def _given_back(
    documents: Sequence[JsonDocument], customers: Sequence[Customer], kept: Mapping[str, Sequence[Kept]]
) -> list[Any]:
    return [
        _plain(document, kept[str(customer.pk)]) if str(customer.pk) in kept else document
        for document, customer in zip(documents, customers, strict=True)
    ]


def _plain(document: JsonDocument, kept: Sequence[Kept]) -> Any:
    plain = to_plain(document)
    for each in kept:
        give_back(type(document), plain, each)
    return plain


def _kept_by_customer(customers: Sequence[Customer], source: Source) -> dict[str, list[Kept]]:
    found: dict[str, list[Kept]] = defaultdict(list)
    records = SourceRecord.objects.filter(customer__in=customers, source=source).exclude(not_understood="")
    if source == Source.CRM:
        # The documents of merged customers are nested, and have their own place.
        records = records.filter(came_with=None)
    rows = records.order_by("pk").values_list("customer", "came_with", "not_understood")
    for customer_id, _, text in sorted(rows, key=lambda row: row[1] is not None):
        found[str(customer_id)].append(_read(text))
    return found


def _read(text: str) -> Kept:
    kept = read_value(text) if text else {}
    assert isinstance(kept, dict)  # noqa: S101 - `updated_text` wrote it
    return kept
