from decimal import Decimal

import pytest

from billing.formats import money, unit_price
from billing.rules.money import LARGEST_MINOR


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (249995, "USD", "$2,499.95"),
        (120000, "aud", "A$1,200.00"),
        (1200, "JPY", "¥1,200"),
        (14700, "KWD", "KWD 14.700"),
        (-550, "EUR", "-€5.50"),
        (0, "USD", "$0.00"),
        (LARGEST_MINOR, "USD", "$92,233,720,368,547,758.07"),
    ],
)
def test_an_amount_is_shown_with_its_currency(minor, currency, shown):
    assert money(minor, currency) == shown


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("0.002", "USD", "$0.002"),
        ("20", "USD", "$20.00"),
        ("20.10", "USD", "$20.10"),
        ("1200", "JPY", "¥1,200"),
        ("0.0000000001", "KWD", "KWD 0.0000000001"),
    ],
)
def test_a_price_is_shown_with_every_digit(amount, currency, shown):
    assert unit_price(Decimal(amount), currency) == shown
