"""Lock fields against imports and unlock them, with the user and the reason in the history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from customers.bulk import LONGEST_REASON
from customers.formats import counted, listed
from customers.ingest.precedence import column, is_empty, sources_value
from customers.models import Customer, PinnedFields

#: The reason in the history for a value that a person took from the sources.
TAKEN = "Taken from the sources"
_LOCKED, _UNLOCKED = "Locked", "Unlocked"
#: The reason in the history for locking and unlocking begins with one of these.
LOCK_REASONS = (f"{_LOCKED} ", f"{_UNLOCKED} ")


def change_locks(row: PinnedFields, *, lock: Iterable[str] = (), unlock: Iterable[str] = ()) -> None:
    """Unlock and lock fields of `row`, and give its next history row the reason; the caller saves.

    Fields that imports never change are skipped.
    """
    before = list(row.pinned_fields)
    row.unpin(unlock)
    row.pin(lock)
    reason = ". ".join(
        f"{verb} {_named(row, fields)}"
        for verb, fields in (
            (_LOCKED, [name for name in row.pinned_fields if name not in before]),
            (_UNLOCKED, [name for name in before if name not in row.pinned_fields]),
        )
        if fields
    )
    if reason:
        row._change_reason = reason[:LONGEST_REASON]  # type: ignore[attr-defined]


@transaction.atomic
def lock_field(customer_id: str, field: str, by: Any) -> None:
    """Prevent imports from changing `field` of a customer. Raises `ValueError` for a field that they never change."""
    customer = _customer_to_change(customer_id, field)
    change_locks(customer, lock=[field])
    _save(customer, ["pinned_fields"], by)


@transaction.atomic
def unlock_field(customer_id: str, field: str, by: Any) -> None:
    """Let `field` have what the sources say, now and after each import. Raises `ValueError`."""
    customer = _customer_to_change(customer_id, field)
    change_locks(customer, unlock=[field])
    has_value, value = sources_value(customer, field)
    if has_value:
        setattr(customer, field, value)
    _save_valid(customer, [field, "pinned_fields"], by)


@transaction.atomic
def take_from_sources(customer_id: str, field: str, by: Any) -> None:
    """Set `field` to the value of the most trusted source, and let imports change it again.

    Raises `ValueError` if no source has a value for it, or another customer has that identifier.
    """
    customer = _customer_to_change(customer_id, field)
    has_value, value = sources_value(customer, field)
    if not has_value:
        raise ValueError(f"No source has a value for {Customer.label_of(field)}.")
    setattr(customer, field, value)
    customer.unpin([field])
    customer._change_reason = TAKEN  # type: ignore[attr-defined]
    _save_valid(customer, [field, "pinned_fields"], by)


@transaction.atomic
def use_value_of(customer_id: str, field: str, record_id: str, by: Any) -> None:
    """Set `field` to the value that one of the customer's records has for it, and lock it there.

    Raises `ValueError` if the record has no value for it any more, or another customer has that identifier.
    """
    customer = _customer_to_change(customer_id, field)
    record = next((each for each in customer.source_records.all() if str(each.pk) == record_id), None)
    claim = record.claims.get(field) if record is not None else None
    if record is None or claim is None or is_empty(claim["value"]):
        raise ValueError(
            f"That record has no value for {Customer.label_of(field)} any more. Reload the page to see what it says now."
        )
    setattr(customer, field, column(field, claim["value"]))
    customer.pin([field])
    customer._change_reason = f"Used the value of {record}"[:LONGEST_REASON]  # type: ignore[attr-defined]
    _save_valid(customer, [field, "pinned_fields"], by)


def _save_valid(customer: Customer, columns: list[str], by: Any) -> None:
    try:
        customer.validate_constraints()
    except ValidationError as problem:
        raise ValueError(" ".join(problem.messages)) from None
    _save(customer, columns, by)


def _customer_to_change(customer_id: str, field: str) -> Customer:
    if field not in Customer.PINNABLE:
        raise ValueError(f"Imports never change “{field}”.")
    customer = Customer.objects.select_for_update().get(pk=customer_id)
    if customer.merged_into_id is not None:
        raise ValueError(f"{customer} was merged into another customer and can't be changed.")
    return customer


def _save(customer: Customer, fields: list[str], by: Any) -> None:
    """Save `fields`, unless no lock or value changed: locking a locked field writes no history row."""
    if hasattr(customer, "_change_reason"):
        customer._history_user = by  # type: ignore[attr-defined]
        customer.save(update_fields=fields)


def _named(row: PinnedFields, fields: Sequence[str]) -> str:
    words = listed([row.label_of(name) for name in fields])
    return words if len(words) < LONGEST_REASON // 2 else counted(len(fields), "field")
