"""Import CRM documents: account details, company, domains, custom fields, people, merged customers.

At every level, an absent key changes nothing and an empty value empties the column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db import models
from msgspec import UNSET

from crm.document.import_merged import import_merged, nested_ids
from crm.document.import_people import import_people
from crm.document.reported import (
    COMPANY_FIELDS,
    RELATIONSHIP_FIELDS,
    company_values,
    relationship_values,
    resolve_reported,
    shared_customers,
)
from crm.document.schema import CrmCustomer, parse_customer
from crm.models import Company, CustomField, Domain, Relationship
from customers.bulk import assign_values, create_rows, sync_rows, update_rows
from customers.configuration.table import DEFAULT_CURRENCY
from customers.configuration.values import value_of
from customers.document.importer import present
from customers.ingest.importer import Incoming
from customers.ingest.matching import Identity
from customers.ingest.merged_origins import rows_at_origin
from customers.ingest.signs import Signs
from customers.json_types import Remark
from customers.json_types.keys import snake_case
from customers.models import Source
from customers.readings.mailboxes import read_host
from customers.readings.phones import read_phone

CUSTOM_FIELD_VALUES = (
    "display_label",
    "string_value",
    "string_list_value",
    "number_value",
    "boolean_value",
)
M = TypeVar("M", bound=models.Model)


class CrmImporter:
    source = Source.CRM.value

    def parse(self, value: object) -> tuple[CrmCustomer, list[Remark]]:
        return parse_customer(value)

    def spelled(self, value: Any) -> Any:
        return snake_case(CrmCustomer, value)

    def identify(self, document: CrmCustomer) -> Identity:
        """A CRM customer is identified by its ID and always live; it mentions those merged into it."""
        return Identity(
            source=self.source,
            env="live",
            source_id=document.id,
            names=(document.id,),
            mentions=tuple(nested_ids(document)),
            signs=_signs_of(document),
        )

    def shown(self, document: CrmCustomer) -> CrmCustomer:
        return document

    def claims(self, document: CrmCustomer) -> dict[str, Any]:
        """The company's name is the customer's name."""
        return {"name": document.company.name or None}

    def apply(self, batch: list[Incoming[CrmCustomer]], reason: str) -> None:
        _apply_reported(batch, reason)
        _apply_domains(batch, reason)
        _apply_custom_fields(batch, reason)
        import_people(batch, reason)
        import_merged(batch, reason)


def _signs_of(document: CrmCustomer) -> Signs:
    company = document.company
    links = [*(present(document.domains) or ()), *map(str, present(company.website_urls) or ())]
    return Signs(
        names=frozenset(filter(None, [company.name])),
        phones=frozenset(filter(None, [read_phone(present(company.phone) or "")])),
        domains=frozenset(filter(None, map(read_host, links))),
    )


def _apply_reported(batch: list[Incoming[CrmCustomer]], reason: str) -> None:
    """Write the account details and the company; where a customer has several CRM records, of what all of them say."""
    shared = shared_customers([incoming.customer for incoming in batch])
    together = [incoming for incoming in batch if str(incoming.customer.pk) in shared]
    alone = [incoming for incoming in batch if str(incoming.customer.pk) not in shared]
    _apply_relationships(alone, reason)
    _apply_companies(alone, reason)
    if together:
        arriving = {incoming.identity.source_id: incoming.document for incoming in together}
        resolve_reported([incoming.customer for incoming in together], reason, arriving=arriving)


def _apply_relationships(batch: list[Incoming[CrmCustomer]], reason: str) -> None:
    defaults = {"currency": value_of(DEFAULT_CURRENCY)}
    _write_one_to_one(Relationship, batch, _relationship_values, RELATIONSHIP_FIELDS, reason, defaults)


def _apply_companies(batch: list[Incoming[CrmCustomer]], reason: str) -> None:
    _write_one_to_one(
        Company, batch, lambda _, document: company_values(document), COMPANY_FIELDS, reason, {}
    )


def _relationship_values(incoming: Incoming[CrmCustomer], document: CrmCustomer) -> dict[str, Any]:
    given = relationship_values(document)
    # We export our own ID for a customer that the CRM didn't give one; it isn't a CRM ID.
    if document.id in (incoming.customer.pk, incoming.came_with_id):
        given["crm_id"] = UNSET
    return given


def _write_one_to_one(
    model: type[M],
    batch: list[Incoming[CrmCustomer]],
    values_of: Callable[[Incoming[CrmCustomer], CrmCustomer], dict[str, Any]],
    fields: Sequence[str],
    reason: str,
    defaults: dict[str, Any],
) -> None:
    """Create or update each customer's one row of `model` from the values that `values_of` returns for its document."""
    rows: Any = model._default_manager.filter(customer__in=[incoming.customer for incoming in batch])
    held = {str(row.customer_id): row for row in rows}
    new: list[M] = []
    changed: list[M] = []
    for incoming in batch:
        customer_id = str(incoming.customer.pk)
        row = held.get(customer_id)
        if row is None:
            row = model(customer_id=customer_id, came_with_id=incoming.came_with_id, **defaults)
        differs = assign_values(row, values_of(incoming, incoming.document))
        if customer_id not in held:
            new.append(row)
        elif differs:
            changed.append(row)
    create_rows(new, reason)
    update_rows(changed, fields, reason)


def _apply_domains(batch: list[Incoming[CrmCustomer]], reason: str) -> None:
    wanted = [
        Domain(
            customer=incoming.customer,
            came_with_id=incoming.came_with_id,
            name=name,
            position=position,
            imported=True,
        )
        for incoming in batch
        for position, name in enumerate(incoming.document.domains or [])
    ]
    listed = [incoming for incoming in batch if incoming.document.domains is not UNSET]
    sync_rows(
        rows_at_origin(Domain.objects.all(), listed),
        wanted,
        key=lambda row: (str(row.customer_id), row.name),
        fields=["position"],
        reason=reason,
    )


def _apply_custom_fields(batch: list[Incoming[CrmCustomer]], reason: str) -> None:
    sent = [(incoming, _custom_data(incoming.document)) for incoming in batch]
    wanted = [
        CustomField(
            customer=incoming.customer,
            came_with_id=incoming.came_with_id,
            key=key,
            position=position,
            imported=True,
            **{name: present(getattr(value, name)) for name in CUSTOM_FIELD_VALUES},
        )
        for incoming, custom_data in sent
        for position, (key, value) in enumerate((custom_data or {}).items())
    ]
    listed = [incoming for incoming, custom_data in sent if custom_data is not UNSET]
    sync_rows(
        rows_at_origin(CustomField.objects.all(), listed),
        wanted,
        key=lambda row: (str(row.customer_id), row.key),
        fields=["position", *CUSTOM_FIELD_VALUES],
        reason=reason,
    )


def _custom_data(document: CrmCustomer) -> Any:
    """The custom data by key; UNSET changes nothing, None empties it."""
    if document.metadata is UNSET or document.metadata is None:
        return document.metadata
    return document.metadata.custom_data
