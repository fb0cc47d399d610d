"""Fields that imports leave alone, and what the history says of locking them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from customers.models import Address, Customer
from customers.pinned_fields import change_locks, lock_field, unlock_field
from tests.factories import make_customer


def test_pins_fields_once_in_a_fixed_order() -> None:
    customer = Customer()
    customer.pin(["phone", "name"])
    customer.pin(["phone"])
    assert customer.pinned_fields == ["name", "phone"]


def test_passes_over_what_imports_never_change() -> None:
    customer = Customer()
    customer.pin(["env", "name", "archived_at", "unlock_fields"])
    assert customer.pinned_fields == ["name"]


def test_unpins() -> None:
    customer = Customer(pinned_fields=["name", "phone", "status"])
    customer.unpin(["phone", "email"])
    assert customer.pinned_fields == ["name", "status"]


def test_says_in_words_what_is_pinned() -> None:
    assert Customer(pinned_fields=["email", "stripe_id"]).pinned_labels() == ["email", "Stripe ID"]
    assert Customer().pinned_labels() == []


def test_what_can_be_pinned_are_columns() -> None:
    assert set(Customer.PINNABLE) <= {field.name for field in Customer._meta.fields}


@pytest.mark.parametrize(
    ("pinned", "lock", "unlock", "reason"),
    [
        ([], ["name"], [], "Locked name"),
        (["name"], ["name"], [], None),
        (["name"], [], ["name", "email"], "Unlocked name"),
        (["name"], ["email", "stripe_id", "env"], ["name"], "Locked email and Stripe ID. Unlocked name"),
        ([], Customer.PINNABLE, [], f"Locked {len(Customer.PINNABLE)} fields"),
        (["name"], ["name"], ["name"], None),
    ],
)
def test_a_changed_lock_is_the_reason(
    pinned: list[str], lock: list[str], unlock: list[str], reason: str | None
) -> None:
    customer = Customer(pinned_fields=pinned)
    change_locks(customer, lock=lock, unlock=unlock)
    assert getattr(customer, "_change_reason", None) == reason


def test_a_reason_fits_into_the_history() -> None:
    address = Address(pinned_fields=["line1", "line2"])
    change_locks(address, lock=Address.PINNABLE, unlock=["line2"])
    reason: Any = address._change_reason  # type: ignore[attr-defined]
    assert len(reason) <= 100


@pytest.mark.django_db
def test_the_history_says_who_locked_and_unlocked_a_field() -> None:
    user = User.objects.create_user("max")
    customer = make_customer(name="Acme")
    key = str(customer.pk)

    lock_field(key, "name", user)
    lock_field(key, "name", user)
    unlock_field(key, "name", user)

    told = customer.history.order_by("history_id").values_list("history_user", "history_change_reason")[1:]
    assert list(told) == [(user.pk, "Locked name"), (user.pk, "Unlocked name")]
    customer.refresh_from_db()
    assert (customer.name, customer.pinned_fields) == ("Acme", [])
