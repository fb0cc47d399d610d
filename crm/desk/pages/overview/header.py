"""The header of a customer's page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.core import get_global

from crm.models import Company, Contact, Relationship
from customers.formats import country_name, day, initials, opens_a_page, user_name
from customers.json_types import is_plain_link
from customers.models import Address, Customer, Environment
from customers.readings.phones import in_groups
from customers.readings.time_zones import time_zones


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The texts of the header. `labels` are (word, color of the chip), `ids` (name, value), `links` (URL, text)."""

    name: str
    initials: str
    logo_url: str
    company: str
    place: str
    local_time: str
    owner: str
    since: str
    email: str
    phone: str
    links: tuple[tuple[str, str], ...]
    labels: tuple[tuple[str, str], ...]
    statuses: tuple[tuple[str, str], ...]
    ids: tuple[tuple[str, str], ...]


def header_of(customer: Customer, contacts: list[Contact], address: Address | None, now: datetime) -> Header:
    """The header of the customer's page. Fetch `customer` with its company and relationship."""
    company: Company | None = getattr(customer, "company", None)
    relationship: Relationship | None = getattr(customer, "relationship", None)
    owner = relationship.owner if relationship else None
    name = str(customer)
    return Header(
        name=name,
        initials=initials(name),
        logo_url=company.logo_url if company and _is_picture(company.logo_url) else "",
        company=company.name if company and company.name != name else "",
        place=_place(company, address),
        local_time=_local_time(contacts, address, now),
        owner=user_name(owner),
        since=_since(customer, relationship),
        email=customer.email,
        phone=in_groups(customer.phone),
        links=_links(company),
        labels=_labels(customer),
        statuses=tuple((status.value, str(status.label)) for status in Customer.Status),
        ids=_ids(customer, relationship),
    )


def zone_of_country(code: str) -> str | None:
    """The time zone of a country with only one; None for other countries."""
    zones = _zones().get(code.upper(), [])
    return zones[0] if len(zones) == 1 else None


def dialable(phone: str) -> str:
    """The number for a `tel:` link: digits and +."""
    return "".join(character for character in phone if character.isdigit() or character == "+")


@cache
def _zones() -> dict[str, list[str]]:
    zones: dict[str, list[str]] = {}
    known = time_zones()
    territories: Any = get_global("zone_territories")
    for zone, territory in territories.items():
        if zone in known:
            zones.setdefault(territory, []).append(zone)
    return zones


def _local_time(contacts: list[Contact], address: Address | None, now: datetime) -> str:
    """The time where the customer is: by the first contact with a time zone, else by the country; empty if unknown."""
    named = [contact.person.timezone for contact in contacts if contact.person.timezone in time_zones()]
    zone = named[0] if named else zone_of_country(address.country) if address else None
    if zone is None:
        return ""
    there = now.astimezone(ZoneInfo(zone))
    return f"{there:%a %H:%M} in {zone.rpartition('/')[2].replace('_', ' ')}"


def _place(company: Company | None, address: Address | None) -> str:
    if address is not None and (address.city or address.country):
        return ", ".join(part for part in (address.city, country_name(address.country)) if part)
    return company.location if company else ""


def _since(customer: Customer, relationship: Relationship | None) -> str:
    return day(relationship.start_date if relationship and relationship.start_date else customer.created_at)


def _labels(customer: Customer) -> tuple[tuple[str, str], ...]:
    labels = []
    if customer.archived_at is not None:
        labels.append(("Archived", "plain"))
    if customer.status == Customer.Status.SUSPENDED:
        labels.append(("Suspended", "bad"))
    if customer.status == Customer.Status.INACTIVE:
        labels.append(("Inactive", "warn"))
    if customer.env == Environment.SANDBOX:
        labels.append(("Test mode", "info"))
    return tuple(labels)


def _ids(customer: Customer, relationship: Relationship | None) -> tuple[tuple[str, str], ...]:
    known = (
        ("ID", str(customer.pk)),
        ("External ID", customer.external_id),
        ("Stripe", customer.stripe_id),
        ("CRM", relationship.crm_id if relationship else ""),
        ("Fingerprint", customer.fingerprint),
    )
    return tuple((name, value) for name, value in known if value)


def _links(company: Company | None) -> tuple[tuple[str, str], ...]:
    if company is None:
        return ()
    found = [*company.website_urls, company.profile_url]
    shown = (str(url).removeprefix("https://").removeprefix("http://").rstrip("/") for url in found)
    return tuple((url, text) for url, text in zip(found, shown, strict=True) if opens_a_page(url))


def _is_picture(url: str) -> bool:
    """Whether the content security policy lets the page show this image."""
    return url.startswith("https://") and is_plain_link(url)
