"""Render customers as payments documents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model
from msgspec import UNSET

from customers.as_of import KnownCustomer, known_at
from customers.document.importer import CUSTOMER_FIELDS, METHOD_FACTS, POSTAL_FIELDS, public_id
from customers.document.schema import (
    PaymentsAddress,
    PaymentsBusiness,
    PaymentsBusinessContact,
    PaymentsCustomer,
    PaymentsMethod,
    PostalAddress,
)
from customers.ingest.matching import STAND_INS
from customers.json_types import IsoInstant
from customers.models import Address, Business, Customer, PaymentMethod, Source, SourceRecord

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class _RowsByCustomer:
    """Rows by the key of their customer.

    `received_ids` are the IDs that the payments platform gave. The customers without one, and all of them outside
    exports, are shown with our own, and so are their rows.
    """

    received_ids: Mapping[str, str]
    addresses: Mapping[str, Sequence[Address]]
    payment_methods: Mapping[str, Sequence[PaymentMethod]]
    businesses: Mapping[str, Sequence[Business]]


def render_customers(customers: Sequence[Customer], *, embedded: bool = False) -> list[PaymentsCustomer]:
    """The payments document of each customer, in order.

    With `embedded` it is the whole document of the customer's own record: with the lists of its rows, and with the IDs
    that the payments platform gave. The number of queries is fixed.
    """
    rows = _RowsByCustomer(
        received_ids=_received_ids(customers) if embedded else {},
        addresses=_of_each(Address.objects.filter(customer__in=customers)),
        payment_methods=_of_each(PaymentMethod.objects.filter(customer__in=customers)),
        businesses=_of_each(Business.objects.filter(customer__in=customers) if embedded else ()),
    )
    return [_customer(customer, rows, embedded) for customer in customers]


def render_known(known: KnownCustomer, *, embedded: bool = False) -> PaymentsCustomer:
    """The payments document of a customer as it was known at a time, in a fixed number of queries."""
    rows = _RowsByCustomer(
        received_ids=_received_ids([known.customer]) if embedded else {},
        addresses=_of_each(known_at(Address, known)),
        payment_methods=_of_each(known_at(PaymentMethod, known)),
        businesses=_of_each(known_at(Business, known) if embedded else ()),
    )
    return _customer(known.customer, rows, embedded)


def _received_ids(customers: Sequence[Customer]) -> dict[str, str]:
    """The ID of each customer's own record, by the key of the customer. Records without an ID are left out."""
    records = SourceRecord.objects.filter(customer__in=customers, source=Source.PAYMENTS, came_with=None)
    found: dict[str, str] = {}
    for customer_id, source_id in records.order_by("pk").values_list("customer", "source_id"):
        if not source_id.startswith(STAND_INS):
            found.setdefault(str(customer_id), source_id)
    return found


def render_addresses(rows: Iterable[Address], received_id: str | None = None) -> list[PaymentsAddress]:
    """Addresses, in order, with our IDs, or with those of the platform if their customer's is given."""
    return [
        PaymentsAddress(
            id=_shown_id(row, received_id),
            customer_id=received_id or str(row.customer_id),
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


def render_businesses(rows: Iterable[Business], received_id: str | None = None) -> list[PaymentsBusiness]:
    """Business profiles, in order, with IDs as in `render_addresses`."""
    return [
        PaymentsBusiness(
            id=_shown_id(row, received_id),
            customer_id=received_id or str(row.customer_id),
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


def render_payment_methods(
    rows: Iterable[PaymentMethod], received_id: str | None = None
) -> list[PaymentsMethod]:
    """Payment methods, in order, with IDs as in `render_addresses`; ours have the prefix of their type."""
    return [
        PaymentsMethod(
            id=_shown_id(row, received_id),
            customer_id=received_id or str(row.customer_id),
            type=row.type or None,
            is_default=row.is_default,
            status=row.status,
            **_filled(row, METHOD_FACTS),
        )
        for row in rows
    ]


def _shown_id(row: Any, received_id: str | None) -> str:
    """The row's ID at the payments platform if its customer's is shown and the row has one, else ours."""
    is_received = received_id and row.came_with_id is None and row.source_id and row.source_id[0] != "#"
    return str(row.source_id) if is_received else public_id(row)


def _of_each(rows: Iterable[M]) -> Mapping[str, list[M]]:
    groups: dict[str, list[M]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, "customer_id")].append(row)  # noqa: B009
    return groups


def _customer(customer: Customer, rows: _RowsByCustomer, embedded: bool) -> PaymentsCustomer:
    addresses, methods = rows.addresses[customer.pk], rows.payment_methods[customer.pk]
    address = next((each for each in addresses if each.is_default), None)
    method = next((each for each in methods if each.is_default), None)
    received_id = rows.received_ids.get(str(customer.pk))
    return PaymentsCustomer(
        id=received_id or str(customer.pk),
        address=PostalAddress(**_postal(address)) if address is not None else None,
        payment_method=_shown_id(method, received_id) if method is not None else None,
        created_at=instant(customer.created_at),
        updated_at=instant(customer.updated_at),
        status=customer.status,
        **_filled(customer, CUSTOMER_FIELDS),
        addresses=render_addresses(addresses, received_id) if embedded else UNSET,
        businesses=render_businesses(rows.businesses[customer.pk], received_id) if embedded else UNSET,
        payment_methods=render_payment_methods(methods, received_id) if embedded else UNSET,
    )


def _filled(row: Model, names: Iterable[str]) -> dict[str, Any]:
    """The columns of a row; null instead of an empty text."""
    return {name: None if (value := getattr(row, name)) == "" else value for name in names}


def _postal(row: Address) -> dict[str, Any]:
    return {name: getattr(row, name) or None for name in POSTAL_FIELDS}


def instant(moment: Any) -> IsoInstant:
    """`moment` in the type of the document."""
    return IsoInstant.fromisoformat(moment.isoformat())
