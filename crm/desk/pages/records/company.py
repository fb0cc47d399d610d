"""The page of one company: its customers, people and domains, and what is known about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from billing.formats import unit_price
from crm.desk.pages.crumbs import Crumb, crumbs_of
from crm.desk.pages.overview.header import dialable
from crm.desk.pages.overview.key_facts import KeyFact
from crm.desk.pages.records.shell import (
    Fact,
    Head,
    Meta,
    mail_link,
    menu_of,
    record_page,
    requested_row,
)
from crm.desk.pages.records.tables import Cell, Table, cells
from crm.models import Company, Contact, Domain, Relationship
from customers.formats import customer_url, day, number, opens_a_page, page_of, user_name
from customers.models import Customer
from customers.readings.phones import in_groups

#: The most rows of a table.
_SHOWN = 50
May = Callable[[str], bool]


def company_page(request: HttpRequest, key: str) -> HttpResponse:
    """The company with this ID. The number of queries doesn't depend on the amount of data."""
    rows = Company.objects.select_related("customer__relationship__owner")
    row = requested_row(request, rows, key, "crm.view_company")
    may = request.user.has_perm
    domains = (
        list(Domain.objects.filter(customer=row.customer_id).order_by("position", "pk")[:_SHOWN])
        if may("crm.view_domain")
        else []
    )
    names = sorted({domain.name for domain in domains})
    customers = _customers(row, names)
    people = _people(customers) if may("crm.view_contact") and may("crm.view_person") else []
    tables = [_customer_table(row, customers), _people_table(people), _domain_table(names)]
    context = {
        "row": row,
        "tables": [table for table in tables if table.rows],
        "facts": list(_rail(row)),
    }
    head = Head(
        kind="company",
        name=str(row),
        icon="apartment",
        meta=_meta(row),
        facts=list(_facts(row, customers, people)),
        actions=menu_of(request, row, ()),
    )
    crumbs = crumbs_of(row.customer, Crumb(str(row)))
    return record_page(request, "crm/desk/records/company.html", head, crumbs, context)


def _customers(row: Company, names: list[str]) -> list[Customer]:
    """The company's customer first, then the others that have one of its domains."""
    others = (
        Customer.objects.unmerged()
        .filter(domains__name__in=names, env=row.customer.env)
        .exclude(pk=row.customer_id)
        .select_related("relationship__owner", "company")
        .distinct()
        .order_by("name", "pk")[:_SHOWN]
    )
    return [row.customer, *others]


def _people(customers: list[Customer]) -> list[Contact]:
    found = Contact.objects.filter(customer__in=customers).select_related("person", "customer")
    contacts = found.order_by("person__name", "position", "pk")[:_SHOWN]
    return list({contact.person_id: contact for contact in reversed(contacts)}.values())[::-1]


def _meta(row: Company) -> list[Meta]:
    meta = [Meta(str(row.customer), customer_url(row.customer_id))]
    meta += [Meta(text) for text in (row.industry, row.location) if text]
    for url in row.website_urls[:2]:
        if opens_a_page(url):
            meta.append(Meta(_plain(url), url))
    return meta


def _facts(row: Company, customers: list[Customer], people: list[Contact]) -> Iterator[KeyFact]:
    yield KeyFact(
        label="Customers", value=number(len(customers)), detail="with its domains", url="#section-customers"
    )
    yield KeyFact(label="People", value=number(len(people)) if people else "None", url="#section-people")
    yield KeyFact(
        label="Employees",
        value=number(row.number_of_employees) if row.number_of_employees is not None else "Unknown",
        url="#section-facts",
    )
    relationship: Relationship | None = getattr(row.customer, "relationship", None)
    known = row.annual_revenue is not None and relationship is not None
    yield KeyFact(
        label="Annual revenue",
        value=unit_price(row.annual_revenue, relationship.currency) if known and relationship else "Unknown",
        url="#section-facts",
    )
    yield KeyFact(
        label="Founded", value=day(row.founded_date) if row.founded_date else "Unknown", url="#section-facts"
    )


def _customer_table(row: Company, customers: list[Customer]) -> Table:
    def owner(customer: Customer) -> str:
        relationship: Relationship | None = getattr(customer, "relationship", None)
        return user_name(relationship.owner) if relationship else ""

    return Table(
        key="customers",
        title="Customers",
        headings=("Customer", "Email", "Account manager"),
        rows=[
            cells(
                Cell(
                    text=str(customer),
                    url=customer_url(customer.pk),
                    detail="" if customer.pk == row.customer_id else "Has one of the company's domains",
                ),
                customer.email,
                owner(customer) or "None",
            )
            for customer in customers
        ],
        wide=frozenset({1}),
    )


def _people_table(people: list[Contact]) -> Table:
    return Table(
        key="people",
        title="People",
        headings=("Person", "Role", "Email", "Phone"),
        rows=[
            cells(
                Cell(text=str(contact.person), url=page_of(contact.person)),
                ", ".join(filter(None, (contact.role, contact.person.title))),
                Cell(text=contact.person.email, link=mail_link(contact.person.email))
                if contact.person.email
                else "",
                Cell(text=in_groups(contact.person.phone), link=f"tel:{dialable(contact.person.phone)}")
                if contact.person.phone
                else "",
            )
            for contact in people
        ],
        wide=frozenset({2}),
    )


def _domain_table(names: list[str]) -> Table:
    return Table(key="domains", title="Domains", headings=("Domain",), rows=[cells(name) for name in names])


def _rail(row: Company) -> Iterator[Fact]:
    if row.about:
        yield Fact(label="About", value=row.about)
    for label, value in (
        ("Industry", row.industry),
        ("Location", row.location),
        ("Phone", row.phone),
        ("Fax", row.fax),
        ("Stock symbol", row.stock_symbol),
    ):
        if value:
            yield Fact(label=label, value=value)
    for url in row.website_urls:
        yield Fact(label="Website", value=_plain(url), url=url if opens_a_page(url) else "")
    if row.profile_url:
        yield Fact(
            label="Profile",
            value=_plain(row.profile_url),
            url=row.profile_url if opens_a_page(row.profile_url) else "",
        )
    yield Fact(
        label="Sources", value="Where this is from", url=reverse("desk-provenance", args=[row.customer_id])
    )
    yield Fact(label="Company ID", value=str(row.pk), copied=True)


def _plain(url: str) -> str:
    return str(url).removeprefix("https://").removeprefix("http://").rstrip("/")
