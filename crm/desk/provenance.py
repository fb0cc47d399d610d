"""Where each value of a customer's company and relationship comes from: a person, a merge, or a crm record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model
from msgspec import UNSET

from crm.document.importer import (
    COMPANY_FIELDS,
    RELATIONSHIP_FIELDS,
    CrmImporter,
    company_values,
    relationship_values,
)
from crm.document.schema import CrmCustomer
from crm.models import Company, Relationship
from customers.ingest.reader import read_value
from customers.json_types import Refused
from customers.models import Customer, ReceivedPayload, Source, SourceRecord
from customers.provenance import FieldProvenance, Saying, beginnings, trace

#: How many crm records of one customer are asked, the one that was received last first.
MOST_RECORDS = 10


@dataclass(frozen=True, slots=True)
class _Said:
    record: SourceRecord
    document: CrmCustomer
    at: datetime
    payload_id: str


@dataclass(frozen=True, slots=True)
class RowProvenance:
    """What there is one of, such as the company, with its fields."""

    row: Model
    fields: list[FieldProvenance]


def crm_provenance_of(customer: Customer, models: Sequence[type[Model]]) -> list[RowProvenance]:
    """The fields of the customer's rows of `models` (company, relationship) that the CRM may set.

    What a record says is what its latest payload says: since when is not known further back than that.
    """
    said = _what_records_say(customer)
    found: list[RowProvenance] = []
    for model, names, values_of in _ROWS:
        row: Any = model._default_manager.filter(customer=customer).first() if model in models else None
        if row is not None:
            found.append(RowProvenance(row, _fields(row, names, values_of, said)))
    return found


def _what_records_say(customer: Customer) -> list[_Said]:
    records = customer.source_records.filter(source=Source.CRM, is_merged=False)
    asked = {record.pk: record for record in records.select_related("came_with")[:MOST_RECORDS]}
    said = []
    for payload in ReceivedPayload.objects.latest_of(asked):
        with suppress(Refused, ValueError):
            document, _ = CrmImporter().parse(read_value(payload.text))
            said.append(_Said(asked[payload.record_id], document, payload.received_at, str(payload.pk)))
    return said


def _fields(
    row: Any,
    names: Sequence[str],
    values_of: Callable[[CrmCustomer], dict[str, Any]],
    said: list[_Said],
) -> list[FieldProvenance]:
    began = beginnings(row, names)
    values = [(each, values_of(each.document)) for each in said]
    fields = []
    for name in names:
        column: Any = row._meta.get_field(name)
        sayings = [
            Saying(
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
        fields.append(trace(name, label, getattr(row, name), began.get(name), sayings, is_pinned=pinned))
    return fields


_ROWS: tuple[tuple[type[Model], Sequence[str], Callable[[CrmCustomer], dict[str, Any]]], ...] = (
    (Company, COMPANY_FIELDS, company_values),
    (Relationship, RELATIONSHIP_FIELDS, relationship_values),
)
