from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis.extra.django import TestCase

from crm.document.importer import CrmImporter
from crm.models import Company, Contact, CustomField, Domain, Person, Relationship
from customers.ingest.importer import ImportOutcome
from customers.models import Customer, ReceivedPayload, SourceRecord
from tests.crm.import_documents import document, shown, take_crm, take_one
from tests.customers.import_documents import outcomes, row_counts, take
from tests.examples import examples
from tests.factories import make_contact, make_customer, make_domain, make_person
from tests.strategies_crm import Json, files

pytestmark = pytest.mark.django_db

ACME: Json = {
    "id": "acme",
    "company": {
        "name": "Acme Trading",
        "profile_url": "https://crm.example.com/acme",
        "website_urls": ["https://example.com/", "https://shop.example.com/"],
        "logo_url": "https://example.com/logo.png",
        "location": "Springfield",
        "phone": "+1 555 0100",
        "fax": "+1 555 0101",
        "industry": "Retail",
        "annual_revenue": 1250000.5,
        "number_of_employees": 42,
        "stock_symbol": "ACME",
        "founded_date": "1998-03-01",
        "about": "Sells anvils.",
    },
    "domains": ["example.com", "anvils.example.com"],
    "document_counts": {"contract": 2, "offer": 1},
    "poc": [
        {
            "name": "Jane Doe",
            "obfuscated_id": "p-jane",
            "metadata": {
                "type": "FULL_TIME",
                "first_name": "Jane",
                "last_name": "Doe",
                "title": "CIO",
                "email": "jane@example.com",
                "alias_emails": ["jd@example.com"],
                "start_date": "2020-02-29",
                "social_network": [{"name": "linkedin", "profile_url": "https://example.com/in/jane"}],
                "manager": {"name": "Max Mustermann", "obfuscated_id": "p-max"},
            },
            "related_documents": [{"relation": "RECENT", "score": 0.5}],
        },
        {"name": "Jo Bloggs", "obfuscated_id": "p-jo"},
    ],
    "metadata": {
        "datasource_id": "00100",
        "custom_data": {
            "tier": {"display_label": "Tier", "string_value": "gold"},
            "regions": {"string_list_value": ["EMEA", "APAC"]},
            "score": {"number_value": -19.99},
            "vip": {"boolean_value": False},
            "zero": {"number_value": 0},
        },
    },
    "start_date": "2024-08-26",
    "contract_annual_revenue": 48000,
    "notes": "CIO is interested in trying out the product.",
}


def test_every_key_has_its_row() -> None:
    [report] = take_crm(ACME)
    customer = Customer.objects.get()
    relationship = Relationship.objects.get(customer=customer)
    company = Company.objects.get(customer=customer)
    jane = Person.objects.get(obfuscated_id="p-jane")
    fields = {row.key: row for row in CustomField.objects.filter(customer=customer)}

    assert report.outcome is ImportOutcome.CREATED
    assert (customer.name, customer.env, customer.email) == ("Acme Trading", "live", "")
    assert relationship.crm_id == "acme"
    assert relationship.datasource_id == "00100"
    assert relationship.start_date == date(2024, 8, 26)
    assert relationship.contract_annual_revenue == Decimal(48000)
    assert relationship.currency == "USD"
    assert relationship.reported_notes == "CIO is interested in trying out the product."
    assert relationship.reported_document_counts == {"contract": 2, "offer": 1}
    assert company.annual_revenue == Decimal("1250000.5")
    assert company.number_of_employees == 42
    assert company.founded_date == date(1998, 3, 1)
    assert company.website_urls == ["https://example.com/", "https://shop.example.com/"]
    assert list(Domain.objects.values_list("name", "position", "imported")) == [
        ("example.com", 0, True),
        ("anvils.example.com", 1, True),
    ]
    assert list(Contact.objects.values_list("person__name", "position", "imported")) == [
        ("Jane Doe", 0, True),
        ("Jo Bloggs", 1, True),
    ]
    assert jane.manager is not None
    assert (jane.type, jane.start_date, jane.manager.name) == (
        "FULL_TIME",
        date(2020, 2, 29),
        "Max Mustermann",
    )
    assert fields["score"].number_value == Decimal("-19.99")
    assert fields["vip"].boolean_value is False
    assert fields["zero"].number_value == 0
    assert fields["regions"].string_list_value == ["EMEA", "APAC"]
    assert fields["tier"].boolean_value is None
    assert SourceRecord.objects.get().claims["name"]["value"] == "Acme Trading"


def test_the_document_comes_back_equal() -> None:
    take_crm(ACME)

    assert shown() == ACME


def test_the_same_file_twice_changes_nothing() -> None:
    payloads = [ACME, document(id="other", poc=ACME["poc"], merged_customers=[document(id="old")])]
    take_crm(*payloads)
    before = row_counts()

    reports = take_crm(*payloads)

    assert outcomes(reports) == [ImportOutcome.UNCHANGED, ImportOutcome.UNCHANGED]
    assert row_counts() == before


def test_what_only_looks_different_writes_no_history() -> None:
    take_crm(ACME)
    before = row_counts()

    [report] = take_crm({**ACME, "unknown_key": 1})

    assert report.outcome is ImportOutcome.UPDATED
    assert row_counts() == {**before, "customers_receivedpayload": before["customers_receivedpayload"] + 1}


def test_what_is_absent_stays() -> None:
    take_crm(ACME)

    take_crm({"id": "acme", "company": {"name": "Acme Trading"}})

    assert shown() == ACME


def test_what_is_null_is_emptied() -> None:
    take_crm(ACME)

    take_crm(
        {
            **dict.fromkeys(ACME),
            "id": "acme",
            "company": {**dict.fromkeys(ACME["company"]), "name": "Acme"},
        }
    )

    assert shown() == {"id": "acme", "company": {"name": "Acme"}}
    assert not Domain.objects.exists()
    assert not Contact.objects.exists()
    assert not CustomField.objects.exists()


def test_what_is_an_empty_list_or_object_is_emptied() -> None:
    take_crm(ACME)

    take_crm(
        document(
            company={"name": "Acme", "website_urls": []},
            domains=[],
            poc=[],
            document_counts={},
            metadata={"custom_data": {}},
        )
    )

    company = {**ACME["company"], "name": "Acme"}
    del company["website_urls"]
    assert shown() == {
        "id": "acme",
        "company": company,
        "metadata": {"datasource_id": "00100"},
        "start_date": "2024-08-26",
        "contract_annual_revenue": 48000,
        "notes": "CIO is interested in trying out the product.",
    }


def test_an_empty_metadata_leaves_what_we_have() -> None:
    take_crm(ACME)

    take_crm(document(metadata={}))

    assert shown()["metadata"] == ACME["metadata"]


def test_a_new_revenue_keeps_the_currency_that_a_person_chose() -> None:
    customer = take_one(contract_annual_revenue=100)
    Relationship.objects.filter(customer=customer).update(currency="JPY")

    take_one(contract_annual_revenue=200)

    relationship = Relationship.objects.get()
    assert (relationship.contract_annual_revenue, relationship.currency) == (Decimal(200), "JPY")


def test_lists_keep_their_new_order() -> None:
    take_one(domains=["a.example.com", "b.example.com", "c.example.com"])

    take_one(domains=["c.example.com", "a.example.com"])

    assert shown()["domains"] == ["c.example.com", "a.example.com"]


def test_what_a_person_added_stays() -> None:
    customer = take_one(domains=["a.example.com"], poc=[{"name": "Jo", "obfuscated_id": "p1"}])
    make_domain(customer=customer, name="mine.example.com", position=9)
    make_contact(customer=customer, person=make_person(name="Mine"), position=9)

    take_one(domains=["b.example.com"], poc=[])

    assert shown()["domains"] == ["b.example.com", "mine.example.com"]
    assert [person["name"] for person in shown()["poc"]] == ["Mine"]


def test_a_document_may_list_what_a_person_added() -> None:
    customer = take_one()
    mine = make_domain(customer=customer, name="mine.example.com")

    take_one(domains=["b.example.com", "mine.example.com"])
    take_one(domains=["b.example.com"])

    assert set(Domain.objects.values_list("name", flat=True)) == {"b.example.com", "mine.example.com"}
    assert Domain.objects.get(name="mine.example.com").pk == mine.pk


def test_the_role_of_a_contact_is_ours() -> None:
    take_one(poc=[{"name": "Jo", "obfuscated_id": "p1"}])
    Contact.objects.update(role="Decision maker")

    take_one(poc=[{"name": "Jane", "obfuscated_id": "p2"}, {"name": "Jo", "obfuscated_id": "p1"}])

    assert Contact.objects.get(person__obfuscated_id="p1").role == "Decision maker"


def test_an_id_of_ours_is_kept() -> None:
    take_crm(document(id="cus_01h3vjs3b16yc3f9q8q9pfrb78"))

    assert Customer.objects.get().pk == "cus_01h3vjs3b16yc3f9q8q9pfrb78"


def test_an_id_of_ours_does_not_take_the_place_of_the_crms() -> None:
    customer = take_one(notes="Old.")

    take_crm(document(id=customer.pk, notes="New."))

    assert shown() == document(notes="New.")


@pytest.mark.usefixtures("shared_ids")
def test_the_crm_joins_the_customer_that_has_its_id() -> None:
    customer = make_customer(external_id="acme", name="Ours")

    assert take_one(company={"name": "Acme Inc"}) == customer
    assert Customer.objects.get().name == "Acme Inc"


def test_a_refused_record_costs_no_other_one() -> None:
    reports = take(CrmImporter(), document(id="one"), document(id=[]), document(id="three"))

    assert outcomes(reports) == [ImportOutcome.CREATED, ImportOutcome.REFUSED, ImportOutcome.CREATED]
    assert reports[1].bad is not None
    assert (reports[1].number, reports[1].bad.path) == (2, "$.id")
    assert Customer.objects.count() == ReceivedPayload.objects.count() == 2


def test_the_number_of_queries_does_not_depend_on_the_batch() -> None:
    def queries(size: int, start: int) -> int:
        payloads = [
            {
                **ACME,
                "id": f"c{number}",
                "domains": [f"d{number}.example.com"],
                "poc": [
                    {
                        "name": f"P{number}",
                        "obfuscated_id": f"p{number}",
                        "metadata": {"manager": {"name": "M", "obfuscated_id": f"m{number}"}},
                    }
                ],
                "merged_customers": [
                    document(id=f"old{number}", merged_customers=[document(id=f"older{number}")])
                ],
            }
            for number in range(start, start + size)
        ]
        with CaptureQueriesContext(connection) as captured:
            take_crm(*payloads)
        return len(captured)

    assert queries(3, 0) == queries(10, 100)


class TestRoundTrip(TestCase):
    @settings(max_examples=examples(6), deadline=None)
    @given(files())
    def test_documents_come_back_equal(self, payloads: list[Json]) -> None:
        take_crm(*payloads)

        assert [shown(payload["id"]) for payload in payloads] == payloads
        assert set(outcomes(take_crm(*payloads))) <= {ImportOutcome.UNCHANGED}
