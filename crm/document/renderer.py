"""Render customers as CRM documents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from django.db.models import Count, Model, OuterRef, Subquery
from msgspec import UNSET, UnsetType

from billing.document.schema import NonNegative, Whole
from crm.document.import_people import METADATA_FIELDS
from crm.document.importer import CUSTOM_FIELD_VALUES
from crm.document.reported import COMPANY_FIELDS, reported_apart
from crm.document.schema import (
    CrmCompany,
    CrmCustomDataValue,
    CrmCustomer,
    CrmCustomerMetadata,
    CrmPerson,
    CrmPersonMetadata,
    CrmSocialNetwork,
    trim,
)
from crm.models import (
    Company,
    Contact,
    CustomField,
    Document,
    Domain,
    MergedRecord,
    Note,
    Person,
    Relationship,
)
from customers.ingest.accounts import as_their_records_say, by_account, places_of, rows_of_accounts
from customers.ingest.not_understood import accounts_with_not_understood, with_not_understood
from customers.ingest.reader import read_value
from customers.json_types import IsoDate, Number, parse, to_plain
from customers.json_types.keys import Case, with_keys
from customers.models import Customer, Source, shown_once

#: The most levels of managers that the reader's nesting limit allows in a document.
_MANAGER_LEVELS = 30

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrmRows:
    """The rows of some customers, by customer ID; `people` are the contacts and their managers, by person ID."""

    relationships: Mapping[str, Relationship]
    companies: Mapping[str, Company]
    domains: Mapping[str, Sequence[Domain]]
    custom_fields: Mapping[str, Sequence[CustomField]]
    contacts: Mapping[str, Sequence[Contact]]
    people: Mapping[str, Person]
    merged_records: Mapping[str, Sequence[MergedRecord]]
    document_counts: Mapping[str, Mapping[str, int]]
    notes: Mapping[str, str]


def render_customers(customers: Sequence[Customer]) -> list[CrmCustomer]:
    """The CRM document of each customer, in order.

    Documents and notes are our own if there are any, else those that the CRM reported. The number of queries doesn't
    depend on the number of customers; it grows by one with each level of managers.
    """
    rows = rows_for(customers)
    return [render_customer(customer, rows) for customer in customers]


def render_accounts(accounts: Sequence[Customer], case: Case = "snake") -> list[Any]:
    """The CRM document of the account of each of these customers, merged or not, as plain JSON, in order.

    What belongs to a customer that was merged here has its own document. The number of queries is as for
    `render_customers`, with two for accounts that were joined.
    """
    rows = _rows_apart(accounts)
    told = as_their_records_say(accounts, Source.CRM)
    documents = [trim(render_customer(account, rows)) for account in told]
    views = accounts_with_not_understood(documents, accounts, Source.CRM)
    return views if case == "snake" else [with_keys(CrmCustomer, to_plain(view), case) for view in views]


def render_views(customers: Sequence[Customer], case: Case = "snake") -> list[Any]:
    """The CRM document of each customer as plain JSON, in order, with what was not understood at import."""
    documents = [trim(document) for document in render_customers(customers)]
    views = with_not_understood(documents, customers, Source.CRM)
    return views if case == "snake" else [with_keys(CrmCustomer, to_plain(view), case) for view in views]


def rows_for(customers: Sequence[Customer]) -> CrmRows:
    contacts = _of_each(Contact.objects.filter(customer__in=customers))
    wanted = [str(contact.person_id) for rows in contacts.values() for contact in rows]
    return CrmRows(
        relationships=_only_of_each(Relationship.objects.filter(customer__in=customers)),
        companies=_only_of_each(Company.objects.filter(customer__in=customers)),
        domains=_of_each(Domain.objects.filter(customer__in=customers)),
        custom_fields=_of_each(CustomField.objects.filter(customer__in=customers)),
        contacts=contacts,
        people=with_managers(wanted, lambda keys: Person.objects.filter(pk__in=keys)),
        merged_records=_of_each(MergedRecord.objects.filter(survivor__in=customers), by="survivor_id"),
        document_counts=_document_counts(customers),
        notes=_notes(customers),
    )


def _rows_apart(accounts: Sequence[Customer]) -> CrmRows:
    """The rows of the account of each of these customers, by its key."""
    places = places_of(accounts)
    contacts = by_account(rows_of_accounts(Contact.objects.all(), places))
    wanted = [str(contact.person_id) for rows in contacts.values() for contact in rows]
    listed = rows_of_accounts(MergedRecord.objects.all(), places, "survivor")
    said = reported_apart(accounts)
    alone = [account for account in accounts if str(account.pk) not in said]
    own = [account for account in accounts if account.merged_into_id is None]
    return CrmRows(
        relationships=_only_of_each(Relationship.objects.filter(customer__in=alone))
        | {key: each.relationship for key, each in said.items() if each is not None},
        companies=_only_of_each(Company.objects.filter(customer__in=alone))
        | {key: each.company for key, each in said.items() if each is not None},
        domains=by_account(rows_of_accounts(Domain.objects.all(), places)),
        custom_fields=by_account(rows_of_accounts(CustomField.objects.all(), places)),
        contacts=contacts,
        people=with_managers(wanted, lambda keys: Person.objects.filter(pk__in=keys)),
        # Those that were merged here, not by the CRM, have documents of their own.
        merged_records=by_account(listed.filter(imported=True), "survivor_id"),
        document_counts=_document_counts(own),
        notes=_notes(own),
    )


def with_managers(
    keys: Iterable[str], people_of: Callable[[Collection[str]], Iterable[Person]]
) -> dict[str, Person]:
    """The people with these keys and all their managers, by key; `people_of` fetches the people of some keys."""
    people: dict[str, Person] = {}
    missing = set(keys)
    for _ in range(_MANAGER_LEVELS + 1):
        if not missing:
            break
        people |= {str(person.pk): person for person in people_of(missing)}
        missing = {str(person.manager_id) for person in people.values() if person.manager_id} - people.keys()
    return people


def summary_of(notes: Iterable[Note]) -> Note:
    """The `notes` of a document: the summary, or else the newest note. Raises `ValueError` if there are no notes."""
    return max(notes, key=lambda note: (note.is_summary, note.created_at, str(note.pk)))


def _document_counts(customers: Sequence[Customer]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    kinds = Document.objects.filter(customer__in=customers).order_by().values_list("customer", "type")
    for customer_id, kind, count in sorted(kinds.annotate(count=Count("pk"))):
        counts[customer_id][kind] = count
    return counts


def _notes(customers: Sequence[Customer]) -> dict[str, str]:
    """The summary, or else the newest note, of each customer."""
    first = Note.objects.filter(customer=OuterRef("pk")).order_by("-is_summary", "-created_at", "-pk")
    chosen = Customer.objects.filter(pk__in=[customer.pk for customer in customers]).values(
        note=Subquery(first.values("pk")[:1])
    )
    notes = Note.objects.filter(pk__in=chosen)
    return {str(note.customer_id): note.body for note in notes}


def _of_each(rows: Iterable[M], by: str = "customer_id") -> Mapping[str, list[M]]:
    groups: dict[str, list[M]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, by)].append(row)
    return groups


def _only_of_each(rows: Iterable[M]) -> dict[str, M]:
    return {key: row for key, (row,) in _of_each(rows).items()}


def render_customer(customer: Customer, rows: CrmRows) -> CrmCustomer:
    """The CRM document of a customer from its `rows`."""
    key = customer.pk
    reported = rows.relationships.get(key) or Relationship()
    counted = rows.document_counts.get(key) or reported.reported_document_counts
    contacts = shown_once(rows.contacts.get(key, ()), lambda row: row.person_id)
    people = [rows.people.get(contact.person_id) for contact in contacts]
    return CrmCustomer(
        id=reported.crm_id or str(key),
        company=_company(customer, rows.companies.get(key)),
        domains=[domain.name for domain in shown_once(rows.domains.get(key, ()), lambda row: row.name)],
        document_counts={kind: Whole(count) for kind, count in counted.items()},
        poc=[_person(person, rows.people) for person in people if person is not None],
        metadata=_metadata(rows.custom_fields.get(key, ()), reported),
        merged_customers=_merged(rows.merged_records.get(key, ())),
        start_date=_wire(reported.start_date),
        contract_annual_revenue=_wire(reported.contract_annual_revenue),
        notes=rows.notes.get(key) or reported.reported_notes,
    )


def _company(customer: Customer, company: Company | None) -> CrmCompany:
    if company is None:
        return CrmCompany(name=customer.name or customer.email or str(customer.pk))
    return CrmCompany(**{name: _wire(getattr(company, name)) for name in COMPANY_FIELDS})


def _metadata(rows: Iterable[CustomField], relationship: Relationship) -> CrmCustomerMetadata:
    custom_data = {}
    for row in shown_once(rows, lambda row: row.key):
        values = {name: getattr(row, name) for name in CUSTOM_FIELD_VALUES}
        if row.number_value is not None:
            values["number_value"] = Number(row.number_value)
        custom_data[row.key] = CrmCustomDataValue(**values)
    return CrmCustomerMetadata(datasource_id=relationship.datasource_id, custom_data=custom_data)


def _person(person: Person, people: Mapping[str, Person], below: frozenset[str] = frozenset()) -> CrmPerson:
    """The person and their managers; a circle of managers is cut before it repeats a person."""
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


def _merged(rows: Iterable[MergedRecord]) -> list[CrmCustomer]:
    rows = list(rows)
    known = {row.pk for row in rows}
    below: dict[str | None, list[MergedRecord]] = defaultdict(list)
    for row in rows:
        # A record that was merged here, and is left out of an account's own document, has the account's below it.
        below[row.parent_id if row.parent_id in known else None].append(row)

    def nested(parent: str | None) -> list[CrmCustomer]:
        documents = []
        for row in below[parent]:
            document = parse(CrmCustomer, read_value(row.document))
            document.merged_customers = nested(row.pk)
            documents.append(document)
        return documents

    return nested(None)


def _wire(value: Any) -> Any:
    """A column's value as the document type has it."""
    if isinstance(value, date):
        return IsoDate(value.year, value.month, value.day)
    if isinstance(value, int):
        return Whole(value)
    return value if value is None or isinstance(value, str | list) else NonNegative(value)
