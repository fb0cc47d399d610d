"""The list of people."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from crm.desk.lists import cells, paging
from crm.desk.lists.column import Cell, Column, May, Phone, RowList, View
from crm.desk.lists.paging import Order
from crm.desk.lists.words import has_words_of
from crm.desk.search.patterns import JsonTexts, search_text
from crm.models import Contact, Person
from customers.formats import page_of_key
from customers.models.orders import letters
from customers.readings.phones import in_groups
from customers.typed_ids import to_uuid


def _search_people(term: str, may: May) -> Q:
    if to_uuid(term.lower(), ("per",)) is not None:
        return Q(pk=term.lower())
    return has_words_of(
        term,
        search_text("name", "preferred_name", "last_name"),
        search_text("email", JsonTexts("alias_emails")),
    )


def people_of_customers(customers: QuerySet[Any]) -> Q:
    return Q(Exists(Contact.objects.filter(person=OuterRef("pk"), customer__in=customers.values("pk"))))


def _add_customers(rows: list[Any], at: datetime) -> None:
    customers: dict[str, list[str]] = defaultdict(list)
    found = Contact.objects.filter(person__in=rows).select_related("customer").order_by("position", "pk")
    for contact in found:
        customers[str(contact.person_id)].append(str(contact.customer))
    for row in rows:
        row.customer_names = customers.get(str(row.pk), [])


def _customers(row: Any, at: datetime) -> Cell:
    first, *others = row.customer_names or [""]
    return Cell(
        ", ".join(row.customer_names), cells.plain(f"{first} + {len(others)}" if others else first).html
    )


PEOPLE = RowList(
    name="people",
    title="People",
    one="person",
    many="people",
    permission="crm.view_person",
    icon="person",
    prefixes=("per",),
    rows=Person.objects.all,
    dress=lambda rows: rows,
    of_customers=people_of_customers,
    search=_search_people,
    search_words="Name or email",
    complete=_add_customers,
    phone=lambda row, at: Phone(
        Cell(row.title, cells.plain(row.title).html if row.title else ""),
        Cell(" · ".join(filter(None, [row.email, *row.customer_names[:1]]))),
    ),
    sort="name",
    empty="People appear here when they are imported, or added as contacts of a customer.",
    views=(View("Mine", {"owner": ["me"]}),),
    columns=(
        Column(
            name="name",
            label="Person",
            cell=lambda row, at: cells.link(page_of_key(Person, row.pk), str(row)),
            order=Order(letters("name"), paging.text),
        ),
        Column(
            name="title",
            label="Title",
            cell=lambda row, at: cells.plain(row.title),
            order=paging.by_words("title"),
        ),
        Column(name="customers", label="Customers", cell=_customers, permission="crm.view_contact"),
        Column(
            name="email",
            label="Email",
            cell=lambda row, at: cells.plain(row.email),
            order=paging.by_words("email"),
        ),
        Column(name="phone", label="Phone", cell=lambda row, at: cells.plain(in_groups(row.phone))),
        Column(
            name="location",
            label="Location",
            cell=lambda row, at: cells.plain(row.location),
            order=paging.by_words("location"),
            is_extra=True,
        ),
    ),
)
