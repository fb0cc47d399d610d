# ruff: noqa: RUF001 - letters that look like others are what it is about
"""Customers are found however a name, an address or a number is written, the same on both databases."""

from __future__ import annotations

import json

import pytest
from django.db import connection

from crm.desk.search.indexes import make_indexes
from crm.desk.search.search import find
from customers.models import Customer
from tests.factories import (
    claims,
    make_address,
    make_business,
    make_company,
    make_contact,
    make_credit_note,
    make_customer,
    make_domain,
    make_entity,
    make_invoice,
    make_merged_record,
    make_payment_method,
    make_person,
    make_relationship,
    make_source_record,
    make_subscription,
    make_trial_used,
)

pytestmark = pytest.mark.django_db


def names(typed: str) -> list[str]:
    return [each.customer.name for each in find(typed, lambda permission: True)]


OTHER = "Initech 中田 수철"
#: A name, and how it is typed.
NAMES = (
    ("José Núñez García", "jose nunez"),
    ("Jose Nunez Garcia", "José Núñez"),
    ("Jose\u0301 Nun\u0303ez", "josé nuñez"),
    ("Café Nguyễn", "cafe nguyen"),
    ("Straßenbau Groß", "strassenbau gross"),
    ("Strassenbau Gross", "STRAẞENBAU"),
    ("İstanbul Ticaret", "istanbul"),
    ("İSTANBUL TİCARET", "istanbul ticaret"),
    ("Işık Yapı", "isik yapi"),
    ("Istanbul", "ıstanbul"),
    ("Łukasz Żółć", "lukasz zolc"),
    ("Sørensen & Sønner", "sorensen sonner"),
    ("Ærø Færge", "aero faerge"),
    ("Đorđe Đokić", "dorde dokic"),
    ("Þór Guðmundsson", "thor gudmundsson"),
    ("Müller & Söhne GmbH", "Mueller Soehne"),
    ("Mueller und Soehne", "Müller"),
    ("Århus Bygg", "aarhus"),
    ("Ångström AB", "angstrom"),
    ("O’Neil Group", "O'Neil"),
    ("O'Neil Group", "oneil"),
    ("O`Neil Group", "O´Neil"),
    ("ONeil Group", "O’Neil"),
    ("L’Oréal", "loreal"),
    ("Hawaiʻi Tours", "hawaii"),
    ("株式会社田中製作所", "田中"),
    ("株式会社田中製作所", "製作"),
    ("田中 太郎", "田中太郎"),
    ("𠮷野家", "野家"),
    ("ﾀﾅｶ商店", "タナカ"),
    ("김철수", "김철"),
    ("김철수", "철수"),
    ("주식회사 김철", "회사"),
    ("Globex\u200b Trading", "globex trading"),
    ("Glo\u00adbex", "globex"),
    ("Globex Trading", "\u202aGlobex\u202c\u00a0Trading\ufeff"),
    ("ＡＢＣ Trading", "abc"),
    ("Αθήνα Εμπορική", "ΑΘΗΝΑ"),
    ("ΝΙΚΟΣ", "νίκος"),
    ("Семён Королёв", "СЕМЕН КОРОЛЕВ"),
    ("شركة الأمل", "الامل"),
    ("कृष्णा ट्रेडर्स", "ट्रेडर्स"),
    ("Big Ac Me", "ac"),
    ("Coca-Cola", "coca cola"),
    ("Jean Pierre", "jean-pierre"),
    ("Jean\u2011Luc", "jean–luc"),
    ("Wayne Ltd", "wayne ltd."),
)


def test_a_name_is_found_however_it_is_written() -> None:
    for name in {OTHER, *(name for name, _ in NAMES)}:
        make_customer(name=name, email="")
    found = [(name, typed, names(typed)) for name, typed in NAMES]
    assert [(name, typed) for name, typed, hits in found if name not in hits or OTHER in hits] == []


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Michal", "michael"),
        ("中田製作所", "田中"),
        ("Muller", "mueller"),
        ("ハス", "バス"),
    ],
)
def test_another_name_is_not_found(name: str, typed: str) -> None:
    make_customer(name=name, email="")
    assert names(typed) == []


def test_an_address_is_found_in_unicode_and_in_punycode() -> None:
    make_customer(name="Unicode", email="bücher@münchen.example")
    make_customer(name="Punycode", email="bücher@xn--mnchen-3ya.example")
    for typed in (
        "bücher@münchen.example",
        "bücher@xn--mnchen-3ya.example",
        "BÜCHER@XN--MNCHEN-3YA.EXAMPLE",
        "BÜCHER@MÜNCHEN.example",
        "<bücher@münchen.example>;",
        "mailto:bücher@münchen.example",
        "bu\u0308cher@mu\u0308nchen.example",
        "münchen.example",
        "xn--mnchen-3ya.example",
    ):
        assert names(typed) == ["Punycode", "Unicode"], typed


def test_a_domain_is_found_in_unicode_and_in_punycode() -> None:
    make_domain(customer=make_customer(name="Unicode", email=""), name="straße.example")
    make_domain(customer=make_customer(name="Punycode", email=""), name="xn--strae-oqa.example")
    for typed in ("straße.example", "xn--strae-oqa.example", "https://www.straße.example/a"):
        assert names(typed) == ["Punycode", "Unicode"], typed


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("DE 123 456 789", "DE123456789"),
        ("DE123456789", "de 123.456.789"),
        ("DE123456789", "123456789"),
        ("123 456 789", "DE123456789"),
        ("ATU12345675", "ATU 1234 5675"),
        ("U12345675", "AT U12345675"),
        ("CHE-123.456.788 MWST", "CHE123456788"),
        ("NO 923 609 016 MVA", "923609016"),
        ("923609016", "NO 923 609 016 MVA"),
        ("EL 094259216", "GR094259216"),
        ("12-3456789", "123456789"),
        ("27AAPFU0939F1ZV", "27 aapfu 0939 f1zv"),
        ("DE123456789", "DE1234567"),
    ],
)
def test_a_tax_id_is_found_in_any_punctuation(stored: str, typed: str) -> None:
    make_business(customer=make_customer(name="Other"), tax_identifier="FR40303265045")
    make_business(customer=make_customer(name="Muster AG"), tax_identifier=stored)
    assert names(typed) == ["Muster AG"]


def test_the_tax_id_of_another_country_is_another_one() -> None:
    make_business(customer=make_customer(name="Muster AG"), tax_identifier="DE123456789")
    assert names("BG123456789") == []


@pytest.mark.parametrize("typed", ["HRB 12345", "hrb12345", "HRB-12345", "12345"])
def test_a_company_number_is_found(typed: str) -> None:
    make_business(customer=make_customer(name="Muster AG"), company_number="HRB 12345")
    assert names(typed) == ["Muster AG"]


@pytest.mark.parametrize(
    "typed",
    ["Köln", "koln", "Koeln", "50667", "D-50667", "Hauptstr. 5", "hauptstr 5 köln", "50667 Köln", "NRW"],
)
def test_an_address_is_found(typed: str) -> None:
    make_address(customer=make_customer(name="Other"), line1="Kirchweg 1", city="Bonn", postal_code="53111")
    customer = make_customer(name="Muster AG")
    make_address(
        customer=customer, line1="Hauptstr. 5", city="Köln", postal_code="D-50667", state="NRW", country="DE"
    )
    assert names(typed) == ["Muster AG"]


@pytest.mark.parametrize(
    ("stored", "typed"), [("SW1A 1AA", "sw1a1aa"), ("SW1A1AA", "SW1A 1AA"), ("00-950", "00950")]
)
def test_a_postal_code_is_found_in_any_punctuation(stored: str, typed: str) -> None:
    make_address(customer=make_customer(name="Muster AG"), city="", postal_code=stored)
    assert names(typed) == ["Muster AG"]


@pytest.mark.parametrize(
    "typed",
    [
        "+255712345678",
        "0712 345 678",
        "00255 712-345-678",
        "+255\u2011712\u2011345\u2011678",
        "tel:+255712345678",
    ],
)
def test_the_number_of_mobile_money_is_found(typed: str) -> None:
    make_payment_method(customer=make_customer(name="Asha"), type="mobile_money", phone="+255712345678")
    assert names(typed) == ["Asha"]


@pytest.fixture
def known() -> Customer:
    """A customer with every ID that a source can give."""
    customer = make_customer(name="Globex", fingerprint="SN-0042")
    make_subscription(customer=customer, subscription_id="sub_Own1")
    make_entity(customer=customer, entity_id="seat/7", name="Workshop Nord")
    make_trial_used(customer=customer, fingerprint="device-9")
    make_relationship(customer=customer, crm_id="crm-1", datasource_id="A-00100")
    make_contact(
        customer=customer, person=make_person(name="Robert Ito", obfuscated_id="p-77", preferred_name="Bob")
    )
    make_address(customer=customer, source_id="add_1")
    make_business(customer=customer, source_id="biz_1")
    make_payment_method(customer=customer, source_id="paym_1", type="card", last4="4242")
    make_credit_note(invoice=make_invoice(customer=customer), number="CN-000007")
    make_company(
        customer=customer,
        name="Globex Holding",
        location="Springfield",
        website_urls=["https://www.globex.example/"],
    )
    make_source_record(
        customer=customer,
        source="billing",
        source_id="b1",
        claims=claims(name="Glöbex Alt", email="alt@glbx.example", phone="+1 555 0142"),
    )
    return customer


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("SN-0042", "Fingerprint SN-0042"),
        ("sn-0042", "Fingerprint SN-0042"),
        ("sub_Own1", "Subscription ID sub_Own1"),
        ("seat/7", "Entity ID seat/7"),
        ("device-9", "Trial's fingerprint device-9"),
        ("A-00100", "CRM ID A-00100"),
        ("p-77", "Contact's CRM ID p-77"),
        ("add_1", "Address ID add_1"),
        ("biz_1", "Business profile ID biz_1"),
        ("paym_1", "Payment method ID paym_1"),
        ("CN-000007", "Credit note CN-000007"),
        ("bob ito", "Contact Robert Ito, Bob"),
        ("springfield", "Location Springfield"),
        ("globex.example", "Website https://www.globex.example/"),
        ("nord workshop", "Entity Workshop Nord"),
        ("globex alt", "Other name Glöbex Alt"),
        ("alt@glbx.example", "Other email alt@glbx.example"),
        ("555 0142", "Other phone +1 555 0142"),
    ],
)
def test_a_customer_is_found_by(known: Customer, typed: str, why: str) -> None:
    assert [(each.customer, each.words) for each in find(typed, lambda permission: True)] == [(known, why)]


def test_the_id_of_a_person_finds() -> None:
    contact = make_contact(customer=make_customer(name="Globex"))
    assert names(str(contact.person_id)) == ["Globex"]


def test_the_digits_of_a_card_find_nothing(known: Customer) -> None:
    assert names("4242") == []


@pytest.mark.parametrize(
    ("typed", "permission"),
    [
        ("sub_Own1", "billing.view_subscription"),
        ("seat/7", "billing.view_entity"),
        ("springfield", "crm.view_company"),
        ("globex alt", "customers.view_sourcerecord"),
        ("555 0142", "customers.view_sourcerecord"),
        ("p-77", "crm.view_person"),
        ("add_1", "customers.view_address"),
        ("CN-000007", "billing.view_creditnote"),
    ],
)
def test_what_one_may_not_see_does_not_find(known: Customer, typed: str, permission: str) -> None:
    assert find(typed, lambda asked: asked != permission) == []


@pytest.mark.parametrize("typed", ["glbx gmbh", "glbx.example", "erika muster", "erika@glbx.example", "田中"])
def test_a_customer_that_the_crm_merged_leads_to_the_survivor(typed: str) -> None:
    document = {
        "id": "crm-2",
        "company": {"name": "GLBX GmbH 田中", "about": "nothing"},
        "domains": ["glbx.example"],
        "poc": [{"name": "Erika Muster", "obfuscated_id": "e", "metadata": {"email": "erika@glbx.example"}}],
    }
    make_merged_record(
        survivor=make_customer(name="Globex"),
        crm_id="crm-2",
        document=json.dumps(document, ensure_ascii=False),
    )
    assert names(typed) == ["Globex"]
    assert names("nothing") == []


def test_contacts_and_other_emails_in_json_are_found() -> None:
    customer = make_customer(name="Globex", email="")
    make_business(
        customer=customer, name="Shop", contacts=[{"name": "田中花子", "email": "müller@shop.example"}]
    )
    person = make_person(name="Jo", alias_emails=["jo@münchen.example"])
    make_contact(customer=customer, person=person)
    for typed in ("花子", "muller@shop.example", "jo@xn--mnchen-3ya.example", "jo@munchen.example"):
        assert names(typed) == ["Globex"]


@pytest.mark.postgresql
def test_the_migration_made_the_indexes_that_the_command_makes() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname, oid FROM pg_indexes JOIN pg_class ON relname = indexname")
        before = cursor.fetchall()
        assert make_indexes(connection) == ""
        cursor.execute("SELECT indexname, oid FROM pg_indexes JOIN pg_class ON relname = indexname")
        assert cursor.fetchall() == before
        cursor.execute("COMMENT ON INDEX customer_search IS 'of another version'")
        make_indexes(connection)
        cursor.execute("SELECT indexname, oid FROM pg_indexes JOIN pg_class ON relname = indexname")
        changed = set(cursor.fetchall()) - set(before)
    assert [name for name, _ in changed] == ["customer_search"]
