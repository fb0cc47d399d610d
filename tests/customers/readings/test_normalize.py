"""How feeds spell phone numbers and choices, and what is made of them."""

import pytest

from customers.document.schema import PaymentsCustomer
from customers.json_types import Remark
from customers.readings import normalize


@pytest.mark.parametrize(
    ("text", "region", "standard"),
    [
        ("+255 712 345 678", None, "+255712345678"),
        ("+255 (0)712-345-678", None, "+255712345678"),
        ("00255712345678", None, "+255712345678"),
        ("0712 345 678", "TZ", "+255712345678"),
        ("(202) 555-0123", "US", "+12025550123"),
        ("+1 202.555.0123", "TZ", "+12025550123"),
    ],
)
def test_a_number_that_exists_becomes_e164(text: str, region: str | None, standard: str) -> None:
    assert normalize.phone(text, region) == (standard, f"“{text}” was changed to {standard}.")


def test_a_number_in_e164_stays() -> None:
    assert normalize.phone("+255712345678", "US") == ("+255712345678", None)


@pytest.mark.parametrize(
    ("text", "region", "doubt"),
    [
        ("+1234567890", "US", "is not a valid phone number"),
        ("+1 555 0100", None, "is not a valid phone number"),
        ("12", "TZ", "is not a valid phone number"),
        ("ask at the desk", "TZ", "is not a valid phone number"),
        ("0712 345 678", None, "has no country code, and the country is unknown"),
        ("+1 202 555 0123 ext. 7", None, "has an extension, which E.164 can't express"),
    ],
)
def test_any_other_number_is_kept(text: str, region: str | None, doubt: str) -> None:
    assert normalize.phone(text, region) == (text, f"“{text}” {doubt}. It was kept.")


@pytest.mark.parametrize("text", ["Mobile Money", " mobile-money ", "MOBILE_MONEY"])
def test_a_choice_is_known_in_another_spelling(text: str) -> None:
    chosen = normalize.choice(text, ("card", "mobile_money"))
    assert chosen == ("mobile_money", f"“{text}” was changed to mobile_money.")


def test_a_choice_as_it_should_be_stays_and_another_is_none() -> None:
    assert normalize.choice("card", ("card", "mobile_money")) == ("card", None)
    assert normalize.choice("cash", ("card", "mobile_money")) == (None, None)


def test_texts_are_trimmed_only_where_asked_and_emptied() -> None:
    customer = PaymentsCustomer(id=" a ", name=" Jane ", email="  ", payment_method="", phone="\u200b \t")
    remarks = normalize.tidy_texts("$.x", customer, trimmed={"id", "email"})
    assert (customer.id, customer.name, customer.email, customer.payment_method, customer.phone) == (
        "a",
        " Jane ",
        None,
        None,
        None,
    )
    assert remarks == [
        Remark("$.x.id", "The spaces around it were removed."),
        Remark("$.x.email", "It has only spaces, so it was left empty."),
        Remark("$.x.phone", "It has only spaces, so it was left empty."),
    ]


def test_a_long_text_is_shortened_in_a_message() -> None:
    assert normalize.quoted("x" * 60) == f"“{'x' * 60}”"
    assert normalize.quoted("x" * 61) == f"“{'x' * 59}…”"
