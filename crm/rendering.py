"""Show customers as crm documents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.db.models import Count, OuterRef, Subquery, prefetch_related_objects
from msgspec import UNSET, UnsetType

from billing.documents import NonNegative, Whole
from crm.crm_import import COMPANY_FIELDS, CUSTOM_FIELD_VALUES
from crm.documents import (
    CrmCompany,
    CrmCustomDataValue,
    CrmCustomer,
    CrmCustomerMetadata,
    CrmPerson,
    CrmPersonMetadata,
    CrmSocialNetwork,
)
from crm.models import Company, Document, MergedRecord, Note, Person, Relationship
from crm.people_import import METADATA_FIELDS
from customers.models import Customer, shown_once
from customers.reader import read_value
from customers.wire import IsoDate, Number, parse

#: As many managers above one another as a document that we read can hold.
_MANAGER_LEVELS = 30

_LISTS = ("domains", "custom_fields", "contacts__person", "merged_records")


def render_customers(customers: Sequence[Customer]) -> list[CrmCustomer]:
    """The crm document of each customer, in order.

    Documents and notes are our own where there are any, else what the CRM reported. The number of queries does
    not depend on how many customers there are; it grows by one with each level of managers.
    """
    prefetch_related_objects(customers, "relationship", "company", *_LISTS)
    people = _managers([contact.person for customer in customers for contact in customer.contacts.all()])
    counts = _document_counts(customers)
    notes = _notes(customers)
    return [
        _customer(customer, people, counts.get(customer.pk), notes.get(customer.pk)) for customer in customers
    ]


def _managers(contacts: Iterable[Person]) -> dict[str, Person]:
    """`contacts` and all who manage them, by id."""
    people = {person.pk: person for person in contacts}
    for _ in range(_MANAGER_LEVELS):
        missing = {person.manager_id for person in people.values() if person.manager_id} - people.keys()
        if not missing:
            break
        people |= {person.pk: person for person in Person.objects.filter(pk__in=missing)}
    return people


def _document_counts(customers: Sequence[Customer]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    kinds = Document.objects.filter(customer__in=customers).order_by("type").values_list("customer", "type")
    for customer_id, kind, count in kinds.annotate(count=Count("pk")):
        counts[customer_id][kind] = count
    return counts


def _notes(customers: Sequence[Customer]) -> dict[str, str]:
    """The summary of each customer, or else the newest note."""
    first = Note.objects.filter(customer=OuterRef("pk")).order_by("-is_summary", "-created_at", "-pk")
    chosen = Customer.objects.filter(pk__in=[customer.pk for customer in customers]).values(
        note=Subquery(first.values("pk")[:1])
    )
    notes = Note.objects.filter(pk__in=chosen)
    return {str(note.customer_id): note.body for note in notes}


def _customer(
    customer: Customer, people: dict[str, Person], counts: dict[str, int] | None, note: str | None
) -> CrmCustomer:
    relationship: Relationship | None = getattr(customer, "relationship", None)
    reported = relationship or Relationship()
    counted = counts or reported.reported_document_counts
    return CrmCustomer(
        id=reported.crm_id or str(customer.pk),
        company=_company(customer),
        domains=[domain.name for domain in shown_once(customer.domains.all(), lambda row: row.name)],
        document_counts={kind: Whole(count) for kind, count in counted.items()},
        poc=[
            _person(contact.person, people)
            for contact in shown_once(customer.contacts.all(), lambda row: row.person_id)
        ],
        metadata=_metadata(customer, reported),
        merged_customers=_merged(customer),
        start_date=_wire(reported.start_date),
        contract_annual_revenue=_wire(reported.contract_annual_revenue),
        notes=note or reported.reported_notes,
    )


def _company(customer: Customer) -> CrmCompany:
    company: Company | None = getattr(customer, "company", None)
    if company is None:
        return CrmCompany(name=customer.name or customer.email or str(customer.pk))
    return CrmCompany(**{name: _wire(getattr(company, name)) for name in COMPANY_FIELDS})


def _metadata(customer: Customer, relationship: Relationship) -> CrmCustomerMetadata:
    custom_data = {}
    for row in shown_once(customer.custom_fields.all(), lambda row: row.key):
        values = {name: getattr(row, name) for name in CUSTOM_FIELD_VALUES}
        if row.number_value is not None:
            values["number_value"] = Number(row.number_value)
        custom_data[row.key] = CrmCustomDataValue(**values)
    return CrmCustomerMetadata(datasource_id=relationship.datasource_id, custom_data=custom_data)


def _person(person: Person, people: dict[str, Person], below: frozenset[str] = frozenset()) -> CrmPerson:
    """The person and their managers; it ends where somebody would be above themselves."""
    below |= {person.pk}
    manager = people.get(person.manager_id or "")
    is_shown = manager is not None and manager.pk not in below and len(below) <= _MANAGER_LEVELS
    above = _person(manager, people, below) if manager is not None and is_shown else UNSET
    return CrmPerson(
        name=person.name,
        obfuscated_id=person.obfuscated_id or str(person.pk),
        metadata=_person_metadata(person, above),
        related_documents=person.related_documents,
    )


def _person_metadata(person: Person, manager: CrmPerson | UnsetType) -> CrmPersonMetadata | UnsetType:
    values = {name: _wire(getattr(person, name)) for name in METADATA_FIELDS}
    if not (manager or any(values.values())):
        return UNSET
    values["social_network"] = [CrmSocialNetwork(**network) for network in person.social_network]
    return CrmPersonMetadata(**values, manager=manager)


def _merged(customer: Customer) -> list[CrmCustomer]:
    below: dict[str | None, list[MergedRecord]] = defaultdict(list)
    for row in customer.merged_records.all():
        below[row.parent_id].append(row)

    def nested(parent: str | None) -> list[CrmCustomer]:
        documents = []
        for row in below[parent]:
            document = parse(CrmCustomer, read_value(row.document))
            document.merged_customers = nested(row.pk)
            documents.append(document)
        return documents

    return nested(None)


def _wire(value: Any) -> Any:
    """A column's value as the document type holds it."""
    if isinstance(value, date):
        return IsoDate(value.year, value.month, value.day)
    if isinstance(value, int):
        return Whole(value)
    return value if value is None or isinstance(value, str | list) else NonNegative(value)
