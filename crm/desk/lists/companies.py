"""The list of companies."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.db.models import Q

from crm.desk.lists import cells, paging
from crm.desk.lists.column import Cell, Column, May, Phone, RowList, View
from crm.desk.lists.paging import Order
from crm.desk.lists.rows_of_customers import CURRENT, by_customer, customer_cell, of_customers
from crm.desk.lists.words import has_words_of
from crm.desk.search.patterns import JsonTexts, search_text
from crm.models import Company, Domain
from customers.formats import page_of_key
from customers.models.orders import letters
from customers.readings.phones import in_groups


def _search_companies(term: str, may: May) -> Q:
    named = has_words_of(term, search_text("name", "location", JsonTexts("website_urls")))
    return named | by_customer(term, may, "com")


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
    of_customers=of_customers,
    current=CURRENT,
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
            order=Order(letters("name"), paging.text),
        ),
        Column(name="domain", label="Domain", cell=_domain, permission="crm.view_domain"),
        Column(name="customer", label="Customer", cell=customer_cell, order=paging.by_customer_name()),
        Column(
            name="industry",
            label="Industry",
            cell=lambda row, at: cells.plain(row.industry),
            order=paging.by_words("industry"),
        ),
        Column(
            name="location",
            label="Location",
            cell=lambda row, at: cells.plain(row.location),
            order=paging.by_words("location"),
        ),
        Column(
            name="phone", label="Phone", cell=lambda row, at: cells.plain(in_groups(row.phone)), is_extra=True
        ),
    ),
)
