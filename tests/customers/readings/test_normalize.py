"""How feeds spell countries, phone numbers and choices, and what is made of them."""

import pytest
from django.utils import translation
from django_countries.base import CountriesBase
from django_countries.data import ALT_CODES, COUNTRIES

from customers.document.schema import PaymentsCustomer
from customers.json_types import Remark
from customers.readings import normalize


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Tanzania", "TZ"),
        ("tanzania ", "TZ"),
        ("United Republic of Tanzania", "TZ"),
        ("Tanzania, United Republic of", "TZ"),
        ("Tanzania (the United Republic of)", "TZ"),
        ("TZA", "TZ"),
        ("tza", "TZ"),
        ("tz", "TZ"),
        ("834", "TZ"),
        ("UK", "GB"),
        ("united kingdom", "GB"),
        ("England", "GB"),
        ("USA", "US"),
        ("U.S.A.", "US"),
        ("United States of America", "US"),
        ("The Gambia", "GM"),
        ("Côte d\u2019Ivoire", "CI"),
        ("COTE D'IVOIRE", "CI"),
        ("Ivory Coast", "CI"),
        ("Turkey", "TR"),
        ("Türkiye", "TR"),
        ("Saint Lucia", "LC"),
        ("Bosnia-Herzegovina", "BA"),
        ("Trinidad & Tobago", "TT"),
        ("South Korea", "KR"),
        ("Korea, Republic of", "KR"),
        ("Korea (the Democratic People's Republic of)", "KP"),
        ("Democratic Republic of the Congo", "CD"),
        ("Republic of the Congo", "CG"),
        ("Kingdom of the Netherlands", "NL"),
        ("Republic of the Union of Myanmar", "MM"),
        ("People's Republic of China", "CN"),
        ("Republic of China", "TW"),
        ("Kosovo", "XK"),
    ],
)
def test_a_country_is_known_by_its_names_and_codes(text: str, code: str) -> None:
    assert normalize.country(text) == (code, f"“{text}” was changed to {code}.")


@pytest.mark.parametrize("code", ["TZ", "GB", "XK"])
def test_a_code_stays_as_it_is(code: str) -> None:
    assert normalize.country(code) == (code, None)


@pytest.mark.parametrize(
    "text", ["Atlantis", "EU", "State of Georgia", "ZZ", "XXX", "Republic of", "東京", "..."]
)
def test_what_is_no_country_is_kept(text: str) -> None:
    assert normalize.country(text) == (
        text,
        f"“{text}” is not a country that we know. It was kept.",
    )


def test_every_name_that_iso_gives_is_known() -> None:
    old = {(code, name) for code, names in CountriesBase.OLD_NAMES.items() for name in names}
    with translation.override("en"):
        named = [*COUNTRIES.items(), *CountriesBase.COMMON_NAMES.items(), *sorted(old, key=str)]
        wrong = [(code, str(name)) for code, name in named if normalize.country(str(name))[0] != code]
    assert wrong == []
    assert len(named) > 270


def test_every_three_letter_code_is_known() -> None:
    assert [code for code, (alpha3, _) in ALT_CODES.items() if normalize.country(alpha3)[0] != code] == []


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
    customer = PaymentsCustomer(id=" a ", name=" Jane ", email="  ", payment_method="")
    remarks = normalize.tidy_texts("$.x", customer, trimmed={"id", "email"})
    assert (customer.id, customer.name, customer.email, customer.payment_method) == (
        "a",
        " Jane ",
        None,
        None,
    )
    assert {remark.path for remark in remarks} == {"$.x.id", "$.x.email"}
    assert remarks[0] == Remark(remarks[0].path, "The spaces around it were removed.")


def test_a_long_text_is_shortened_in_a_message() -> None:
    assert normalize.quoted("x" * 60) == f"“{'x' * 60}”"
    assert normalize.quoted("x" * 61) == f"“{'x' * 59}…”"
