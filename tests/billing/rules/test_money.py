from decimal import Decimal

import pytest

from billing.rules.money import (
    LARGEST_MINOR,
    digits,
    from_minor,
    is_known,
    known_code,
    round_to_minor,
    to_minor,
)


@pytest.mark.parametrize(
    ("currency", "count"),
    [
        ("USD", 2),
        ("eur", 2),
        ("JPY", 0),
        ("jpy", 0),
        ("KWD", 3),
        ("CLF", 4),
        ("UGX", 0),
        # Where the usual software shows fewer digits than ISO 4217 gives.
        ("IQD", 3),
        ("AFN", 2),
        ("LBP", 2),
        ("MGA", 2),
        # Withdrawn, but on old invoices.
        ("HRK", 2),
        ("ITL", 0),
    ],
)
def test_digits_are_those_of_iso_4217(currency, count):
    assert digits(currency) == count


@pytest.mark.parametrize("currency", ["", "US", "USDX", "XYZ", "XAU", "XTS", "U$D", "€"])
def test_what_is_not_a_currency_is_refused(currency):
    assert not is_known(currency)
    with pytest.raises(ValueError, match="is not a currency: expected an ISO 4217 code such as USD"):
        known_code(currency)


def test_a_code_is_known_in_any_case():
    assert is_known("kWd")
    assert known_code("kWd") == "KWD"


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("19.99", "USD", 1999),
        ("1200", "USD", 120000),
        ("1200.00", "USD", 120000),
        ("19.9900000000", "usd", 1999),
        ("-5.5", "EUR", -550),
        ("1200", "JPY", 1200),
        ("1.234", "KWD", 1234),
        ("0", "KWD", 0),
    ],
)
def test_an_amount_becomes_minor_units(amount, currency, minor):
    assert to_minor(Decimal(amount), currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency", "message"),
    [
        ("12.5", "JPY", "12.5 has more digits than the currency: JPY has no decimals"),
        ("19.995", "USD", "19.995 has more digits than the currency: USD has 2 decimals"),
        ("0.0001", "kwd", "0.0001 has more digits than the currency: KWD has 3 decimals"),
    ],
)
def test_more_digits_than_the_currency_has_are_refused(amount, currency, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        to_minor(Decimal(amount), currency)


def test_an_amount_beyond_64_bits_is_refused():
    assert to_minor(Decimal(LARGEST_MINOR), "JPY") == LARGEST_MINOR
    with pytest.raises(ValueError, match="too large"):
        to_minor(Decimal(LARGEST_MINOR + 1), "JPY")
    with pytest.raises(ValueError, match="too large"):
        round_to_minor(Decimal("-1e15"), "CLF")


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("0.005", "USD", 0),
        ("0.015", "USD", 2),
        ("0.025", "USD", 2),
        ("0.0250000001", "USD", 3),
        ("-0.015", "USD", -2),
        ("2.5", "JPY", 2),
        ("3.5", "JPY", 4),
        ("0.0005", "KWD", 0),
    ],
)
def test_a_half_goes_to_the_even_neighbour(amount, currency, minor):
    assert round_to_minor(Decimal(amount), currency) == minor


@pytest.mark.parametrize(
    ("minor", "currency", "amount"),
    [(1999, "USD", "19.99"), (120000, "USD", "1200.00"), (1200, "JPY", "1200"), (-1234, "KWD", "-1.234")],
)
def test_minor_units_become_an_amount_with_all_its_decimals(minor, currency, amount):
    assert str(from_minor(minor, currency)) == amount
