"""Customers as the rules see them, from plain values; and a crowd of which everything is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm.dedupe.duplicates.addresses import read_place
from crm.dedupe.duplicates.blocking_keys import KeyKind
from crm.dedupe.duplicates.profile import ContactProfile, Profile
from customers.readings.mailboxes import company_domains, read_host, read_mailbox
from customers.readings.names import read_name
from customers.readings.phones import read_phone
from customers.readings.tax_ids import read_tax_id

#: An address in Boise.
BOISE = {"line1": "5 Main St", "city": "Boise", "postal": "83701", "country": "US"}


class Crowd:
    """Ten thousand customers, of whom `counts` says how many share what."""

    repetition = 1.0

    def __init__(self, counts: Mapping[tuple[KeyKind, str], int] | None = None) -> None:
        self._counts = counts or {}

    def total(self, env: str) -> int:
        """How many customers there are."""
        return 10_000

    def count(self, mark: KeyKind, env: str, key: str) -> int:
        """How many of them have a mark: one in fifty is in any one city."""
        return self._counts.get((mark, key), 200 if mark == KeyKind.CITY else 0)


def contact(name: str = "", email: str = "", phone: str = "") -> ContactProfile:
    """Somebody at a customer."""
    mailbox = read_mailbox(email) if email else None
    return ContactProfile(
        read_name(name) if name else None,
        (mailbox,) if mailbox else (),
        (read_phone(phone, "US"),) if phone else (),
    )


def profile(
    name: str = "",
    email: str = "",
    phone: str = "",
    *,
    place: dict[str, Any] | None = None,
    tax_id: str = "",
    domain: str = "",
    **more: Any,
) -> Profile:
    """A customer."""
    mailbox = read_mailbox(email) if email else None
    named = read_name(name) if name else None
    tax = read_tax_id(tax_id) if tax_id else None
    hosts = [mailbox.host] if mailbox else []
    hosts += [read_host(domain)] if domain else []
    facts: dict[str, Any] = {
        "id": "cus_1",
        "env": "live",
        "names": (named,) if named else (),
        "mailboxes": (mailbox,) if mailbox else (),
        "phones": (read_phone(phone, "US"),) if phone else (),
        "places": (read_place(**place),) if place else (),
        "tax_ids": (tax,) if tax else (),
        "domains": tuple(dict.fromkeys(each for host in hosts for each in company_domains(host))),
    }
    return Profile(**{**facts, **more})
