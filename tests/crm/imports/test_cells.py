"""What people and spreadsheets write into cells as amounts and numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crm.imports.cells import read_amount, read_phone
from crm.imports.rows import BadCell, ColumnMapping, read_row


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


@pytest.mark.parametrize("field", ["key", "external_id", "phone", "person.phone", "business.tax_identifier"])
@pytest.mark.parametrize("cell", ["4.93E+11", "4,93012E+11", "1e+15"])
def test_a_number_without_its_last_digits_is_refused_where_they_tell_customers_apart(
    field: str, cell: str
) -> None:
    mapping = ColumnMapping(["Name", "Number"], {"Name": "name", "Number": field})
    with pytest.raises(BadCell, match="is a number that a spreadsheet shortened"):
        read_row(["Heron Works", cell], mapping)


def test_elsewhere_it_is_a_text_as_any_other() -> None:
    mapping = ColumnMapping(["Name"], {"Name": "name"})
    assert read_row(["4.93E+11"], mapping)["payments"]["name"] == "4.93E+11"
