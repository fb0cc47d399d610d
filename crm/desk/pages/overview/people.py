"""The customer's contacts."""

from __future__ import annotations

from dataclasses import dataclass

from crm.desk.pages.overview.header import dialable
from crm.desk.pages.overview.section import SHOWN, Section, list_of
from crm.models import Contact
from customers.formats import page_of
from customers.models import Customer
from customers.readings.phones import in_groups


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLine:
    """A contact. `call` is the number for a `tel:` link."""

    name: str
    url: str
    role: str
    email: str
    phone: str
    call: str


def contacts_of(customer: Customer) -> list[Contact]:
    """The first contacts with their people, each person once although merged customers may share them."""
    found = customer.contacts.select_related("person").order_by("came_with", "position", "pk")[
        : 2 * SHOWN + 1
    ]
    return list({contact.person_id: contact for contact in reversed(found)}.values())[::-1]


def people_section(customer: Customer, contacts: list[Contact]) -> Section | None:
    if not contacts:
        return None
    return Section(
        key="people",
        title="Contacts",
        lines=tuple(_line(contact) for contact in contacts[:SHOWN]),
        more_url=list_of(Contact, customer) if len(contacts) > SHOWN else "",
        template="crm/desk/overview/people.html",
    )


def _line(contact: Contact) -> PersonLine:
    person = contact.person
    return PersonLine(
        name=str(person),
        url=page_of(person),
        role=", ".join(part for part in (contact.role, person.title, person.department) if part),
        email=person.email,
        phone=in_groups(person.phone),
        call=dialable(person.phone),
    )
