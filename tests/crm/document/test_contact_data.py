"""Emails, countries, links and domains of all three documents are read in one way, and an import of our export changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import Domain, Person
from customers.ingest.importer import ImportOutcome, ImportReport
from customers.models import Address, Customer
from tests.billing import import_documents as billing_documents
from tests.crm.import_documents import document, shown, take_crm
from tests.customers.import_documents import exported, payment, row_counts, take_payments
from tests.factories import make_user

pytestmark = pytest.mark.django_db

JANE = [
    "jane@example.com\u200b",
    "\ufeffjane@example.com",
    "ja\u00adne@example.com",
    "<jane@example.com>",
    "mailto:jane@example.com",
]


def remarks(reports: list[ImportReport]) -> set[str]:
    return {remark.path for report in reports for remark in report.remarks}


def person(**metadata: Any) -> Any:
    return {"name": "Jane", "obfuscated_id": "u1", "metadata": metadata}


@pytest.mark.parametrize("text", JANE)
def test_an_email_of_a_payments_document(text: str) -> None:
    business = {"id": "b1", "name": "B", "contacts": [{"name": "J", "email": text}]}
    reports = take_payments(payment(1, email=text, businesses=[business]))
    customer = Customer.objects.get()
    assert customer.email == "jane@example.com"
    assert customer.businesses.get().contacts == [{"name": "J", "email": "jane@example.com"}]
    assert remarks(reports) == {"$.email", "$.businesses[0].contacts[0].email"}


@pytest.mark.parametrize("text", JANE)
def test_an_email_of_a_billing_document(text: str) -> None:
    [report] = billing_documents.take({"id": "b1", "email": text})
    assert Customer.objects.get().email == "jane@example.com"
    assert remarks([report]) == {"$.email"}


@pytest.mark.parametrize("text", JANE)
def test_an_email_of_a_crm_document(text: str) -> None:
    reports = take_crm(document(poc=[person(email=text, alias_emails=[text, "n/a"])]))
    jane = Person.objects.get()
    assert (jane.email, jane.alias_emails) == ("jane@example.com", ["jane@example.com", "n/a"])
    assert remarks(reports) == {"$.poc[0].metadata.email", "$.poc[0].metadata.alias_emails[0]"}


def test_nothing_but_invisible_characters_identifies_no_one() -> None:
    [report] = billing_documents.take({"email": "\u200b"})
    assert report.outcome is ImportOutcome.REFUSED
    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    ("text", "code"), [("EL", "GR"), ("Deutschland", "DE"), ("日本", "JP"), ("Ελλάδα", "GR")]
)
def test_a_country_of_an_address(text: str, code: str) -> None:
    reports = take_payments(payment(1, address={"country": text}))
    assert str(Address.objects.get().country) == code
    assert remarks(reports) == {"$.address.country"}


@pytest.mark.parametrize("asked", ["DE", "de", "DEU", "Deutschland", "Allemagne"])
def test_a_country_is_found_in_any_spelling(client: Client, asked: str) -> None:
    take_payments(payment(1, address={"country": "Germany"}), payment(2, address={"country": "FR"}))
    client.force_login(make_user())
    found = client.get("/api/v1/customers", {"country": asked}).json()["data"]
    assert [each["name"] for each in found] == ["Customer 1"]


@pytest.mark.parametrize("text", ["Kongo", "Atlantis", "東京"])
def test_what_is_no_country_or_two_is_kept(text: str) -> None:
    take_payments(payment(1, address={"country": text}))
    assert exported(Customer.objects.get())["address"]["country"] == text


def test_a_link_is_never_relative(client: Client) -> None:
    links = ["www.acme.example", "//acme.example/x", "acme.example:8080", "files/7", "/people/7"]
    take_crm(document(company={"name": "A", "website_urls": links, "profile_url": "acme.example/p"}))
    assert shown()["company"]["website_urls"] == [
        "https://www.acme.example",
        "https://acme.example/x",
        "https://acme.example:8080",
        "files/7",
        "/people/7",
    ]
    client.force_login(make_user())
    customer = Customer.objects.get()
    urls = [
        reverse("admin:customers_customer_change", args=[customer.pk]),
        reverse("admin:crm_company_change", args=[customer.company.pk]),
        reverse("desk-customer", args=[customer.pk]),
    ]
    pages = [client.get(url).content.decode() for url in urls]
    assert 'href="https://www.acme.example"' in pages[2]
    for page in pages:
        for relative in (*links, "acme.example/p"):
            assert f'href="{relative}"' not in page


@pytest.mark.parametrize("sent", ["www.Acme.example", "https://ACME.example/about", "acme.example."])
@pytest.mark.parametrize(
    "asked", ["acme.example", "WWW.acme.example", "https://acme.example", " acme.example"]
)
def test_a_domain_is_found_in_any_spelling(client: Client, sent: str, asked: str) -> None:
    take_crm(document(domains=[sent]))
    client.force_login(make_user())
    found = client.get("/api/v1/crm/customers", {"domain": asked}).json()["data"]
    assert [each["domains"] for each in found] == [["acme.example"]]
    assert client.get("/api/v1/crm/customers", {"domain": "acme.examples"}).json()["data"] == []


def test_links_and_emails_deep_inside() -> None:
    network = {"name": "x", "profile_url": "social.example/jane", "icon_url": "//social.example/i.png"}
    manager = person(email="<boss@example.com>", photoUrl="acme.example/boss.png")
    poc = person(manager={**manager, "obfuscated_id": "u2"}, socialNetwork=[network])
    merged = {
        "id": "old",
        "company": {"name": "O", "profileUrl": "old.example"},
        "domains": ["www.old.example"],
    }
    reports = take_crm(document(poc=[poc], mergedCustomers=[merged]))
    boss, jane = Person.objects.get(obfuscated_id="u2"), Person.objects.get(obfuscated_id="u1")
    assert (boss.email, boss.photo_url) == ("boss@example.com", "https://acme.example/boss.png")
    assert jane.social_network == [
        {
            "name": "x",
            "profile_url": "https://social.example/jane",
            "icon_url": "https://social.example/i.png",
        }
    ]
    assert remarks(reports) == {
        "$.poc[0].metadata.manager.metadata.email",
        "$.poc[0].metadata.manager.metadata.photoUrl",
        "$.poc[0].metadata.socialNetwork[0].profile_url",
        "$.poc[0].metadata.socialNetwork[0].icon_url",
        "$.mergedCustomers[0].company.profileUrl",
        "$.mergedCustomers[0].domains[0]",
    }


def test_a_domain_is_found_in_ascii_and_as_it_was_kept(client: Client) -> None:
    take_crm(document(domains=["xn--mnchen-3ya.example", "Localhost"]))
    Domain.objects.filter(name="münchen.example").get()
    client.force_login(make_user())
    for asked in ("xn--mnchen-3ya.example", "MÜNCHEN.example", "localhost"):
        assert len(client.get("/api/v1/crm/customers", {"domain": asked}).json()["data"]) == 1


def test_an_import_of_the_export_changes_nothing() -> None:
    take_crm(
        document(
            company={"name": "A", "website_urls": ["www.acme.example", "/people/7"]},
            domains=["www.Acme.example", "xn--mnchen-3ya.example", "localhost"],
            poc=[person(email="Jane@Example.com\u200b", alias_emails=["<j@example.com>"])],
        )
    )
    take_payments(payment(1, email="mailto:Jo@Example.com", address={"country": "Österreich"}))
    paying = Customer.objects.get(email="Jo@Example.com")
    sent, before = (shown(), exported(paying)), row_counts()
    first = [*take_crm(sent[0]), *take_payments(sent[1])]
    # What was received is new, what became of it is not.
    after = row_counts()
    changed = {table for table in after if after[table] != before[table]}
    assert changed <= {"customers_receivedpayload", "customers_sourcerecord"}
    assert remarks(first) == {"$.domains[2]"}
    assert (shown(), exported(paying)) == sent
    again = [*take_crm(sent[0]), *take_payments(sent[1])]
    assert {report.outcome for report in again} == {ImportOutcome.UNCHANGED}
