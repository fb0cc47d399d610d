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
from customers.ingest.accounts import (
    account_of,
    as_their_records_say,
    by_account,
    places_of,
    rows_of_accounts,
)
from customers.ingest.matching import STAND_INS
from customers.json_types import IsoInstant
from customers.models import Address, Business, Customer, PaymentMethod, Source, SourceRecord, default_of

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
    """The payments document of each customer, in order, in a fixed number of queries.

    With `embedded` it has the lists of all rows of the customer, and the IDs that the payments platform gave.
    """
    rows = _RowsByCustomer(
        received_ids=_received_ids(customers) if embedded else {},
        addresses=_of_each(Address.objects.filter(customer__in=customers)),
        payment_methods=_of_each(PaymentMethod.objects.filter(customer__in=customers)),
        businesses=_of_each(Business.objects.filter(customer__in=customers) if embedded else ()),
    )
    return [_customer(customer, rows, embedded) for customer in customers]


def render_accounts(accounts: Sequence[Customer]) -> list[PaymentsCustomer]:
    """The whole document of the account of each of these customers, merged or not, in order.

    It has the lists of the account's rows, and the IDs that the payments platform gave. The number of queries is fixed.
    """
    places = places_of(accounts)
    rows = _RowsByCustomer(
        received_ids=_received_ids(accounts),
        addresses=by_account(rows_of_accounts(Address.objects.all(), places)),
        payment_methods=by_account(rows_of_accounts(PaymentMethod.objects.all(), places)),
        businesses=by_account(rows_of_accounts(Business.objects.all(), places)),
    )
    told = as_their_records_say(accounts, Source.PAYMENTS)
    return [_customer(account, rows, embedded=True) for account in told]


def render_known(known: KnownCustomer, *, embedded: bool = False) -> PaymentsCustomer:
    """The payments document of a customer as it was known at a time, in a fixed number of queries."""
    rows = _RowsByCustomer(
        received_ids=_received_ids([known.customer]) if embedded else {},
        addresses=_of_each(known_at(Address, known)),
        payment_methods=_of_each(known_at(PaymentMethod, known)),
        businesses=_of_each(known_at(Business, known) if embedded else ()),
    )
    return _customer(known.customer, rows, embedded)


def _received_ids(accounts: Sequence[Customer]) -> dict[str, str]:
    """The ID of each account's record, by the key of the customer. Records without an ID are left out."""
    records = SourceRecord.objects.filter(source=Source.PAYMENTS).order_by("pk")
    found: dict[str, str] = {}
    for record in rows_of_accounts(records, places_of(accounts)):
        if not record.source_id.startswith(STAND_INS):
            found.setdefault(account_of(record), record.source_id)
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
    is_received = received_id and row.source_id and row.source_id[0] != "#"
    return str(row.source_id) if is_received else public_id(row)


def _of_each(rows: Iterable[M]) -> Mapping[str, list[M]]:
    groups: dict[str, list[M]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, "customer_id")].append(row)  # noqa: B009
    return groups


def _customer(customer: Customer, rows: _RowsByCustomer, embedded: bool) -> PaymentsCustomer:
    addresses, methods = rows.addresses[customer.pk], rows.payment_methods[customer.pk]
    address, method = default_of(addresses), default_of(methods)
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
