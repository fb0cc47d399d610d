"""Where each value of a customer's company and account details comes from: a person, a merge, or a CRM record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model
from msgspec import UNSET

from crm.document.importer import CrmImporter
from crm.document.reported import (
    COMPANY_FIELDS,
    RELATIONSHIP_FIELDS,
    company_values,
    relationship_values,
)
from crm.document.schema import CrmCustomer
from crm.models import Company, Relationship
from customers.ingest.reader import read_value
from customers.json_types import Refused
from customers.models import Customer, ReceivedPayload, Source, SourceRecord
from customers.provenance import FieldProvenance, SourceClaim, first_changes, trace

#: CRM records of one customer that are read, the last received first.
MOST_RECORDS = 10


@dataclass(frozen=True, slots=True)
class _ReceivedDocument:
    record: SourceRecord
    document: CrmCustomer
    at: datetime
    payload_id: str


@dataclass(frozen=True, slots=True)
class RowProvenance:
    """The company or the account details of a customer, with the provenance of each field."""

    row: Model
    fields: list[FieldProvenance]


def crm_provenance_of(customer: Customer, models: Sequence[type[Model]]) -> list[RowProvenance]:
    """The fields of the customer's rows of `models` (company, relationship) that the CRM can set.

    Only the latest document of each record is read, so a value counts as given since then, though it may be older.
    """
    received = _latest_documents(customer)
    found: list[RowProvenance] = []
    for model, names, values_of in _ROWS:
        row: Any = model._default_manager.filter(customer=customer).first() if model in models else None
        if row is not None:
            found.append(RowProvenance(row, _fields(row, names, values_of, received)))
    return found


def _latest_documents(customer: Customer) -> list[_ReceivedDocument]:
    rows = customer.source_records.filter(source=Source.CRM, is_merged=False)
    records = {record.pk: record for record in rows.select_related("came_with")[:MOST_RECORDS]}
    received = []
    for payload in ReceivedPayload.objects.latest_of(records):
        # A document of an older version of this program may not parse any more.
        with suppress(Refused, ValueError):
            document, _ = CrmImporter().parse(read_value(payload.text))
            record = records[payload.record_id]
            received.append(_ReceivedDocument(record, document, payload.received_at, str(payload.pk)))
    return received


def _fields(
    row: Any,
    names: Sequence[str],
    values_of: Callable[[CrmCustomer], dict[str, Any]],
    received: list[_ReceivedDocument],
) -> list[FieldProvenance]:
    began = first_changes(row, names)
    values = [(each, values_of(each.document)) for each in received]
    fields = []
    for name in names:
        column: Any = row._meta.get_field(name)
        claims_of_sources = [
            SourceClaim(
                each.record,
                column.get_default() if given[name] is None else given[name],
                each.at,
                each.payload_id,
            )
            for each, given in values
            if given.get(name, UNSET) is not UNSET
        ]
        pinned = name in getattr(row, "pinned_fields", ())
        label = str(column.verbose_name)
        fields.append(
            trace(name, label, getattr(row, name), began.get(name), claims_of_sources, is_pinned=pinned)
        )
    return fields


_ROWS: tuple[tuple[type[Model], Sequence[str], Callable[[CrmCustomer], dict[str, Any]]], ...] = (
    (Company, COMPANY_FIELDS, company_values),
    (Relationship, RELATIONSHIP_FIELDS, relationship_values),
)
