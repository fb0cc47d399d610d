"""The CRM document as of a moment, from the histories of the customer's rows and people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from crm.document.renderer import CrmRows, render_customer, summary_of, with_managers
from crm.document.schema import CrmCustomer
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
from customers.as_of import KnownCustomer, known_at, latest_at


def render_known(known: KnownCustomer) -> CrmCustomer:
    """The CRM document of a customer as of a moment."""
    return render_customer(known.customer, rows_known(known))


def rows_known(known: KnownCustomer) -> CrmRows:
    """The customer's rows as of a moment, in a fixed number of queries plus one for each level of managers."""
    key = known.key
    contacts = known_at(Contact, known)
    notes = known_at(Note, known)
    # After a merge the survivor's own row comes before that of the merged customer.
    relationships = sorted(known_at(Relationship, known), key=lambda row: row.came_with_id is not None)
    companies = sorted(known_at(Company, known), key=lambda row: row.came_with_id is not None)
    return CrmRows(
        relationships={key: relationships[0]} if relationships else {},
        companies={key: companies[0]} if companies else {},
        domains={key: known_at(Domain, known)},
        custom_fields={key: known_at(CustomField, known)},
        contacts={key: contacts},
        people=people_known([contact.person_id for contact in contacts], known.at),
        merged_records={key: known_at(MergedRecord, known, owner="survivor")},
        document_counts={key: Counter(sorted(document.type for document in known_at(Document, known)))},
        notes={key: summary_of(notes).body} if notes else {},
    )


def people_known(keys: Collection[str], at: datetime) -> dict[str, Person]:
    """The people with these keys and all their managers, as of a moment."""
    return with_managers(keys, lambda wanted: latest_at(Person, at, id__in=wanted))
