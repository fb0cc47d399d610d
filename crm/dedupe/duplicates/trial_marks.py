"""Customers that may share a trial, found from a few columns before any is read whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from billing.models import TrialUsed
from crm.dedupe.duplicates.read_profile import method_mark
from crm.models import Company, Contact, Domain
from customers.ingest.precedence import claimed_value
from customers.models import Business, PaymentMethod, SourceRecord
from customers.models.customer import CustomerQuerySet
from customers.readings.mailboxes import company_domains, read_host

_METHOD = ("type", "brand", "last4", "exp_month", "exp_year", "phone", "bank_name", "country")


def sharers(customers: CustomerQuerySet) -> set[str]:
    """Keys of those of `customers` that share a fingerprint, domain or payment method with others.

    Environments are mixed, so the result may be too large, never too small. Memory holds their keys, not their rows.
    """
    first: dict[str, str] = {}
    found: set[str] = set()
    for customer, mark in _marks(customers):
        holder = first.setdefault(mark, customer)
        if holder != customer:
            found |= {holder, customer}
    return found


def _marks(customers: CustomerQuerySet) -> Iterator[tuple[str, str]]:
    for pk, fingerprint, email in customers.order_by().values_list("pk", "fingerprint", "email").iterator():
        yield from _marked(pk, "device", [fingerprint])
        yield from _marked(pk, "domain", _domains([email]))
    for pk, fingerprint in _rows(TrialUsed, customers, "fingerprint"):
        yield from _marked(pk, "device", [fingerprint])
    for pk, name in _rows(Domain, customers, "name"):
        yield from _marked(pk, "domain", _domains([name]))
    for pk, urls in _rows(Company, customers, "website_urls"):
        yield from _marked(pk, "domain", _domains(urls))
    for pk, email, aliases in _rows(Contact, customers, "person__email", "person__alias_emails"):
        yield from _marked(pk, "domain", _domains([email, *(aliases or [])]))
    for pk, contacts in _rows(Business, customers, "contacts"):
        listed = contacts if isinstance(contacts, list) else []
        yield from _marked(
            pk, "domain", _domains(each.get("email") for each in listed if isinstance(each, dict))
        )
    for pk, claims in _rows(SourceRecord, customers, "claims"):
        yield from _marked(pk, "domain", _domains([claimed_value(claims, "email")]))
    for pk, *facts in _rows(PaymentMethod, customers, *_METHOD):
        yield from _marked(pk, "method", [method_mark(dict(zip(_METHOD, facts, strict=True)))])


def _rows(model: Any, customers: CustomerQuerySet, *columns: str) -> Iterator[Any]:
    rows: QuerySet[Any] = model._default_manager.filter(customer__in=customers.order_by().values("pk"))
    return rows.order_by().values_list("customer_id", *columns).iterator()


def _marked(pk: object, kind: str, values: Iterable[str | None]) -> Iterator[tuple[str, str]]:
    return ((str(pk), f"{kind} {value.strip()}") for value in values if value and value.strip())


def _domains(texts: Iterable[Any] | None) -> Iterator[str]:
    """Registered company domains in addresses, links and host names."""
    for text in texts or ():
        if isinstance(text, str) and text:
            yield from company_domains(read_host(text.rpartition("@")[2]))[:1]
