"""Render customers as payments documents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model
from msgspec import UNSET

from customers.as_of import KnownCustomer, known_at
from customers.document.importer import CUSTOMER_FIELDS, METHOD_FACTS, POSTAL_FIELDS
from customers.document.schema import (
    PaymentsAddress,
    PaymentsBusiness,
    PaymentsBusinessContact,
    PaymentsCustomer,
    PaymentsMethod,
    PostalAddress,
)
from customers.json_types import IsoInstant
from customers.models import Address, Business, Customer, PaymentMethod

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class _RowsByCustomer:
    """Rows by the key of their customer."""

    addresses: Mapping[str, Sequence[Address]]
    payment_methods: Mapping[str, Sequence[PaymentMethod]]
    businesses: Mapping[str, Sequence[Business]]


def render_customers(customers: Sequence[Customer], *, embedded: bool = False) -> list[PaymentsCustomer]:
    """The payments document of each customer, in order; `embedded` includes the lists of its rows.

    The number of queries is fixed.
    """
    rows = _RowsByCustomer(
        addresses=_of_each(Address.objects.filter(customer__in=customers)),
        payment_methods=_of_each(PaymentMethod.objects.filter(customer__in=customers)),
        businesses=_of_each(Business.objects.filter(customer__in=customers) if embedded else ()),
    )
    return [_customer(customer, rows, embedded) for customer in customers]


def render_known(known: KnownCustomer, *, embedded: bool = False) -> PaymentsCustomer:
    """The payments document of a customer as it was known at a time, in a fixed number of queries."""
    rows = _RowsByCustomer(
        addresses=_of_each(known_at(Address, known)),
        payment_methods=_of_each(known_at(PaymentMethod, known)),
        businesses=_of_each(known_at(Business, known) if embedded else ()),
    )
    return _customer(known.customer, rows, embedded)


def render_addresses(rows: Iterable[Address]) -> list[PaymentsAddress]:
    return [
        PaymentsAddress(
            id=str(row.pk),
            customer_id=str(row.customer_id),
            description=row.description or None,
            is_default=row.is_default,
            status=row.status,
            created_at=instant(row.created_at),
            updated_at=instant(row.updated_at),
            custom_data=row.custom_data,
            **_postal(row),
        )
        for row in rows
    ]


def render_businesses(rows: Iterable[Business]) -> list[PaymentsBusiness]:
    return [
        PaymentsBusiness(
            id=str(row.pk),
            customer_id=str(row.customer_id),
            name=row.name or None,
            company_number=row.company_number or None,
            tax_identifier=row.tax_identifier or None,
            contacts=[PaymentsBusinessContact(**person) for person in row.contacts],
            status=row.status,
            created_at=instant(row.created_at),
            updated_at=instant(row.updated_at),
            custom_data=row.custom_data,
        )
        for row in rows
    ]


def render_payment_methods(rows: Iterable[PaymentMethod]) -> list[PaymentsMethod]:
    """Payment methods, with IDs that have the prefix of their type."""
    return [
        PaymentsMethod(
            id=row.public_id,
            customer_id=str(row.customer_id),
            type=row.type or None,
            is_default=row.is_default,
            status=row.status,
            **_filled(row, METHOD_FACTS),
        )
        for row in rows
    ]


def _of_each(rows: Iterable[M]) -> Mapping[str, list[M]]:
    groups: dict[str, list[M]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, "customer_id")].append(row)  # noqa: B009
    return groups


def _customer(customer: Customer, rows: _RowsByCustomer, embedded: bool) -> PaymentsCustomer:
    addresses, methods = rows.addresses[customer.pk], rows.payment_methods[customer.pk]
    address = next((each for each in addresses if each.is_default), None)
    method = next((each for each in methods if each.is_default), None)
    return PaymentsCustomer(
        id=str(customer.pk),
        address=PostalAddress(**_postal(address)) if address is not None else None,
        payment_method=method.public_id if method is not None else None,
        created_at=instant(customer.created_at),
        updated_at=instant(customer.updated_at),
        status=customer.status,
        **_filled(customer, CUSTOMER_FIELDS),
        addresses=render_addresses(addresses) if embedded else UNSET,
        businesses=render_businesses(rows.businesses[customer.pk]) if embedded else UNSET,
        payment_methods=render_payment_methods(methods) if embedded else UNSET,
    )


def _filled(row: Model, names: Iterable[str]) -> dict[str, Any]:
    """The columns of a row; null instead of an empty text."""
    return {name: None if (value := getattr(row, name)) == "" else value for name in names}


def _postal(row: Address) -> dict[str, Any]:
    return {name: getattr(row, name) or None for name in POSTAL_FIELDS}


def instant(moment: Any) -> IsoInstant:
    """`moment` in the type of the document."""
    return IsoInstant.fromisoformat(moment.isoformat())
