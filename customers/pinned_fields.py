"""What a person has decided about a customer stays: the fields that imports leave alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from customers.ingest.precedence import sources_value
from customers.models import Customer

#: The fields that both imports and people set, as a person names them.
PINNABLE = {
    "name": "name",
    "email": "e-mail",
    "phone": "phone",
    "status": "status",
    "custom_data": "custom data",
    "fingerprint": "fingerprint",
    "external_id": "external id",
    "stripe_id": "Stripe id",
}

#: Why the history says a value was changed that a person let the sources decide.
TAKEN = "Taken from the sources"


def pin(customer: Customer, fields: Iterable[str]) -> None:
    """Keep imports from changing `fields` of `customer` from now on; the caller saves it.

    Fields that imports never change are passed over.
    """
    kept = {*customer.pinned_fields, *fields}
    customer.pinned_fields = [field for field in PINNABLE if field in kept]


def unpin(customer: Customer, fields: Iterable[str]) -> None:
    """Let imports change `fields` of `customer` again; the caller saves it."""
    freed = set(fields)
    customer.pinned_fields = [field for field in customer.pinned_fields if field not in freed]


def pinned_in_words(customer: Customer) -> str:
    """`name, phone`; nothing where no field is pinned."""
    return ", ".join(words for field, words in PINNABLE.items() if field in customer.pinned_fields)


@transaction.atomic
def hold_fast(customer_id: str, field: str) -> None:
    """Keep imports from changing `field` of a customer. Raises `ValueError` for a field that they never change."""
    customer = _locked(customer_id, field)
    pin(customer, [field])
    Customer.objects.filter(pk=customer.pk).update(pinned_fields=customer.pinned_fields)


@transaction.atomic
def let_imports_change(customer_id: str, field: str) -> None:
    """Let imports change `field` again: the value stays until a source says something new. Raises `ValueError`."""
    customer = _locked(customer_id, field)
    unpin(customer, [field])
    Customer.objects.filter(pk=customer.pk).update(pinned_fields=customer.pinned_fields)


@transaction.atomic
def take_from_sources(customer_id: str, field: str, by: Any) -> None:
    """Set `field` to what the source says that counts most, and let imports change it again.

    Raises `ValueError` where no source says anything of it, or another customer has that identifier.
    """
    customer = _locked(customer_id, field)
    is_said, value = sources_value(customer, field)
    if not is_said:
        raise ValueError(f"No source says anything of the {PINNABLE[field]}.")
    setattr(customer, field, value)
    unpin(customer, [field])
    customer._history_user = by  # type: ignore[attr-defined]
    customer._change_reason = TAKEN  # type: ignore[attr-defined]
    try:
        customer.validate_constraints()
    except ValidationError as problem:
        raise ValueError(" ".join(problem.messages)) from None
    customer.save(update_fields=[field, "pinned_fields"])


def _locked(customer_id: str, field: str) -> Customer:
    if field not in PINNABLE:
        raise ValueError(f"“{field}” is no field that imports change.")
    customer = Customer.objects.select_for_update().get(pk=customer_id)
    if customer.merged_into_id is not None:
        raise ValueError(f"{customer} was merged into another customer, and stays as it was.")
    return customer
