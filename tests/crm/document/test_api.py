"""The crm document as it is read."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.document.importer import CrmImporter
from tests.api.steps import archive, merge, take_in_values
from tests.factories import (
    make_company,
    make_contact,
    make_customer,
    make_document,
    make_domain,
    make_note,
    make_person,
    make_relationship,
    make_source_record,
    make_user,
)

pytestmark = pytest.mark.django_db

LIST = "/api/v1/crm/customers"

DOCUMENT = {
    "id": "crm/0100",
    "domains": ["example.com"],
    "company": {
        "name": "Example Trading",
        "website_urls": ["https://example.com/"],
        "annual_revenue": 1250000.5,
        "number_of_employees": 42,
        "founded_date": "1998-03-01",
    },
    "document_counts": {"signed_contract": 2},
    "poc": [
        {
            "name": "Jane Doe",
            "obfuscated_id": "person-1",
            "metadata": {"type": "FULL_TIME", "first_name": "Jane", "start_date": "2020-01-31"},
        }
    ],
    "metadata": {
        "datasource_id": "00100",
        "custom_data": {"account_tier": {"display_label": "Tier", "string_value": "gold"}},
    },
    "merged_customers": [{"id": "crm-0099", "company": {"name": "Example Retail"}}],
    "start_date": "2024-08-26",
    "contract_annual_revenue": 48000,
    "notes": "CIO is interested in trying out the product.",
}
CAMEL = {
    "id": "crm/0100",
    "domains": ["example.com"],
    "company": {
        "name": "Example Trading",
        "websiteUrls": ["https://example.com/"],
        "annualRevenue": 1250000.5,
        "numberOfEmployees": 42,
        "foundedDate": "1998-03-01",
    },
    "documentCounts": {"signed_contract": 2},
    "poc": [
        {
            "name": "Jane Doe",
            "obfuscatedId": "person-1",
            "metadata": {"type": "FULL_TIME", "firstName": "Jane", "startDate": "2020-01-31"},
        }
    ],
    "metadata": {
        "datasourceId": "00100",
        "customData": {"account_tier": {"displayLabel": "Tier", "stringValue": "gold"}},
    },
    "mergedCustomers": [{"id": "crm-0099", "company": {"name": "Example Retail"}}],
    "startDate": "2024-08-26",
    "contractAnnualRevenue": 48000,
    "notes": "CIO is interested in trying out the product.",
}


def names(page) -> list[str]:
    return sorted(each["company"]["name"] for each in page["data"])


class TestDocument:
    @pytest.fixture(autouse=True)
    def imported(self, db):
        take_in_values(CrmImporter(), [DOCUMENT])

    def test_it_comes_back_equal(self, read):
        assert read(f"{LIST}/crm%2F0100") == DOCUMENT
        assert read(LIST) == {"data": [DOCUMENT], "has_more": False, "next_cursor": None}

    def test_in_camel_case_too(self, read, refuse):
        assert read(f"{LIST}/crm%2F0100", case="camel") == CAMEL
        assert read(LIST, case="camel")["data"] == [CAMEL]
        assert read(LIST, case="snake")["data"] == [DOCUMENT]
        assert "snake, camel" in refuse(400, LIST, case="kebab")["message"]

    def test_what_was_merged_into_it_finds_it(self, read):
        assert read(f"{LIST}/crm-0099")["id"] == "crm/0100"

    def test_it_is_found_in_the_other_views_too(self, read):
        assert read("/api/v1/customers/crm%2F0100")["name"] == "Example Trading"
        assert read("/api/v1/billing/customers/crm-0099")["name"] == "Example Trading"


def test_the_crms_own_id_comes_before_others(read):
    crm = make_customer(name="known to the CRM")
    make_relationship(customer=crm, crm_id="42")
    make_source_record(customer=crm, source="crm", source_id="42")
    make_customer(name="known to an integrator", external_id="42")
    assert read(f"{LIST}/42") == {
        "id": "42",
        "company": {"name": "known to the CRM"},
        "contract_annual_revenue": 12000,
    }
    assert read("/api/v1/billing/customers/42")["name"] == "known to an integrator"


def test_a_customer_the_crm_never_heard_of_goes_by_our_id(read):
    customer = make_customer(name="Jane Doe")
    assert read(f"{LIST}/{customer.pk}") == {"id": customer.pk, "company": {"name": "Jane Doe"}}
    assert reverse("crm-customer", args=[customer.pk]) == f"{LIST}/{customer.pk}"
    assert reverse("crm-customers") == LIST


def test_by_domain_owner_industry_and_text(read):
    mine, other = make_user(username="ann"), make_user(username="bob")
    for name, owner, industry, domain in (
        ("A", mine, "Retail", "a.example.com"),
        ("B", mine, "Mining", "b.example.com"),
        ("C", other, "Retail", "A.example.com"),
    ):
        customer = make_customer(name=name)
        make_company(customer=customer, name=name, industry=industry)
        make_relationship(customer=customer, owner=owner)
        make_domain(customer=customer, name=domain)
    make_customer(name="D")
    assert names(read(LIST, domain="a.example.com")) == ["A", "C"]
    assert names(read(LIST, domain="example.com")) == []
    assert names(read(LIST, owner="ann")) == ["A", "B"]
    assert names(read(LIST, industry="retail")) == ["A", "C"]
    assert names(read(LIST, owner="ann", industry="Retail")) == ["A"]
    assert names(read(LIST, q="d")) == ["D"]
    assert names(read(LIST)) == ["A", "B", "C", "D"]


def test_merged_and_archived_customers_are_left_out(read):
    survivor, merged, archived = (make_customer(name=name) for name in ("S", "M", "A"))
    merge(merged, survivor)
    archive(archived)
    assert names(read(LIST)) == ["S"]
    assert names(read(LIST, archived="true")) == ["A", "S"]


def test_a_page_of_thirty_takes_as_many_queries_as_a_page_of_one(api):
    manager = make_person()
    for _ in range(31):
        customer = make_customer()
        make_company(customer=customer)
        make_relationship(customer=customer)
        make_contact(customer=customer, person=make_person(manager=manager))
        make_domain(customer=customer)
        make_note(customer=customer)
        make_document(customer=customer)
    counts = []
    for limit in (1, 30):
        with CaptureQueriesContext(connection) as queries:
            assert len(api.get(LIST, {"limit": limit}).json()["data"]) == limit
        counts.append(len(queries))
    assert counts[0] == counts[1] < 20
