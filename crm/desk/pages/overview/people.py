"""The people at the customer."""

from __future__ import annotations

from dataclasses import dataclass

from crm.desk.pages.overview.header import dialled
from crm.desk.pages.overview.section import SHOWN, Section, list_of
from crm.models import Contact
from customers.formats import page_of
from customers.models import Customer


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLine:
    """A point of contact: who they are, and how to reach them. `call` is what a telephone dials."""

    name: str
    url: str
    part: str
    email: str
    phone: str
    call: str


def contacts_of(customer: Customer) -> list[Contact]:
    """The first points of contact with their people; somebody who came with a merged customer too is there once."""
    found = customer.contacts.select_related("person").order_by("came_with", "position", "pk")[
        : 2 * SHOWN + 1
    ]
    return list({contact.person_id: contact for contact in reversed(found)}.values())[::-1]


def people_section(customer: Customer, contacts: list[Contact]) -> Section | None:
    """The points of contact, with their role."""
    if not contacts:
        return None
    return Section(
        key="people",
        title="People",
        lines=tuple(_line(contact) for contact in contacts[:SHOWN]),
        more_url=list_of(Contact, customer) if len(contacts) > SHOWN else "",
        template="crm/desk/overview/people.html",
    )


def _line(contact: Contact) -> PersonLine:
    person = contact.person
    return PersonLine(
        name=str(person),
        url=page_of(person),
        part=", ".join(part for part in (contact.role, person.title, person.department) if part),
        email=person.email,
        phone=person.phone,
        call=dialled(person.phone),
    )
