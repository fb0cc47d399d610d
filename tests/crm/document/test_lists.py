"""Lists of companies and people: their documents and filters."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.factories import (
    make_company,
    make_contact,
    make_customer,
    make_domain,
    make_person,
    make_relationship,
    make_user,
)

pytestmark = pytest.mark.django_db

COMPANIES, PEOPLE = "/api/v1/companies", "/api/v1/people"


def names(page: Any) -> list[str]:
    return sorted(each["name"] for each in page["data"])


def test_a_company_in_both_styles(read):
    company = make_company(name="Example Ltd", number_of_employees=42, founded_date=date(1998, 3, 1))
    make_domain(customer=company.customer, name="example.com")
    assert read(COMPANIES)["data"] == [
        {
            "name": "Example Ltd",
            "website_urls": ["https://example.com/"],
            "number_of_employees": 42,
            "founded_date": "1998-03-01",
            "id": company.pk,
            "customer_id": company.customer_id,
            "domains": ["example.com"],
        }
    ]
    (shown,) = read(COMPANIES, case="camel", expand="customer")["data"]
    assert shown["numberOfEmployees"] == 42
    assert (shown["customerId"], shown["customer"]["id"]) == (company.customer_id, company.customer_id)
    assert shown["customer"]["externalId"] is None


def test_filters_of_companies(read, refuse):
    acme = make_company(name="Acme Ltd", industry="Retail", founded_date=date(1998, 3, 1))
    make_domain(customer=acme.customer, name="acme.example.com")
    make_relationship(customer=acme.customer, owner=make_user(username="max"))
    make_company(name="Globex Ltd", founded_date=date(2001, 1, 1))
    for filters in (
        {"q": "ACME"},
        {"domain": "https://www.acme.example.com/about"},
        {"owner": "max"},
        {"industry": "retail"},
        {"founded_before": "2001-01-01"},
    ):
        assert names(read(COMPANIES, **filters)) == ["Acme Ltd"], filters
    assert names(read(COMPANIES, founded_after="2001-01-01")) == ["Globex Ltd"]
    for day in ("soon", "2001-02-30", "20010101", "2001-01-01T00:00:00Z"):
        error = refuse(400, COMPANIES, founded_after=day)
        assert (error["param"], "2024-08-26" in error["message"]) == ("founded_after", True)


def test_a_person_and_whose_contact_they_are(read):
    person = make_person(name="Jane Doe", email="jane@example.com", obfuscated_id="p-1", type="FULL_TIME")
    first, second = make_customer(), make_customer()
    make_contact(customer=first, person=person, role="Billing")
    make_contact(customer=second, person=person, role="")
    assert read(PEOPLE)["data"] == [
        {
            "name": "Jane Doe",
            "obfuscated_id": "p-1",
            "metadata": {"type": "FULL_TIME", "email": "jane@example.com"},
            "id": person.pk,
            "contact_of": [{"customer_id": first.pk, "role": "Billing"}, {"customer_id": second.pk}],
        }
    ]
    (shown,) = read(PEOPLE, case="camel")["data"]
    assert shown["contactOf"][0]["customerId"] == first.pk


def test_filters_of_people(read):
    jane = make_person(
        name="Jane Doe",
        title="CIO",
        email="Jane@example.com",
        obfuscated_id="p-1",
        type="CONTRACTOR",
        department="Purchasing",
    )
    make_contact(person=jane, role="Technical")
    make_contact(person=make_person(name="Other"))
    for filters in (
        {"q": "jane d"},
        {"q": "cio"},
        {"crm_id": "p-1"},
        {"email": "jane@EXAMPLE.com"},
        {"type": "CONTRACTOR"},
        {"department": "purchasing"},
        {"role": "technical"},
    ):
        assert names(read(PEOPLE, **filters)) == ["Jane Doe"], filters


def test_filters_by_customer_apply_to_one_customer_of_a_person(read):
    person = make_person()
    make_contact(person=person, customer=make_customer(external_id="acme-42"))
    make_contact(person=person, customer=make_customer(env="sandbox"))
    assert len(read(PEOPLE, customer="acme-42")["data"]) == 1
    assert len(read(PEOPLE, env="sandbox")["data"]) == 1
