"""Take in the payments document: the customer, where it is billed, and how it pays."""

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
from customers.ingest.engine import Incoming
from customers.ingest.matching import Identity
from customers.ingest.merged_origins import rows_at_origin
from customers.json_types import Remark
from customers.models import Address, Business, PaymentMethod, Source
from customers.typed_ids import to_uuid

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
#: The source id of the address row that a customer's own `address` made, without a list.
ALONE = "#default"
TYPE_OF_PREFIX = {prefix: kind for kind, prefix in PaymentMethod.PREFIXES.items()}

M = TypeVar("M", Address, Business, PaymentMethod)


class PaymentsImporter:
    """Brings payments documents into rows."""

    source = Source.PAYMENTS.value

    def parse(self, value: object) -> tuple[PaymentsCustomer, list[Remark]]:
        """The document, tidied."""
        return parse_customer(value)

    def identify(self, document: PaymentsCustomer) -> Identity:
        """A payments customer is known by its id, or by its e-mail where it has none; it is always live."""
        email = present(document.email) or ""
        own_id = present(document.id)
        return Identity(
            source=self.source,
            env="live",
            source_id=own_id or f"email:{email}",
            has_own_id=own_id is not None,
            email=email,
            names=(own_id,) if own_id else (),
        )

    def claims(self, document: PaymentsCustomer) -> dict[str, Any]:
        """What the document mentions; a status or a time that is null is not mentioned."""
        said = {name: getattr(document, name) for name in ("name", "email", "phone", "custom_data")}
        said |= {
            name: UNSET if (value := getattr(document, name)) is None else value
            for name in ("status", "created_at", "updated_at")
        }
        return {name: value for name, value in said.items() if value is not UNSET}

    def apply(self, batch: list[Incoming[PaymentsCustomer]], reason: str) -> None:
        """Addresses, businesses and payment methods; a list that is absent leaves what we have."""
        _apply_addresses(batch, reason)
        _apply_businesses(batch, reason)
        _apply_methods(batch, reason)


def present(value: Any) -> Any:
    """`value`, or None when the document does not mention it."""
    return None if value is UNSET else value


def _apply_addresses(batch: list[Incoming[PaymentsCustomer]], reason: str) -> None:
    held = _held(Address, batch)
    wanted: list[Address] = []
    for incoming in batch:
        ours = held[str(incoming.customer.pk)]
        rows = _standing(ours, _sent_rows(incoming, incoming.document.addresses, _address), ADDRESS_FIELDS)
        _choose_default_address(incoming, rows)
        wanted.extend(rows)
    settle_defaults(Address, batch, wanted, reason)
    _sync_children(Address, held, wanted, ADDRESS_FIELDS, ("adr",), reason)


def _choose_default_address(incoming: Incoming[PaymentsCustomer], rows: list[Address]) -> None:
    """Make the row that holds the customer's own `address` the default one.

    A default in the list stands. An address that no row holds goes into the row that `address` alone made
    earlier, or into a new one: rows that came with the list, or that a person added, are not rewritten.
    """
    sent = incoming.document.address
    if sent is UNSET:
        return
    postal = {name: getattr(sent, name, None) or "" for name in POSTAL_FIELDS}
    default = next((row for row in rows if row.is_default), None)
    if default is not None and any(address.is_default is True for address in _list_of(incoming, "addresses")):
        if sent is None or not _lies_at(default, postal):
            told = "It differs from the default of $.addresses, which is the one we keep."
            incoming.remarks.append(Remark("$.address", told))
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
        wanted.extend(_standing(ours, sent, BUSINESS_FIELDS))
    _sync_children(Business, held, wanted, BUSINESS_FIELDS, ("biz",), reason)


def _apply_methods(batch: list[Incoming[PaymentsCustomer]], reason: str) -> None:
    held = _held(PaymentMethod, batch)
    wanted: list[PaymentMethod] = []
    for incoming in batch:
        ours = held[str(incoming.customer.pk)]
        sent = _sent_rows(incoming, incoming.document.payment_methods, _method)
        rows = _standing(ours, sent, METHOD_FIELDS)
        if incoming.document.payment_method is not UNSET:
            _choose_default_method(incoming, rows)
        wanted.extend(rows)
    settle_defaults(PaymentMethod, batch, wanted, reason)
    _sync_children(PaymentMethod, held, wanted, METHOD_FIELDS, METHOD_PREFIXES, reason)


def _choose_default_method(incoming: Incoming[PaymentsCustomer], rows: list[PaymentMethod]) -> None:
    """Make the method that `payment_method` names the default one; an unknown id becomes a method."""
    named = incoming.document.payment_method
    chosen = next((row for row in rows if named in (row.source_id, row.public_id)), None)
    if named and chosen is None:
        chosen = _method(incoming, PaymentsMethod(id=named), len(rows))
        rows.append(chosen)
    for row in rows:
        row.is_default = row is chosen


def _held(model: type[M], batch: list[Incoming[PaymentsCustomer]]) -> dict[str, list[M]]:
    """The rows of each customer that its document speaks for, by the customer's id."""
    held: dict[str, list[M]] = {str(incoming.customer.pk): [] for incoming in batch}
    for row in rows_at_origin(model._default_manager.all(), batch):
        held[str(row.customer_id)].append(row)
    return held


def _list_of(incoming: Incoming[PaymentsCustomer], name: str) -> Sequence[Any]:
    return present(getattr(incoming.document, name)) or ()


def _sent_rows(
    incoming: Incoming[PaymentsCustomer], sent: Any, make: Callable[[Incoming[PaymentsCustomer], Any, int], M]
) -> list[M] | None:
    """The rows of a list in the document; None if it has none."""
    if sent is UNSET:
        return None
    return [make(incoming, item, position) for position, item in enumerate(sent or [])]


def _standing(held: list[M], sent: list[M] | None, fields: Sequence[str]) -> list[M]:
    """The rows a customer is to have: those sent, and (as copies) those held that no list takes away.

    A row that is sent under our own id of one that we hold is that one.
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
    staying: list[Any] = [
        _copy(row, fields) for row in held if not row.imported and child_key(row) not in keys
    ]
    if any(getattr(row, "is_default", False) for row in sent):
        for row in staying:
            row.is_default = False
    return sent + staying


def _copy(row: M, fields: Sequence[str]) -> M:
    values = {name: getattr(row, name) for name in (*fields, "source_id", "imported")}
    return type(row)(id=row.pk, customer_id=row.customer_id, **values)


def public_id(row: Any) -> str:
    """The id under which our documents show a row."""
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
    """The platform's times of a sub-entity; where it gave none, the customer's."""
    merged_origin = incoming.merged_origin or incoming.customer
    return {
        name: present(getattr(sent, name))
        or present(getattr(incoming.document, name))
        or getattr(merged_origin, name)
        for name in ("created_at", "updated_at")
    }


def child_key(row: Any) -> tuple[str, str]:
    """Children are recognised by their id at the source; a person's own have none, and are only themselves."""
    return str(row.customer_id), row.source_id or str(row.pk)


def adopt_ids(model: Any, wanted: Sequence[Any], existing: Iterable[Any], prefixes: tuple[str, ...]) -> None:
    """Give new rows the id they came with, when it is a well-formed id of ours that nobody has."""
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


def settle_defaults(
    model: type[Address | PaymentMethod],
    batch: Iterable[Incoming[PaymentsCustomer]],
    wanted: Iterable[Address | PaymentMethod],
    reason: str,
) -> None:
    """Leave each customer one default among the rows of all its homes: its own comes first, else the one it has."""
    shared = {str(incoming.customer.pk): incoming for incoming in batch if incoming.shares_customer}
    if not shared:
        return
    asked = [row for row in wanted if row.is_default and str(row.customer_id) in shared]
    rows: Any = model._default_manager.filter(customer__in=list(shared), is_default=True)
    elsewhere = {
        str(row.customer_id): row
        for row in rows
        if row.came_with_id != shared[str(row.customer_id)].came_with_id
    }
    leaving = []
    for row in asked:
        held = elsewhere.get(str(row.customer_id))
        if held is None:
            continue
        if shared[str(row.customer_id)].merged_origin is None:
            held.is_default = False
            leaving.append(held)
        else:
            row.is_default = False
    update_rows(leaving, ["is_default"], reason)


def _step_down(existing: Iterable[Any], wanted: Iterable[Any], reason: str) -> None:
    """Unset the defaults that are to go: the database allows one at a time, in whatever order rows are written."""
    asked = {child_key(row): row for row in wanted}
    leaving = [
        row
        for row in existing
        if getattr(row, "is_default", False)
        and (key := child_key(row)) in asked
        and not asked[key].is_default
    ]
    for row in leaving:
        row.is_default = False
    update_rows(leaving, ["is_default"], reason)
