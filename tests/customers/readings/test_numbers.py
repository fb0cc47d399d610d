"""Phone and tax numbers at the edge of what is one."""

from __future__ import annotations

import pytest

from customers.readings.phones import in_groups, read_phone
from customers.readings.tax_ids import TaxId, is_placeholder, read_tax_id


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("+49 30 123", "", ""),
        ("030 123", "DE", ""),
        ("112", "DE", ""),
        ("+49 30 1234", "", "+49301234"),
    ],
)
def test_a_short_phone_number_is_none(text: str, region: str, number: str) -> None:
    assert read_phone(text, region) == number


@pytest.mark.parametrize("text", ["ATELIER1", "DE12AB34CD", "FRANCE99"])
def test_a_word_that_begins_like_a_country_is_no_number_of_it(text: str) -> None:
    assert read_tax_id(text, "ES") == TaxId(text, "ES")


def test_digits_after_a_country_are_a_number_of_it() -> None:
    assert read_tax_id("DE 123 456", "FR") == TaxId("123456", "DE")


@pytest.mark.parametrize(
    "number", ["123456789", "000000000", "11111111", "987654321", "1234567890", "DE123456789"]
)
def test_a_number_that_stands_for_none_is_a_placeholder(number: str) -> None:
    assert is_placeholder(number)


@pytest.mark.parametrize("number", ["129274202", "HRB12345", "DE811569869", "12", "", "AAAAAA"])
def test_others_are_not(number: str) -> None:
    assert not is_placeholder(number)


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("+15035550126", "+1 503-555-0126"),
        ("+390612345678", "+39 06 1234 5678"),
        ("ask for Jo", "ask for Jo"),
        ("+15035550126;7", "+15035550126;7"),
        ("+0", "+0"),
    ],
)
def test_a_number_is_shown_in_groups(phone: str, shown: str) -> None:
    assert in_groups(phone) == shown
