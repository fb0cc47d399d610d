import json
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.document.renderer import render_customers
from crm.document.schema import CrmCustomer, encode_customer, parse_customer
from crm.models import Person
from customers.ingest.reader import read_value
from customers.models import Customer
from tests.factories import (
    MOMENT,
    make_company,
    make_contact,
    make_custom_field,
    make_customer,
    make_document,
    make_domain,
    make_merged_record,
    make_note,
    make_person,
    make_relationship,
)
from tests.strategies_crm import Json

pytestmark = pytest.mark.django_db


def shown(customer: Customer) -> Json:
    """The crm document, as JSON is read."""
    [document] = render_customers([Customer.objects.get(pk=customer.pk)])
    payload: Json = json.loads(encode_customer(document))
    return payload


def person(number: int, **fields: object) -> Person:
    return make_person(name=f"P{number}", obfuscated_id=f"p{number}", email="", **fields)


class TestACustomerOfWhomTheCrmKnowsNothing:
    @pytest.mark.parametrize(
        ("name", "email", "company"),
        [("Jo", "jo@example.com", "Jo"), ("", "jo@example.com", "jo@example.com")],
    )
    def test_the_company_is_called_by_what_we_know(self, name: str, email: str, company: str) -> None:
        customer = make_customer(name=name, email=email)

        assert shown(customer) == {"id": customer.pk, "company": {"name": company}}

    def test_without_name_and_email(self) -> None:
        customer = make_customer(name="", email="")

        assert shown(customer)["company"] == {"name": customer.pk}

    def test_a_relationship_without_a_crm_id(self) -> None:
        customer = make_relationship(crm_id="", contract_annual_revenue=None).customer

        assert shown(customer) == {"id": customer.pk, "company": {"name": customer.name}}


def test_every_row_has_its_key() -> None:
    customer = make_relationship(
        crm_id="acme",
        datasource_id="0100",
        start_date=date(2024, 8, 26),
        contract_annual_revenue=Decimal("1234.5"),
        reported_notes="Reported.",
        reported_document_counts={"offer": 3},
    ).customer
    make_company(
        customer=customer,
        name="Acme",
        annual_revenue=Decimal(20),
        number_of_employees=7,
        founded_date=date(1998, 3, 1),
        website_urls=["https://example.com/"],
    )
    make_domain(customer=customer, name="b.example.com", position=1)
    make_domain(customer=customer, name="a.example.com", position=0)
    make_custom_field(customer=customer, key="score", string_value=None, number_value=Decimal("-0.5"))
    make_custom_field(
        customer=customer, key="vip", string_value=None, boolean_value=False, display_label="VIP"
    )

    assert shown(customer) == {
        "id": "acme",
        "company": {
            "name": "Acme",
            "annual_revenue": 20,
            "number_of_employees": 7,
            "founded_date": "1998-03-01",
            "website_urls": ["https://example.com/"],
        },
        "domains": ["a.example.com", "b.example.com"],
        "document_counts": {"offer": 3},
        "metadata": {
            "datasource_id": "0100",
            "custom_data": {
                "score": {"number_value": -0.5},
                "vip": {"display_label": "VIP", "boolean_value": False},
            },
        },
        "start_date": "2024-08-26",
        "contract_annual_revenue": 1234.5,
        "notes": "Reported.",
    }


def test_a_revenue_of_nothing_is_a_revenue() -> None:
    customer = make_relationship(contract_annual_revenue=Decimal(0)).customer
    make_company(customer=customer, annual_revenue=Decimal(0), number_of_employees=0)

    assert shown(customer)["contract_annual_revenue"] == 0
    assert shown(customer)["company"]["number_of_employees"] == 0


class TestDocumentsAndNotes:
    def test_our_own_documents_are_counted_by_type(self) -> None:
        customer = make_relationship(reported_document_counts={"offer": 3, "letter": 1}).customer
        for kind in ("contract", "offer", "contract"):
            make_document(customer=customer, type=kind)
        make_document(type="contract")

        assert shown(customer)["document_counts"] == {"contract": 2, "offer": 1}

    def test_our_newest_note_comes_before_what_was_reported(self) -> None:
        customer = make_relationship(reported_notes="Reported.").customer
        make_note(customer=customer, body="Newest.", created_at=MOMENT)
        make_note(customer=customer, body="Older.", created_at=MOMENT.replace(year=2020))
        make_note(body="Somebody else's.")

        assert shown(customer)["notes"] == "Newest."

    def test_the_summary_comes_before_the_newest(self) -> None:
        customer = make_customer()
        make_note(customer=customer, body="Summary.", is_summary=True, created_at=MOMENT.replace(year=2020))
        make_note(customer=customer, body="Newest.", created_at=MOMENT)

        assert shown(customer)["notes"] == "Summary."

    def test_of_two_notes_of_one_moment_the_last_made(self) -> None:
        customer = make_customer()
        make_note(customer=customer, body="First.", created_at=MOMENT)
        make_note(customer=customer, body="Second.", created_at=MOMENT)

        assert shown(customer)["notes"] == "Second."


class TestPeople:
    def test_in_their_order_with_what_is_known(self) -> None:
        customer = make_customer()
        make_contact(customer=customer, person=person(2), position=1)
        make_contact(
            customer=customer,
            person=person(
                1,
                type="CONTRACTOR",
                start_date=date(2020, 2, 29),
                alias_emails=["jo@example.com"],
                social_network=[{"name": "linkedin", "profile_url": "https://example.com/in/jo"}],
                related_documents=[{"relation": "CASE"}],
            ),
            position=0,
        )

        assert shown(customer)["poc"] == [
            {
                "name": "P1",
                "obfuscated_id": "p1",
                "metadata": {
                    "type": "CONTRACTOR",
                    "start_date": "2020-02-29",
                    "alias_emails": ["jo@example.com"],
                    "social_network": [{"name": "linkedin", "profile_url": "https://example.com/in/jo"}],
                },
                "related_documents": [{"relation": "CASE"}],
            },
            {"name": "P2", "obfuscated_id": "p2"},
        ]

    def test_somebody_added_here_has_our_id(self) -> None:
        contact = make_contact(person=make_person(name="Ours", email="ours@example.com"))

        assert shown(contact.customer)["poc"] == [
            {"name": "Ours", "obfuscated_id": contact.person.pk, "metadata": {"email": "ours@example.com"}}
        ]

    def test_managers_are_inside(self) -> None:
        top = person(3, title="CEO")
        middle = person(2, manager=top)
        contact = make_contact(person=person(1, manager=middle))

        assert shown(contact.customer)["poc"] == [
            {
                "name": "P1",
                "obfuscated_id": "p1",
                "metadata": {
                    "manager": {
                        "name": "P2",
                        "obfuscated_id": "p2",
                        "metadata": {
                            "manager": {"name": "P3", "obfuscated_id": "p3", "metadata": {"title": "CEO"}}
                        },
                    }
                },
            }
        ]

    def test_a_circle_of_managers_ends(self) -> None:
        first = person(1)
        second = person(2, manager=first)
        Person.objects.filter(pk=first.pk).update(manager=second)
        contact = make_contact(person=first)

        assert shown(contact.customer)["poc"] == [
            {
                "name": "P1",
                "obfuscated_id": "p1",
                "metadata": {"manager": {"name": "P2", "obfuscated_id": "p2"}},
            }
        ]

    def test_a_chain_ends_where_no_reader_would_follow(self) -> None:
        above = None
        for number in range(40):
            above = person(number, manager=above)
        contact = make_contact(person=above)

        [document] = render_customers([contact.customer])

        again, _ = parse_customer(read_value(encode_customer(document)))
        assert again.poc
        levels = 0
        here = again.poc[0]
        while here.metadata and here.metadata.manager:
            here = here.metadata.manager
            levels += 1
        assert levels == 30


class TestMergedCustomers:
    def test_their_tree_and_its_order(self) -> None:
        survivor = make_relationship(crm_id="acme", contract_annual_revenue=None).customer

        def record(crm_id: str, **fields: object) -> object:
            payload = json.dumps({"id": crm_id, "company": {"name": crm_id.title()}})
            return make_merged_record(survivor=survivor, crm_id=crm_id, document=payload, **fields)

        second = record("second", position=1)
        record("first", position=0)
        record("inner", position=0, parent=second)

        assert shown(survivor)["merged_customers"] == [
            {"id": "first", "company": {"name": "First"}},
            {
                "id": "second",
                "company": {"name": "Second"},
                "merged_customers": [{"id": "inner", "company": {"name": "Inner"}}],
            },
        ]

    def test_their_numbers_are_exact(self) -> None:
        payload = '{"id": "x", "company": {"name": "X", "annual_revenue": 123456789012345.0123456789}}'
        survivor = make_merged_record(crm_id="x", document=payload).survivor

        [document] = render_customers([survivor])

        assert b"123456789012345.0123456789" in encode_customer(document)


def test_customers_come_in_the_order_asked_for() -> None:
    customers = [make_customer(name=name) for name in ("B", "A", "C")]

    documents = render_customers(customers)

    assert [document.company.name for document in documents] == ["B", "A", "C"]


def test_nobody_is_no_document() -> None:
    assert render_customers([]) == []


def test_the_document_is_the_one_that_is_parsed() -> None:
    customer = make_contact(person=person(1, manager=person(2))).customer
    make_relationship(customer=customer)

    [document] = render_customers([customer])

    again, remarks = parse_customer(read_value(encode_customer(document)))
    assert isinstance(again, CrmCustomer)
    assert (encode_customer(again), remarks) == (encode_customer(document), [])


def test_the_number_of_queries_does_not_depend_on_how_many_there_are() -> None:
    def queries(count: int) -> int:
        customers = []
        for _ in range(count):
            customer = make_relationship().customer
            make_company(customer=customer)
            make_domain(customer=customer)
            make_custom_field(customer=customer)
            make_document(customer=customer)
            make_note(customer=customer)
            make_merged_record(survivor=customer, document='{"id": "x", "company": {"name": "X"}}')
            make_contact(customer=customer, person=make_person(manager=make_person(manager=make_person())))
            customers.append(customer.pk)
        fresh = list(Customer.objects.filter(pk__in=customers))
        with CaptureQueriesContext(connection) as captured:
            render_customers(fresh)
        return len(captured)

    assert queries(1) == queries(5)
