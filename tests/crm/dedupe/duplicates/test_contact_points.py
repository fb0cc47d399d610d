"""Mailboxes, domains, phone numbers, tax ids and places, each in one form."""

from __future__ import annotations

import pytest

from crm.dedupe.duplicates.addresses import Nearness, Place, nearness, read_location, read_place
from customers.readings.mailboxes import company_domains, is_mistyped, looks_like, read_host, read_mailbox
from customers.readings.phones import is_same_phone, read_phone, tail_of
from customers.readings.tax_ids import (
    TaxId,
    is_of_one_kind,
    is_same_tax_id,
    may_be_a_slip,
    read_company_number,
    read_tax_id,
)


def box(text: str) -> str | None:
    """The mailbox that an address means."""
    found = read_mailbox(text)
    return found.box if found else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" Jane.Doe+shop@GoogleMail.com", "janedoe@gmail.com"),
        ("jane.doe+x@outlook.com", "jane.doe@outlook.com"),
        ("jane.doe+x@hotmail.co.uk", "jane.doe@hotmail.co.uk"),
        ("jane@me.com", "jane@icloud.com"),
        ("j_a-n.e+x@pm.me", "jane@proton.me"),
        ("jane+x@fastmail.com", "jane@fastmail.com"),
        ("j.doe@example.com", "j.doe@example.com"),
        ("JANE@Bücher.example", "jane@bücher.example"),
        ("jane@xn--bcher-kva.example", "jane@bücher.example"),
        ("mailto:jane@example.com", "jane@example.com"),
        ("noreply@example.com", None),
        ("jane", None),
        ("jane@", None),
        ("@example.com", None),
        ("jane doe@example.com", None),
    ],
)
def test_an_address_means_a_mailbox(text: str, expected: str | None) -> None:
    assert box(text) == expected


def test_a_tag_is_noticed_where_nobody_knows_whether_it_counts() -> None:
    mailbox = read_mailbox("jane+x@example.com")
    assert mailbox is not None
    assert (mailbox.box, mailbox.is_tagged) == ("jane@example.com", True)


@pytest.mark.parametrize(
    ("text", "is_office"),
    [
        ("info@a.example", True),
        ("billing2@a.example", True),
        ("info.berlin@a.example", True),
        ("dev.patel@a.example", False),
        ("jane@a.example", False),
    ],
)
def test_offices_are_nobodys_own(text: str, is_office: bool) -> None:
    mailbox = read_mailbox(text)
    assert mailbox is not None
    assert mailbox.is_office == is_office


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("jane.doe@acme.example", "jane.deo@acme.example", True),
        ("jane.doe@gmail.com", "jane.doe@gmial.com", False),
        ("janet.doe@yahoo.com", "janet.doe@yaho.com", True),
        ("jane.doe1@acme.example", "jane.doe2@acme.example", False),
        ("jane.doe@gmail.com", "jane.doe@gmai1.com", False),
        ("info@acme.example", "inof@acme.example", False),
        ("jdoe@a.example", "jroe@a.example", False),
        ("jane.doe@acme.example", "jane_doe@acme.example", False),
    ],
)
def test_a_slip_in_an_address(one: str, other: str, expected: bool) -> None:
    first, second = read_mailbox(one), read_mailbox(other)
    assert first is not None
    assert second is not None
    if one == "jane.doe@gmail.com" and other.endswith("gmial.com"):
        # The dots count at the one provider and not at the other, which does not exist.
        first = read_mailbox("janedoe@gmail.com")
        assert first is not None
    assert is_mistyped(first, second) == expected


def test_addresses_that_only_look_the_same() -> None:
    real, fake = read_mailbox("jane@acme.example"), read_mailbox("jane@асme.example")
    assert real is not None
    assert fake is not None
    assert looks_like(real, fake)
    assert not looks_like(real, real)


@pytest.mark.parametrize(
    ("text", "domains"),
    [
        ("https://www.acme.co.uk/about", ("acme.co.uk",)),
        ("mail.acme.com", ("acme.com", "mail.acme.com")),
        ("acme.github.io", ("acme.github.io",)),
        ("gmail.com", ()),
        ("yahoo.co.uk", ()),
        ("mailinator.com", ()),
        ("localhost", ()),
        ("not a host", ()),
    ],
)
def test_what_a_domain_says_of_a_company(text: str, domains: tuple[str, ...]) -> None:
    assert company_domains(read_host(text)) == domains


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("+49 (0)30 901820", "", "+4930901820"),
        ("030 / 90 18 20", "DE", "+4930901820"),
        ("0049 30 901820", "", "+4930901820"),
        ("(217) 555-0123", "US", "+12175550123"),
        ("01 555 1555", "NG", "+23415551555"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("+1 217 555 0123 ext. 5", "", "+12175550123;5"),
        ("030 901820", "", "…30901820"),
        ("+1234567890", "", ""),
        ("000 00000000", "DE", ""),
        ("12345", "", ""),
        ("none", "", ""),
    ],
)
def test_a_number_has_one_form(text: str, region: str, expected: str) -> None:
    assert read_phone(text, region) == expected


def test_a_number_may_lack_its_country() -> None:
    assert is_same_phone("+4930901820", "…30901820")
    assert not is_same_phone("+4930901820", "…30901821")
    assert not is_same_phone("+4930901820", "+4930901821")
    assert tail_of("+4930901820") == tail_of("…30901820") == "0901820"


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("DE 136.695 976", "", TaxId("136695976", "DE", True)),
        ("136695976", "DE", TaxId("136695976", "DE", True)),
        ("EL 094259216", "", TaxId("094259216", "GR", True)),
        ("CHE-107.787.577 MWST", "", TaxId("107787577", "CH", True)),
        ("12-3456789", "US", TaxId("123456789", "US", True)),
        ("TZ 100-200-300", "TZ", TaxId("100200300", "TZ", False)),
        ("n/a", "DE", None),
        ("0000000", "", None),
    ],
)
def test_a_tax_id_has_one_form(text: str, country: str, expected: TaxId | None) -> None:
    assert read_tax_id(text, country) == expected


def test_tax_ids_are_compared_within_a_country() -> None:
    german, austrian, unknown = TaxId("123456789", "DE"), TaxId("123456789", "AT"), TaxId("123456789")
    assert is_same_tax_id(german, unknown)
    assert not is_same_tax_id(german, austrian)
    assert not is_of_one_kind(german, TaxId("12345678", "DE"))
    assert may_be_a_slip([german], [TaxId("123456780", "DE")])
    assert not may_be_a_slip([TaxId("136695976", "DE", True)], [TaxId("136695977", "DE", True)])


def test_company_numbers_lose_marks_and_zeros() -> None:
    assert read_company_number("HRB 012-345") == "HRB012345"
    assert read_company_number("00012345") == "12345"
    assert read_company_number("n/a") == ""


def test_an_address_has_one_form() -> None:
    one = read_place(line1="Hauptstraße 5", city="München", postal="D-80331", country="Deutschland")
    other = read_place(line1="Hauptstr. 5", city="Munich", postal="80331", country="DE")
    assert one == other == Place("DE", "munich", "80331", "haupt st", "5")


def test_what_is_inside_a_building_is_left_out() -> None:
    assert read_place(line1="123 Main Street, Apt 4B", city="Springfield") == read_place(
        line1="123 Main St", city="springfield"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Munich, Germany", Place("DE", "munich")),
        ("Springfield, IL, US", Place("US", "springfield")),
        ("100 Main St, Boise, Idaho, United States", Place("US", "boise")),
        ("Boston, MA", Place("", "boston")),
        ("Germany", Place("DE")),
        ("", Place()),
    ],
)
def test_a_location_in_words(text: str, expected: Place) -> None:
    found = read_location(text)
    assert found.country == expected.country
    assert found.city == read_place(city=expected.city).city


def test_how_near_two_places_are() -> None:
    here = read_place(line1="5 Main St", city="Boise", postal="83701", country="US")
    cases = {
        Nearness.SAME_STREET: {"line1": "Main Street 5", "city": "Boise"},
        Nearness.SAME_POSTAL: {"line1": "7 Main St", "postal": "83701", "country": "US"},
        Nearness.SAME_CITY: {"city": "BOISE"},
        Nearness.SAME_COUNTRY: {"country": "USA"},
        Nearness.OTHER_CITY: {"city": "Denver", "country": "US"},
        Nearness.OTHER_COUNTRY: {"city": "Boise", "country": "CA"},
        Nearness.UNKNOWN: {},
    }
    assert {nearness(here, read_place(**place)) for place in cases.values()} == set(cases)
    for near, place in cases.items():
        assert nearness(here, read_place(**place)) == near
