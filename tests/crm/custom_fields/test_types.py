"""The types of custom fields: what fits, what is shown, and what a user may enter."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crm.custom_fields.types import BadFieldValue, read_entered, read_received
from crm.models import FieldDefinition

#: (type, value as received, the value as pages show it, whether it fits)
RECEIVED: list[tuple[str, Any, str, bool]] = [
    ("text", "Gold", "Gold", True),
    ("text", 5, "5", True),
    ("text", True, "yes", True),
    ("text", ["a", "b"], "a, b", True),
    ("text", {"a": {"b": 1}}, '{"a": {"b": 1}}', False),
    ("number", 1234.5, "1,234.5", True),
    ("number", "-7", "-7", True),
    ("number", Decimal("12.5000000000"), "12.5", True),
    ("number", "about 5", "about 5", False),
    ("number", 10**20, "1" + "0" * 20, False),
    ("number", "٣", "٣", False),
    ("number", True, "yes", False),
    ("date", "2026-03-31", "Mar 31, 2026", True),
    ("date", "2026-03-31T23:30:00-05:00", "Apr 1, 2026", True),
    ("date", "31.03.2026", "31.03.2026", False),
    ("date", "2026-02-30", "2026-02-30", False),
    ("yes_no", True, "Yes", True),
    ("yes_no", "FALSE", "No", True),
    ("yes_no", 0, "No", True),
    ("yes_no", "maybe", "maybe", False),
    ("choice", "gold", "Gold", True),
    ("choice", "Bronze", "Bronze", False),
    ("link", "https://example.com/a", "https://example.com/a", True),
    ("link", "javascript:alert(1)", "javascript:alert(1)", False),
]


def of_type(kind: str) -> FieldDefinition:
    return FieldDefinition(name="tier", label="Tier", type=kind, options=["Gold", "Silver"])


@pytest.mark.parametrize(("kind", "value", "words", "fits"), RECEIVED)
def test_a_received_value_is_shown_whether_it_fits_or_not(
    kind: str, value: Any, words: str, fits: bool
) -> None:
    field = of_type(kind)
    shown = read_received(field, value)
    assert shown is not None
    assert (shown.words, shown.fits) == (words, fits)
    # What the facts store reads as the same value.
    again = read_received(field, shown.text)
    if fits:
        assert again == shown


@pytest.mark.parametrize("value", [None, "", "  ", [], {}])
def test_an_empty_value_is_none(value: Any) -> None:
    assert read_received(of_type("text"), value) is None


@pytest.mark.parametrize(
    ("kind", "text", "stored"),
    [
        ("text", "  Jane   Doe ", "Jane Doe"),
        ("text", " ", ""),
        ("number", "1,200.50", "1200.5"),
        ("number", "-0", "0"),
        ("date", "2026-03-31", "2026-03-31"),
        ("yes_no", "Yes", "yes"),
        ("choice", "gold", "Gold"),
        ("link", "example.com/a", "https://example.com/a"),
    ],
)
def test_what_a_user_enters_is_stored_in_one_spelling(kind: str, text: str, stored: str) -> None:
    assert read_entered(of_type(kind), text) == stored


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("number", "much", "Enter a number such as 500"),
        ("date", "tomorrow", "Enter a date such as 2026-03-31"),
        ("yes_no", "maybe", "Enter yes or no"),
        ("choice", "Bronze", "Choose one of Gold, Silver"),
        ("link", "javascript:alert(1)", "Enter a link"),
        ("text", "x" * 1001, "at most 1000"),
    ],
)
def test_a_text_that_is_no_value_is_refused_with_the_reason(kind: str, text: str, said: str) -> None:
    with pytest.raises(BadFieldValue, match=said):
        read_entered(of_type(kind), text)
