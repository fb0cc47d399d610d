"""Addresses, business profiles, payment methods, domains and documents."""

from __future__ import annotations

from django.db.models import F

from crm.desk.pages.overview.section import SHOWN, Section, SectionLine, first_rows, list_of, list_section
from crm.models import Document, Domain
from customers.formats import GOOD, country_name, listed, page_of
from customers.models import Address, Business, Customer, PaymentMethod, Source, default_of

_DEFAULT = ("Default", GOOD)
#: The customer's own default comes before those of accounts that joined it.
_DEFAULT_FIRST = ("-is_default", F("came_with").asc(nulls_first=True), "position", "pk")


def addresses_of(customer: Customer) -> list[Address]:
    """The first addresses, the default one before the others."""
    return list(customer.addresses.order_by(*_DEFAULT_FIRST)[: 2 * SHOWN + 1])


def addresses_section(customer: Customer, addresses: list[Address]) -> Section | None:
    """The addresses. One that several records have is one line that names them."""
    alike: dict[str, list[Address]] = {}
    for row in addresses:
        alike.setdefault(_written(row).casefold() or str(row.pk), []).append(row)
    default = default_of(addresses)
    origins = _origins_of(customer) if any(row.came_with_id for row in addresses) else {}
    return list_section(
        "addresses",
        "Addresses",
        [rows[0] for rows in alike.values()],
        lambda row: SectionLine(
            text=row.description or row.line1 or row.city or str(row),
            url=page_of(row),
            details=(_written(row), *_shared(alike[_written(row).casefold() or str(row.pk)], origins)),
            label=_DEFAULT if default in alike[_written(row).casefold() or str(row.pk)] else None,
        ),
        more_url=list_of(Address, customer),
    )


def _origins_of(customer: Customer) -> dict[str | None, str]:
    """The payments records of the customer, by the merged customer that they came with; None for its own."""
    records = customer.source_records.filter(source=Source.PAYMENTS).order_by("-pk")
    return {record.came_with_id: str(record) for record in records}


def _shared(rows: list[Address], origins: dict[str | None, str]) -> tuple[str, ...]:
    """The records that have an address of several records."""
    if not any(row.came_with_id != rows[0].came_with_id for row in rows):
        return ()
    names = [origins.get(row.came_with_id, "") if row.imported else "Added here" for row in rows]
    return (listed(list(dict.fromkeys(filter(None, names)))),)


def businesses_section(customer: Customer) -> Section | None:
    return list_section(
        "businesses",
        "Business profiles",
        first_rows(customer.businesses.order_by("position", "pk")),
        lambda row: SectionLine(
            text=str(row),
            url=page_of(row),
            details=tuple(
                f"{name} {value}"
                for name, value in (("Company no.", row.company_number), ("Tax ID", row.tax_identifier))
                if value
            ),
        ),
        more_url=list_of(Business, customer),
    )


def payment_methods_section(customer: Customer) -> Section | None:
    methods = first_rows(customer.payment_methods.order_by(*_DEFAULT_FIRST))
    default = default_of(methods)
    return list_section(
        "payment-methods",
        "Payment methods",
        methods,
        lambda row: SectionLine(
            text=str(row),
            url=page_of(row),
            details=(f"Expires {row.exp_month:02}/{row.exp_year}",) if row.exp_month and row.exp_year else (),
            label=_DEFAULT if row is default else None,
        ),
        more_url=list_of(PaymentMethod, customer),
    )


def domains_section(customer: Customer) -> Section | None:
    """The domains, each once although merged customers may share them."""
    found = first_rows(customer.domains.order_by("came_with", "position", "pk"))
    once = list({row.name: row for row in reversed(found)}.values())[::-1]
    return list_section(
        "domains",
        "Domains",
        once,
        lambda row: SectionLine(text=row.name, url=page_of(row)),
        more_url=list_of(Domain, customer),
    )


def documents_section(customer: Customer) -> Section | None:
    return list_section(
        "documents",
        "Documents",
        first_rows(customer.documents.order_by("-created_at", "-pk")),
        lambda row: SectionLine(text=row.title, url=page_of(row), details=(row.type,)),
        more_url=list_of(Document, customer),
    )


def _written(row: Address) -> str:
    parts = (row.line1, row.line2, row.city, row.postal_code, row.state, country_name(row.country))
    return ", ".join(part for part in parts if part)
