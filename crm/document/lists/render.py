"""Renders pages of companies and people.

Each looks as it does in a customer's CRM document: it is taken from one with only these rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, structs

from crm.document.lists.documents import ContactRole, ListedCompany, ListedPerson
from crm.document.renderer import CrmRows, render_customer, with_managers
from crm.models import Company, Contact, Domain, Person
from customers.document.customer_rows import SummariesOfRows
from customers.models import Customer


def render_companies(rows: Sequence[Company], asked: Mapping[str, Any]) -> list[ListedCompany]:
    """Companies with their customers and domains, in a fixed number of queries."""
    customers = SummariesOfRows((row.customer_id for row in rows), asked)
    domains: dict[str, list[Domain]] = defaultdict(list)
    for domain in Domain.objects.filter(customer__in=[row.customer_id for row in rows]):
        domains[str(domain.customer_id)].append(domain)
    crm = _rows(companies={str(row.customer_id): row for row in rows}, domains=domains)
    shown = []
    for row in rows:
        key = str(row.customer_id)
        document = render_customer(Customer(pk=key), crm)
        shown.append(
            ListedCompany(
                **structs.asdict(document.company),
                id=str(row.pk),
                customer_id=key,
                domains=document.domains,
                customer=customers.of(key),
            )
        )
    return shown


def render_people(rows: Sequence[Person], asked: Mapping[str, Any]) -> list[ListedPerson]:
    """People with their managers and the customers that they are contacts of.

    The number of queries doesn't depend on the number of people; it grows by one with each level of managers.
    """
    keys = [str(row.pk) for row in rows]
    contacts: dict[str, list[Contact]] = defaultdict(list)
    for contact in Contact.objects.filter(person__in=rows).order_by("customer_id", "pk"):
        contacts[str(contact.person_id)].append(contact)
    customers = SummariesOfRows((each.customer_id for some in contacts.values() for each in some), asked)
    # A customer whose contacts are these people.
    customer = Customer()
    crm = _rows(
        contacts={customer.pk: [Contact(person_id=key) for key in keys]},
        people=with_managers(keys, lambda missing: Person.objects.filter(pk__in=missing)),
    )
    documents = render_customer(customer, crm).poc or []
    return [
        ListedPerson(
            **structs.asdict(document),
            id=key,
            contact_of=[
                ContactRole(
                    customer_id=str(each.customer_id),
                    role=each.role or UNSET,
                    customer=customers.of(each.customer_id),
                )
                for each in contacts[key]
            ],
        )
        for key, document in zip(keys, documents, strict=True)
    ]


def _rows(**given: Any) -> CrmRows:
    """The rows `given`, and nothing else."""
    empty: dict[str, Any] = {name: {} for name in CrmRows.__dataclass_fields__}
    return CrmRows(**empty | given)
