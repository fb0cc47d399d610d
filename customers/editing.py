"""What a person has decided about a customer stays: the fields that imports leave alone."""

from __future__ import annotations

from collections.abc import Iterable

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
