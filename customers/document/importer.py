"""Import the payments document: the customer, its addresses, businesses and payment methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from msgspec import UNSET

from customers.bulk import pieces, sync_rows, update_rows
from customers.document.schema import (
    PaymentsAddress,
    PaymentsBusiness,
    PaymentsCustomer,
    PaymentsMethod,
    parse_customer,
)
from customers.ingest.importer import Incoming
from customers.ingest.matching import Identity
from customers.ingest.merged_origins import rows_at_origin
from customers.ingest.signs import Signs
from customers.json_types import Remark
from customers.json_types.keys import snake_case
from customers.models import Address, Business, Customer, PaymentMethod, Source
from customers.readings.phones import read_phone
from customers.readings.tax_ids import is_placeholder, read_tax_id
from customers.typed_ids import to_uuid

#: The customer's own columns that the document says. Imports, documents and pages about the document follow.
CUSTOMER_FIELDS = tuple(
    name for name in PaymentsCustomer.__struct_fields__ if name in Customer.PINNABLE and name != "status"
)
POSTAL_FIELDS = ("line1", "line2", "city", "state", "postal_code", "country")
ADDRESS_FIELDS = (
    *POSTAL_FIELDS,
    "position",
    "description",
    "is_default",
    "status",
    "created_at",
    "updated_at",
    "custom_data",
)
BUSINESS_FIELDS = (
    "position",
    "name",
    "company_number",
    "tax_identifier",
    "contacts",
    "status",
    "created_at",
    "updated_at",
    "custom_data",
)
METHOD_FACTS = ("brand", "last4", "exp_month", "exp_year", "provider", "phone", "bank_name", "country")
METHOD_FIELDS = (*METHOD_FACTS, "position", "type", "is_default", "status")
METHOD_PREFIXES = ("card", "momo", "bank", "pm")
#: The source ID of an address row that came from `address`, not from the list `addresses`.
ALONE = "#default"
TYPE_OF_PREFIX = {prefix: kind for kind, prefix in PaymentMethod.PREFIXES.items()}

M = TypeVar("M", Address, Business, PaymentMethod)


class PaymentsImporter:
    """Import payments documents."""

    source = Source.PAYMENTS.value

    def parse(self, value: object) -> tuple[PaymentsCustomer, list[Remark]]:
        return parse_customer(value)

    def spelled(self, value: Any) -> Any:
        return snake_case(PaymentsCustomer, value)

    def identify(self, document: PaymentsCustomer) -> Identity:
        """A payments customer is identified by its ID, or by its email if it has none; it is always live."""
        email = present(document.email) or ""
        own_id = present(document.id)
        return Identity(
            source=self.source,
            env="live",
            source_id=own_id or f"email:{email}",
            has_own_id=own_id is not None,
            email=email,
            names=(own_id,) if own_id else (),
            signs=_signs_of(document),
        )

    def shown(self, document: PaymentsCustomer) -> PaymentsCustomer:
        return document

    def claims(self, document: PaymentsCustomer) -> dict[str, Any]:
        """The fields of the document that are present; a null status or time counts as absent."""
        said = {name: getattr(document, name) for name in CUSTOMER_FIELDS}
        said |= {
            name: UNSET if (value := getattr(document, name)) is None else value
            for name in ("status", "created_at", "updated_at")
        }
        return {name: value for name, value in said.items() if value is not UNSET}

    def apply(self, batch: list[Incoming[PaymentsCustomer]], reason: str) -> None:
        """Write addresses, business profiles and payment methods; an absent list leaves the rows as they are."""
        _apply_addresses(batch, reason)
        _apply_businesses(batch, reason)
        _apply_methods(batch, reason)


def _signs_of(document: PaymentsCustomer) -> Signs:
    businesses = present(document.businesses) or ()
    address = present(document.address)
    country = (present(address.country) or "") if address is not None else ""
    return Signs(
        names=frozenset(filter(None, map(present, (document.name, *(each.name for each in businesses))))),
        phones=frozenset(filter(None, [read_phone(present(document.phone) or "", country)])),
        tax_ids=frozenset(
            number
            for each in businesses
            if (number := read_tax_id(present(each.tax_identifier) or "", country)) is not None
            and not is_placeholder(number.number)
        ),
    )


def present(value: Any) -> Any:
    """`value`, or None if it is absent from the document."""
    return None if value is UNSET else value


def _apply_addresses(batch: list[Incoming[PaymentsCustomer]], reason: str) -> None:
    held = _held(Address, batch)
    wanted: list[Address] = []
    for incoming in batch:
        ours = held[str(incoming.customer.pk)]
        rows = _wanted_rows(ours, _sent_rows(incoming, incoming.document.addresses, _address), ADDRESS_FIELDS)
        _choose_default_address(incoming, rows)
        wanted.extend(rows)
    _sync_children(Address, held, wanted, ADDRESS_FIELDS, ("adr",), reason)


def _choose_default_address(incoming: Incoming[PaymentsCustomer], rows: list[Address]) -> None:
    """Make the row with the customer's own `address` the default one.

    A default in the list takes precedence. An address that no row has is written to the row that `address` made
    earlier, or to a new one: rows of the list and rows that a person added are not overwritten.
    """
    sent = incoming.document.address
    if sent is UNSET:
        return
    postal = {name: getattr(sent, name, None) or "" for name in POSTAL_FIELDS}
    default = next((row for row in rows if row.is_default), None)
    if default is not None and any(address.is_default is True for address in _list_of(incoming, "addresses")):
        if sent is None or not _lies_at(default, postal):
            text = "It differs from the default of $.addresses, which was used."
            incoming.remarks.append(Remark("$.address", text))
        return
    chosen = None
    if sent is not None:
        chosen = _row_at(postal, [default, *rows] if default is not None else rows)
        if chosen is None:
            chosen = next((row for row in rows if row.source_id == ALONE), None)
            if chosen is None:
                chosen = _address(incoming, PaymentsAddress(id=ALONE), len(rows))
                rows.append(chosen)
            for name, value in postal.items():
                setattr(chosen, name, value)
    for row in rows:
        row.is_default = row is chosen


def _row_at(postal: dict[str, str], rows: Iterable[Address]) -> Address | None:
    return next((row for row in rows if _lies_at(row, postal)), None)


def _lies_at(row: Address, postal: dict[str, str]) -> bool:
    return all(getattr(row, name) == value for name, value in postal.items())


def _apply_businesses(batch: list[Incoming[PaymentsCustomer]], reason: str) -> None:
    held = _held(Business, batch)
    wanted: list[Business] = []
    for incoming in batch:
        ours = held[str(incoming.customer.pk)]
        sent = _sent_rows(incoming, incoming.document.businesses, _business)
        wanted.extend(_wanted_rows(ours, sent, BUSINESS_FIELDS))
    _sync_children(Business, held, wanted, BUSINESS_FIELDS, ("biz",), reason)


def _apply_methods(batch: list[Incoming[PaymentsCustomer]], reason: str) -> None:
    held = _held(PaymentMethod, batch)
    wanted: list[PaymentMethod] = []
    for incoming in batch:
        ours = held[str(incoming.customer.pk)]
        sent = _sent_rows(incoming, incoming.document.payment_methods, _method)
        rows = _wanted_rows(ours, sent, METHOD_FIELDS)
        if incoming.document.payment_method is not UNSET:
            _choose_default_method(incoming, rows)
        wanted.extend(rows)
    _sync_children(PaymentMethod, held, wanted, METHOD_FIELDS, METHOD_PREFIXES, reason)


def _choose_default_method(incoming: Incoming[PaymentsCustomer], rows: list[PaymentMethod]) -> None:
    """Make the method with the ID `payment_method` the default one; an unknown ID becomes a new method."""
    named = incoming.document.payment_method
    chosen = next((row for row in rows if named in (row.source_id, row.public_id)), None)
    if named and chosen is None:
        chosen = _method(incoming, PaymentsMethod(id=named), len(rows))
        rows.append(chosen)
    for row in rows:
        row.is_default = row is chosen


def _held(model: type[M], batch: list[Incoming[PaymentsCustomer]]) -> dict[str, list[M]]:
    """For each customer, by its key, the existing rows that its document is about."""
    held: dict[str, list[M]] = {str(incoming.customer.pk): [] for incoming in batch}
    for row in rows_at_origin(model._default_manager.all(), batch):
        held[str(row.customer_id)].append(row)
    return held


def _list_of(incoming: Incoming[PaymentsCustomer], name: str) -> Sequence[Any]:
    return present(getattr(incoming.document, name)) or ()


def _sent_rows(
    incoming: Incoming[PaymentsCustomer], sent: Any, make: Callable[[Incoming[PaymentsCustomer], Any, int], M]
) -> list[M] | None:
    """The rows of a list in the document; None if the list is absent."""
    if sent is UNSET:
        return None
    return [make(incoming, item, position) for position, item in enumerate(sent or [])]


def _wanted_rows(held: list[M], sent: list[M] | None, fields: Sequence[str]) -> list[M]:
    """The rows that a customer should have: those sent, and copies of existing rows that the list does not replace.

    A row sent with the typed ID of an existing row updates that row.
    """
    if sent is None:
        return [_copy(row, fields) for row in held]
    sources = {row.source_id for row in held}
    ours = {public_id(row): row for row in held}
    for row in sent:
        known = ours.get(row.source_id)
        if known is not None and row.source_id not in sources:
            row.pk, row.source_id = known.pk, known.source_id
    keys = {child_key(row) for row in sent}
    remaining: list[Any] = [
        _copy(row, fields) for row in held if not row.imported and child_key(row) not in keys
    ]
    if any(getattr(row, "is_default", False) for row in sent):
        for row in remaining:
            row.is_default = False
    return sent + remaining


def _copy(row: M, fields: Sequence[str]) -> M:
    values = {name: getattr(row, name) for name in (*fields, "source_id", "imported")}
    return type(row)(id=row.pk, customer_id=row.customer_id, **values)


def public_id(row: Any) -> str:
    """The ID of a row in the documents."""
    return row.public_id if isinstance(row, PaymentMethod) else str(row.pk)


def _sync_children(
    model: type[M],
    held: dict[str, list[M]],
    wanted: list[M],
    fields: Sequence[str],
    prefixes: tuple[str, ...],
    reason: str,
) -> None:
    existing = [row for rows in held.values() for row in rows]
    adopt_ids(model, wanted, existing, prefixes)
    _step_down(existing, wanted, reason)
    sync_rows(existing, wanted, key=child_key, fields=fields, reason=reason)


def _address(incoming: Incoming[PaymentsCustomer], sent: PaymentsAddress, position: int) -> Address:
    return Address(
        customer=incoming.customer,
        came_with_id=incoming.came_with_id,
        source_id=present(sent.id) or f"#{position}",
        imported=True,
        position=position,
        description=present(sent.description) or "",
        is_default=bool(present(sent.is_default)),
        status=present(sent.status) or "active",
        custom_data=present(sent.custom_data),
        **times(sent, incoming),
        **{name: present(getattr(sent, name)) or "" for name in POSTAL_FIELDS},
    )


def _business(incoming: Incoming[PaymentsCustomer], sent: PaymentsBusiness, position: int) -> Business:
    return Business(
        customer=incoming.customer,
        came_with_id=incoming.came_with_id,
        source_id=present(sent.id) or f"#{position}",
        imported=True,
        position=position,
        name=present(sent.name) or "",
        company_number=present(sent.company_number) or "",
        tax_identifier=present(sent.tax_identifier) or "",
        contacts=[{"name": person.name, "email": person.email} for person in present(sent.contacts) or []],
        status=present(sent.status) or "active",
        custom_data=present(sent.custom_data),
        **times(sent, incoming),
    )


def _method(incoming: Incoming[PaymentsCustomer], sent: PaymentsMethod, position: int) -> PaymentMethod:
    facts = {name: present(getattr(sent, name)) for name in METHOD_FACTS}
    return PaymentMethod(
        customer=incoming.customer,
        came_with_id=incoming.came_with_id,
        source_id=present(sent.id) or f"#{position}",
        imported=True,
        position=position,
        type=present(sent.type) or TYPE_OF_PREFIX.get((present(sent.id) or "").partition("_")[0], ""),
        is_default=bool(present(sent.is_default)),
        status=present(sent.status) or "active",
        **{
            name: ("" if value is None and not name.startswith("exp_") else value)
            for name, value in facts.items()
        },
    )


def times(sent: PaymentsAddress | PaymentsBusiness, incoming: Incoming[PaymentsCustomer]) -> dict[str, Any]:
    """The times of a row of a list; those of the customer if the platform sent none."""
    customer = incoming.merged_origin or incoming.customer
    return {
        name: present(getattr(sent, name))
        or present(getattr(incoming.document, name))
        or getattr(customer, name)
        for name in ("created_at", "updated_at")
    }


def child_key(row: Any) -> tuple[str, str]:
    """What identifies a row: its ID at the source, or its own key if a person added it."""
    return str(row.customer_id), row.source_id or str(row.pk)


def adopt_ids(model: Any, wanted: Sequence[Any], existing: Iterable[Any], prefixes: tuple[str, ...]) -> None:
    """Give new rows the typed ID that they were sent with, unless another row has it."""
    known = {child_key(row) for row in existing}
    fresh = {
        uuid: row
        for row in wanted
        if child_key(row) not in known and (uuid := to_uuid(row.source_id, prefixes)) is not None
    }
    taken = {
        to_uuid(pk, prefixes)
        for piece in pieces(fresh)
        for pk in model.objects.filter(pk__in=piece).values_list("pk", flat=True)
    }
    for uuid, row in fresh.items():
        if uuid not in taken:
            row.pk = model._meta.pk.to_python(uuid)


def _step_down(existing: Iterable[Any], wanted: Iterable[Any], reason: str) -> None:
    """Unset former defaults before the new ones are written, because the database allows only one at any time."""
    wanted_by_key = {child_key(row): row for row in wanted}
    leaving = [
        row
        for row in existing
        if getattr(row, "is_default", False)
        and (key := child_key(row)) in wanted_by_key
        and not wanted_by_key[key].is_default
    ]
    for row in leaving:
        row.is_default = False
    update_rows(leaving, ["is_default"], reason)
