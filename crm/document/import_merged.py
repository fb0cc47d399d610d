"""Import the merged customers that a CRM document lists.

Each is kept as its own CRM document. For an unknown ID a merged customer is created, so that the ID finds the survivor;
later documents with that ID change nothing. A known customer with the ID is not merged: only a person decides that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from crm.document.schema import CrmCustomer, encode_customer
from crm.models import MergedRecord
from customers.bulk import create_rows, delete_rows, pieces, sync_rows
from customers.ingest.importer import Incoming
from customers.ingest.matching import Identity, IdentityMatch, match, typed_uuid_of
from customers.ingest.merged_origins import rows_at_origin
from customers.ingest.reader import canonical
from customers.json_types import Remark, within
from customers.models import Customer, Source, SourceRecord
from customers.typed_ids import new_typed_id


@dataclass(slots=True)
class _Nested:
    """A nested customer: its document, the raw value, and where it is in the outer document."""

    incoming: Incoming[CrmCustomer]
    document: CrmCustomer
    value: Any
    path: str
    position: int
    parent: _Nested | None
    row: MergedRecord | None = None


def nested_ids(document: CrmCustomer) -> Iterator[str]:
    """The IDs of all customers merged into this one, at any depth."""
    for nested in document.merged_customers or []:
        yield nested.id
        yield from nested_ids(nested)


def import_merged(batch: list[Incoming[CrmCustomer]], reason: str) -> None:
    """Write the merged customers of each document.

    A list replaces that of an earlier document; an absent list changes nothing. IDs that are no longer listed still
    find the survivor.
    """
    listed = [incoming for incoming in batch if incoming.document.merged_customers is not UNSET]
    if not listed:
        return
    survivors = [incoming.customer for incoming in listed]
    rows = rows_at_origin(MergedRecord.objects.all(), listed, "survivor")
    held = {(str(row.survivor_id), row.crm_id): row for row in rows}
    nested = [
        each
        for incoming in listed
        for each in _each_nested(incoming, incoming.document, incoming.record.value, None)
    ]
    found = match([_identity(each) for each in nested])
    orphans = _merged_without_record(nested, survivors)
    merged: list[Customer] = []
    records: list[SourceRecord] = []
    for each, known in zip(nested, found, strict=True):
        ours = held.get((str(each.incoming.customer.pk), each.document.id))
        tombstone_id = ours.tombstone_id if ours is not None else orphans.get(each.document.id)
        if known.customer is None:
            customer = _merged_customer(each, known)
            merged.append(customer)
            tombstone_id = customer.pk
        if known.customer is None or known.customer.pk == each.incoming.customer.pk:
            if known.record is None:
                records.append(_source_record(each))
        else:
            _remark_on_two(each, known.customer)
        each.row = _merged_record(each, ours, tombstone_id)
    create_rows(merged, reason)
    create_rows(records, reason="")
    _sync(list(held.values()), [each.row for each in nested if each.row is not None], reason)


def _each_nested(
    incoming: Incoming[CrmCustomer], document: CrmCustomer, value: Any, parent: _Nested | None
) -> Iterator[_Nested]:
    """The customers merged into `document`, which was parsed from `value`; outer ones before inner ones."""
    values = value.get("merged_customers") or value.get("mergedCustomers") or []
    path = within(parent.path if parent is not None else "$", "merged_customers")
    for position, nested in enumerate(document.merged_customers or []):
        index, received = _received(values, nested.id, position)
        each = _Nested(incoming, nested, received, within(path, index), position, parent)
        yield each
        yield from _each_nested(incoming, nested, each.value, each)


def _received(values: Any, own_id: str, position: int) -> tuple[int, Any]:
    """The place and the raw value of the customer `own_id`. Some of `values` may not be in the parsed document."""
    for index, value in enumerate(values):
        if isinstance(value, dict) and str(value.get("id")).strip() == own_id:
            return index, value
    return position, {"id": own_id}


def _identity(each: _Nested) -> Identity:
    return Identity(
        source=Source.CRM.value,
        env=each.incoming.identity.env,
        source_id=each.document.id,
        names=(each.document.id,),
    )


def _merged_without_record(nested: list[_Nested], survivors: list[Customer]) -> dict[str, str]:
    """Our own IDs, among those in the documents, of customers merged into `survivors` without a merged record."""
    own = [each.document.id for each in nested if typed_uuid_of(each.document.id)]
    return {
        str(pk): str(pk)
        for piece in pieces(own)
        for pk in Customer.objects.filter(
            pk__in=piece, merged_into__in=survivors, merged_record=None
        ).values_list("pk", flat=True)
    }


def _merged_customer(each: _Nested, known: IdentityMatch) -> Customer:
    return Customer(
        id=known.free_id or new_typed_id("cus"),
        env=each.incoming.identity.env,
        name=each.document.company.name,
        merged_into=each.incoming.customer,
    )


def _source_record(each: _Nested) -> SourceRecord:
    return SourceRecord(
        source=Source.CRM,
        env=each.incoming.identity.env,
        source_id=each.document.id,
        customer=each.incoming.customer,
        came_with_id=each.incoming.came_with_id,
        digest=hashlib.sha256(canonical(each.value)).hexdigest(),
        is_merged=True,
    )


def _remark_on_two(each: _Nested, other: Customer) -> None:
    text = (
        f"“{each.document.id}” is customer {other.pk} here and was not merged."
        f" If they are one customer, merge it into {each.incoming.customer.pk}."
    )
    each.incoming.remarks.append(Remark(within(each.path, "id"), text))


def _merged_record(each: _Nested, ours: MergedRecord | None, tombstone_id: str | None) -> MergedRecord:
    own = msgspec.structs.replace(each.document, merged_customers=UNSET)
    row = MergedRecord(
        survivor=each.incoming.customer,
        came_with_id=each.incoming.came_with_id,
        tombstone_id=tombstone_id,
        parent_id=each.parent.row.pk if each.parent is not None and each.parent.row is not None else None,
        crm_id=each.document.id,
        position=each.position,
        imported=True,
        document=encode_customer(own).decode(),
    )
    if ours is not None:
        row.pk = ours.pk
    return row


def _sync(held: list[MergedRecord], wanted: list[MergedRecord], reason: str) -> None:
    stale: list[MergedRecord] = []
    sync_rows(
        held,
        wanted,
        key=lambda row: (str(row.survivor_id), row.crm_id),
        fields=["tombstone_id", "parent_id", "position", "document"],
        reason=reason,
        retire=stale.extend,
    )
    # Last, because deleting a row cascades to its children, and the update may just have moved some of them.
    delete_rows(stale)
