"""Fields that imports leave alone."""

from __future__ import annotations

from customers.models import Customer
from customers.pinned_fields import PINNABLE, pin, pinned_in_words, unpin


def test_pins_fields_once_in_a_fixed_order() -> None:
    customer = Customer()
    pin(customer, ["phone", "name"])
    pin(customer, ["phone"])
    assert customer.pinned_fields == ["name", "phone"]


def test_passes_over_what_imports_never_change() -> None:
    customer = Customer()
    pin(customer, ["env", "name", "archived_at", "let_imports_change"])
    assert customer.pinned_fields == ["name"]


def test_unpins() -> None:
    customer = Customer(pinned_fields=["name", "phone", "status"])
    unpin(customer, ["phone", "email"])
    assert customer.pinned_fields == ["name", "status"]


def test_says_in_words_what_is_pinned() -> None:
    assert pinned_in_words(Customer(pinned_fields=["email", "stripe_id"])) == "e-mail, Stripe id"
    assert pinned_in_words(Customer()) == ""


def test_what_can_be_pinned_are_columns() -> None:
    assert set(PINNABLE) <= {field.name for field in Customer._meta.fields}
