"""All that is held of a customer or a person, as data for a JSON file and for a page to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Field, Model, Q, QuerySet

from crm.models import Activity, Contact, Person
from crm.privacy.personal_words import Finder, values_of_customers, values_of_people
from crm.privacy.places import PEOPLE, PLACES, SEARCHED, Place
from customers import clock
from customers.lookup import UnknownCustomer
from customers.models import Customer, SourceRecord
from customers.readings.mailboxes import read_mailbox

#: Left out of the page: the column that leads from the row to its customer.
_LEADS_TO_CUSTOMER = {"customer", "came_with"}


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose data is meant: customers, with all that were merged into them, and people."""

    customer_ids: Sequence[str]
    people: Sequence[Person] = field(default=())


@dataclass(frozen=True, slots=True)
class HeldTable:
    """The rows of one table, each a mapping from column to value; `former` are the rows as they once were."""

    title: str
    rows: Sequence[Mapping[str, Any]]
    former: Sequence[Mapping[str, Any]] = field(default=())
    labels: Mapping[str, str] = field(default_factory=dict)


def subject_of_email(email: str) -> Subject:
    """The customers and people with this email address. Raises `UnknownCustomer` if there are none."""
    mailbox = read_mailbox(email)
    box = email if mailbox is None else mailbox.box
    records = SourceRecord.objects.filter(mailbox=box).values_list("customer_id", flat=True)
    customers = Customer.objects.filter(Q(email__iexact=email) | Q(pk__in=list(records)))
    people = [person for person in Person.objects.all().iterator() if _has_email(person, email)]
    if not customers and not people:
        raise UnknownCustomer("No customer and no person has this email address.")
    return Subject(family_of(customers), people)


def family_of(customers: QuerySet[Customer]) -> list[str]:
    """The keys of customers, of what they were merged into, and of all that were merged into the same."""
    survivors = {str(into or key) for key, into in customers.values_list("pk", "merged_into_id")}
    merged = Customer.objects.filter(merged_into__in=list(survivors)).values_list("pk", flat=True)
    return sorted({*survivors, *map(str, merged)})


def tables_of(subject: Subject) -> Iterator[HeldTable]:
    """Each table with rows of the subject; tables without any are left out."""
    ids: Any = list(subject.customer_ids)
    if ids:
        for place in PLACES:
            yield from _table(place, place.rows(ids))
    keys = [person.pk for person in subject.people]
    contacts = Contact.objects.filter(customer__in=ids).values("person") if ids else ()
    people = Person.objects.filter(Q(pk__in=keys) | Q(pk__in=contacts)).order_by("pk")
    yield from _table(PEOPLE, people)
    if keys:
        for model in (Contact, Activity):
            rows: Any = model._default_manager
            yield from _table(Place(model), rows.filter(person__in=keys).exclude(customer__in=ids))
    yield from _mentions(Finder(values_of_customers(ids) | values_of_people(people)))


def as_json(subject: Subject) -> dict[str, Any]:
    """What `tables_of` yields, for a JSON file."""
    return {
        "made_at": clock.now(),
        "customers": list(subject.customer_ids),
        "people": [str(person.pk) for person in subject.people],
        "held": {
            table.title: {"rows": table.rows, **({"former": table.former} if table.former else {})}
            for table in tables_of(subject)
        },
    }


def _has_email(person: Person, email: str) -> bool:
    addresses = [person.email, *(each for each in person.alias_emails if isinstance(each, str))]
    return email.casefold() in {each.casefold() for each in addresses}


def _table(place: Place, rows: QuerySet[Any]) -> Iterator[HeldTable]:
    found = [_columns(row) for row in rows.order_by("pk")]
    former = [_columns(row) for row in _former(place.model, rows)]
    if found or former:
        yield HeldTable(str(place.model._meta.verbose_name_plural), found, former, _labels(place.model))


def _former(model: Any, rows: QuerySet[Any]) -> Iterator[Any]:
    if hasattr(model, "history"):
        keys = rows.order_by().values("pk")
        yield from model.history.filter(**{f"{model._meta.pk.attname}__in": keys}).order_by("history_id")


def _columns(row: Model) -> dict[str, Any]:
    return {column.attname: getattr(row, column.attname) for column in row._meta.concrete_fields}


def _labels(model: type[Model]) -> dict[str, str]:
    columns: Sequence[Field[Any, Any]] = model._meta.concrete_fields
    return {
        column.attname: str(column.verbose_name).capitalize()
        for column in columns
        if column.name not in _LEADS_TO_CUSTOMER
    }


def _mentions(finder: Finder) -> Iterator[HeldTable]:
    """Rows of tables that name no customer, such as emails to users, in which a value of the subject stands."""
    for searched in SEARCHED:
        rows = searched.model._default_manager.order_by("pk")
        found = [
            _columns(row)
            for row in rows.iterator()
            if any(finder.is_in(getattr(row, name)) for name in searched.columns)
        ]
        if found:
            title = f"{searched.model._meta.verbose_name_plural} with these names or addresses"
            yield HeldTable(title, found, labels=_labels(searched.model))
