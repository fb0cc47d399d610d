"""The facts of customers side by side, to decide whether they are duplicates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import prefetch_related_objects
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from crm.models import DuplicatePair
from customers.formats import day, link_to
from customers.ingest.matching import STAND_INS
from customers.models import Customer


def members_of(pairs: Iterable[DuplicatePair]) -> list[Customer]:
    """The customers of pairs, each once, oldest first."""
    members = {str(customer.pk): customer for pair in pairs for customer in (pair.a, pair.b)}
    return [members[pk] for pk in sorted(members)]


def with_facts(customers: list[Customer]) -> list[Customer]:
    """`customers` with the rows that `facts_table` shows prefetched."""
    related = ("addresses", "businesses", "company", "domains", "source_records")
    prefetch_related_objects(customers, *related)
    return customers


def facts_table(customers: Sequence[Customer]) -> dict[str, Any]:
    """One row per customer."""
    return {
        "headers": ["Customer", "Email", "Phone", "Address", "Company", "IDs", "Since"],
        "rows": [_row(customer) for customer in customers],
    }


def _row(customer: Customer) -> list[Any]:
    status = "Archived" if customer.archived_at else customer.get_status_display()
    standing = status if customer.env == "live" else f"{status}, {customer.get_env_display()}"
    return [
        format_html('<div>{}<span class="clientele-term">{}</span></div>', link_to(customer), standing),
        customer.email or "-",
        customer.phone or "-",
        _lines(str(address) for address in customer.addresses.all()),
        _lines(_company(customer)),
        _lines(_ids(customer)),
        day(customer.created_at),
    ]


def _company(customer: Any) -> list[str]:
    company = getattr(customer, "company", None)
    found = [company.name] if company else []
    found += [domain.name for domain in customer.domains.all()]
    for business in customer.businesses.all():
        numbers = (business.name, business.tax_identifier, business.company_number)
        found.append(", ".join(filter(None, numbers)))
    return found


def _ids(customer: Any) -> list[str]:
    records = (record.source_id for record in customer.source_records.all())
    sources = (each for each in records if not each.startswith(STAND_INS))
    return [each for each in (customer.external_id, customer.stripe_id, *sources) if each]


def _lines(texts: Iterable[str]) -> SafeString | str:
    lines = format_html_join("", "<div>{}</div>", ((text,) for text in dict.fromkeys(texts)))
    # One element around all lines, because narrow screens show the elements of a cell side by side.
    return format_html("<div>{}</div>", lines) if lines else "-"
