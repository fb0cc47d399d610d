"""What people write into cells as amounts and phone numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crm.imports.cells import read_amount, read_phone


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("5", "5", ""),
        ("(5)", "-5", ""),
        ("(-5)", "-5", ""),
        ("($5.00)", "-5", "USD"),
        ("$(5.00)", "-5", "USD"),
        ("(5) USD", "-5", "USD"),
        ("USD (5)", "-5", "USD"),
        ("(1,200.50 USD)", "-1200.50", "USD"),
        ("-5 USD", "-5", "USD"),
    ],
)
def test_an_amount_in_parentheses_is_below_zero_wherever_its_currency_is(
    text: str, amount: str, currency: str
) -> None:
    assert read_amount(text) == (Decimal(amount), currency)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+1 555 0100", "+1 555 0100"),
        ("'+1 555 0100", "+1 555 0100"),
        ("=+1 555 0100", "+1 555 0100"),
        ("Phone: +1 555 0100", "+1 555 0100"),
        ("Work phone: +1 555 0100", "+1 555 0100"),
        ("Work phone: +1 555 0100 Mobile: +1 555 0101", "+1 555 0100"),
        ("ask reception", "ask reception"),
    ],
)
def test_a_phone_number_is_read_without_its_label(text: str, number: str) -> None:
    assert read_phone(text) == number
