"""The lists of companies, people and tasks."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower
from django.utils.timezone import localdate

from crm.desk.lists import cells, paging
from crm.desk.lists.column import Cell, Column, May, Phone, RowList, View
from crm.desk.lists.customers import found_customers
from crm.desk.lists.own_filters import TASK_FILTERS
from crm.desk.lists.paging import Order
from crm.desk.search.patterns import JsonTexts, SearchText, has_words, search_text
from crm.desk.search.term import read_term
from crm.models import Company, Contact, Domain, Person, Task
from customers.formats import customer_url, page_of_key, short_day
from customers.typed_ids import to_uuid

_CURRENT = Q(customer__archived_at=None)


def _of_customers(customers: QuerySet[Any]) -> Q:
    return Q(customer__in=customers.values("pk"))


def _has_words(term: str, *texts: SearchText) -> Q:
    """Rows with all words of the term in one of the texts, in any spelling that the search knows."""
    condition = Q(pk__in=())
    read = read_term(term)
    for spelling in (*read.spellings, *read.loose) if read else ():
        for text in texts:
            words = has_words(text, spelling, even_short=True)
            if words is not None:
                condition |= words
    return condition


# Companies


def _search_companies(term: str, may: May) -> Q:
    if to_uuid(term.lower(), ("com",)) is not None:
        return Q(pk=term.lower())
    named = _has_words(term, search_text("name", "location", JsonTexts("website_urls")))
    return named | Q(customer__in=found_customers(term, may))


def _add_domains(rows: list[Any], at: datetime) -> None:
    domains: dict[str, list[str]] = defaultdict(list)
    found = Domain.objects.filter(customer__in=[row.customer_id for row in rows]).order_by("position", "pk")
    for key, name in found.values_list("customer_id", "name"):
        domains[str(key)].append(name)
    for row in rows:
        row.domains = domains.get(str(row.customer_id), [])


def _domain(row: Any, at: datetime) -> Cell:
    first, *others = row.domains or [""]
    return Cell(", ".join(row.domains), cells.plain(f"{first} + {len(others)}" if others else first).html)


COMPANIES = RowList(
    name="companies",
    title="Companies",
    one="company",
    many="companies",
    permission="crm.view_company",
    icon="domain",
    prefixes=("com",),
    rows=Company.objects.all,
    dress=lambda rows: rows.select_related("customer"),
    of_customers=_of_customers,
    current=_CURRENT,
    search=_search_companies,
    search_words="Name, domain or customer",
    complete=_add_domains,
    phone=lambda row, at: Phone(
        Cell(row.industry, cells.plain(row.industry).html if row.industry else ""),
        Cell(" · ".join(filter(None, [*row.domains[:1], str(row.customer)]))),
    ),
    sort="name",
    empty="Companies appear here when they are imported, or added to a customer.",
    views=(View("Mine", {"owner": ["me"]}),),
    columns=(
        Column(
            name="name",
            label="Company",
            cell=lambda row, at: cells.link(page_of_key(Company, row.pk), str(row)),
            order=Order(Lower("name"), paging.text),
        ),
        Column(name="domain", label="Domain", cell=_domain, permission="crm.view_domain"),
        Column(name="customer", label="Customer", cell=lambda row, at: cells.plain(str(row.customer))),
        Column(name="industry", label="Industry", cell=lambda row, at: cells.plain(row.industry)),
        Column(name="location", label="Location", cell=lambda row, at: cells.plain(row.location)),
        Column(name="phone", label="Phone", cell=lambda row, at: cells.plain(row.phone), is_extra=True),
    ),
)


# People


def _search_people(term: str, may: May) -> Q:
    if to_uuid(term.lower(), ("per",)) is not None:
        return Q(pk=term.lower())
    return _has_words(
        term,
        search_text("name", "preferred_name", "last_name"),
        search_text("email", JsonTexts("alias_emails")),
    )


def _people_of_customers(customers: QuerySet[Any]) -> Q:
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
    of_customers=_people_of_customers,
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
            order=Order(Lower("name"), paging.text),
        ),
        Column(name="title", label="Title", cell=lambda row, at: cells.plain(row.title)),
        Column(name="customers", label="Customers", cell=_customers, permission="crm.view_contact"),
        Column(
            name="email",
            label="Email",
            cell=lambda row, at: cells.plain(row.email),
        ),
        Column(name="phone", label="Phone", cell=lambda row, at: cells.plain(row.phone)),
        Column(
            name="location", label="Location", cell=lambda row, at: cells.plain(row.location), is_extra=True
        ),
    ),
)


# Tasks


def _search_tasks(term: str, may: May) -> Q:
    if to_uuid(term.lower(), ("task",)) is not None:
        return Q(pk=term.lower())
    return Q(title__icontains=term) | Q(customer__in=found_customers(term, may))


def _due(row: Any, at: datetime) -> Cell:
    if row.due_on is None:
        return cells.NONE
    is_late = row.done_at is None and row.due_on < localdate(at)
    return Cell(cells.of_day(row.due_on).text, css="cl-nw cl-bad" if is_late else "cl-nw")


def _task_state(row: Any, at: datetime) -> Cell:
    if row.done_at is not None:
        return cells.chip("Done", "good")
    if row.due_on is not None and row.due_on < localdate(at):
        return cells.chip("Late", "bad")
    return cells.chip("Open", "info")


def _task_phone(row: Any, at: datetime) -> Phone:
    due = f"due {short_day(row.due_on, at)}" if row.due_on and row.done_at is None else ""
    late = row.done_at is None and row.due_on is not None and row.due_on < localdate(at)
    return Phone(
        _task_state(row, at), Cell(str(row.customer)), Cell(due, css="cl-bad" if late else "cl-subtle")
    )


TASKS = RowList(
    name="tasks",
    title="Tasks",
    one="task",
    many="tasks",
    permission="crm.view_task",
    icon="task_alt",
    prefixes=("task",),
    rows=Task.objects.all,
    dress=lambda rows: rows.select_related("customer", "owner"),
    filters=TASK_FILTERS,
    of_customers=_of_customers,
    current=_CURRENT,
    search=_search_tasks,
    search_words="Title or customer",
    phone=_task_phone,
    sort="due",
    empty="Add a task on the page of a customer.",
    views=(
        View("My open tasks", {"task": ["open"], "assignee": ["me"]}),
        View("Open", {"task": ["open"]}),
        View("Late", {"task": ["late"]}),
        View("Done", {"task": ["done"]}),
    ),
    columns=(
        Column(
            name="title",
            label="Task",
            cell=lambda row, at: cells.link(f"{customer_url(row.customer_id)}#tasks", row.title),
        ),
        Column(name="customer", label="Customer", cell=lambda row, at: cells.plain(str(row.customer))),
        Column(name="status", label="Status", cell=_task_state),
        Column(name="due", label="Due", cell=_due, order=Order("due_on", paging.day, nullable=True)),
        Column(name="assignee", label="Assignee", cell=lambda row, at: cells.person(row.owner)),
        Column(
            name="created",
            label="Created",
            cell=lambda row, at: cells.of_day(row.created_at),
            order=Order("created_at", paging.moment),
            falls=True,
            is_extra=True,
        ),
    ),
)
