"""Finding customers by whatever somebody has of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.desk.search.search import MOST, find, find_near
from crm.desk.search.text_lookups import LOOKUPS
from customers import clock
from customers.models import Customer
from tests.factories import (
    make_business,
    make_company,
    make_contact,
    make_customer,
    make_domain,
    make_invoice,
    make_person,
    make_relationship,
    make_source_record,
    make_subscription,
    make_user,
)

pytestmark = pytest.mark.django_db


def everything(permission: str) -> bool:
    return True


def found(text: str, may: Callable[[str], bool] = everything) -> list[tuple[str, str]]:
    return [(each.customer.name, each.words) for each in find(text, may)]


@pytest.fixture
def globex() -> Customer:
    """A customer with one of everything by which it is found, and another beside it."""
    make_customer(name="Initech", email="post@initech.example", phone="+1 555 0177")
    customer = make_customer(
        name="Globex Überseehandel",
        email="Hello@Globex.example",
        phone="+1 (555) 010-0123",
        external_id="ext-17",
        stripe_id="cus_stripe17",
    )
    make_company(customer=customer, name="Globex Holding", phone="+44 20 7946 0018")
    make_domain(customer=customer, name="globex-shop.example")
    make_business(
        customer=customer, name="Kwik Traders", contacts=[{"name": "Jo", "email": "jo@kwik.example"}]
    )
    make_relationship(customer=customer, crm_id="crm-0817", owner=make_user(username="mo"))
    person = make_person(
        name="Наталья Иванова",
        email="natalia@people.example",
        alias_emails=["nat@alias.example"],
        phone="+43 1 5550142",
    )
    make_contact(customer=customer, person=person)
    make_source_record(customer=customer, source="billing", source_id="bill/9")
    make_invoice(customer=customer, number="INV-000042")
    make_invoice(customer=customer, stripe_id="in_1Abc")
    return customer


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("ext-17", "External ID ext-17"),
        ("cus_stripe17", "Stripe ID cus_stripe17"),
        ("bill/9", "ID bill/9 in Billing platform"),
        ("crm-0817", "CRM ID crm-0817"),
        ("INV-000042", "Invoice INV-000042"),
        ("inv-000042", "Invoice INV-000042"),
        ("in_1Abc", "Invoice in_1Abc"),
        ("globex überseehandel", "Name"),
        ("GLOBEX ÜBERSEE", "Name"),
        ("übersee globex", "Name"),
        ("gl", "Name, Email Hello@Globex.example"),
        ("hello@globex.example", "Email Hello@Globex.example"),
        ("globex-shop.example", "Domain globex-shop.example"),
        ("globex holding", "Company Globex Holding"),
        ("kwik traders", "Business profile Kwik Traders"),
        ("jo@kwik.example", "Contact jo@kwik.example"),
        ("Иванова Наталья", "Contact Наталья Иванова"),
        ("иванова", "Contact Наталья Иванова"),
        ("natalia@people", "Contact's email natalia@people.example"),
        ("nat@alias.example", "Contact's email nat@alias.example"),
        ("555 0100123", "Phone +1 (555) 010-0123"),
        ("001-555-010-0123", "Phone +1 (555) 010-0123"),
        ("020 7946 0018", "Company's phone +44 20 7946 0018"),
        ("+43 15550142", "Contact's phone +43 1 5550142"),
    ],
)
def test_a_customer_is_found_by(globex: Customer, typed: str, why: str) -> None:
    assert found(typed) == [("Globex Überseehandel", why)]


def test_our_ids_and_those_of_rows_find(globex: Customer) -> None:
    subscription = make_subscription(customer=globex)
    assert found(str(globex.pk)) == [(globex.name, "ID")]
    assert found(str(subscription.pk).upper()) == [(globex.name, "Subscription ID")]


def test_exact_hits_come_first_then_beginnings_then_words_then_the_rest() -> None:
    for name in ("Megaorion", "The Orion", "Orion Ltd", "ORION", "Orio"):
        make_customer(name=name, email="")
    archived = make_customer(name="Orion", email="")
    Customer.objects.filter(pk=archived.pk).update(archived_at=clock.now())
    assert [name for name, _ in found("orion")] == ["ORION", "Orion", "Orion Ltd", "The Orion", "Megaorion"]


def test_signs_of_patterns_are_letters_like_others() -> None:
    make_customer(name="100% Cotton", email="a_b@example.com")
    make_customer(name="1000 Cottons", email="acb@example.com")
    assert [name for name, _ in found("100%")] == ["100% Cotton"]
    assert [name for name, _ in found("a_b@example.com")] == ["100% Cotton"]
    assert found("\\") == []


def test_a_merged_customer_leads_to_the_survivor() -> None:
    survivor = make_customer(name="Globex")
    other = make_customer(name="Glbx Old", external_id="old-1", merged_into=survivor)
    for typed in ("old-1", str(other.pk), "glbx"):
        (hit,) = find(typed, everything)
        assert (hit.customer.pk, hit.merged_customer) == (survivor.pk, "Glbx Old")


def test_what_one_may_not_see_finds_nobody(globex: Customer) -> None:
    hidden = ("billing.view_invoice", "crm.view_person", "crm.view_domain", "crm.view_company")
    for typed in ("INV-000042", "natalia@people", "globex-shop.example", "globex holding", "020 7946 0018"):
        assert found(typed, lambda permission: permission not in hidden) == []
    assert found("globex", lambda permission: permission != "customers.view_customer") == []


def test_owner_and_standing_are_told(globex: Customer) -> None:
    (hit,) = find("ext-17", everything)
    assert (hit.owner, hit.status) == ("mo", "Active")
    (hit,) = find("initech", everything)
    assert (hit.owner, hit.status) == ("", "Active")


@pytest.mark.parametrize("typed", ["globex", "555 0100123", "gl", "in_1Abc"])
def test_the_number_of_queries_is_fixed(globex: Customer, typed: str) -> None:
    with CaptureQueriesContext(
        connection,
    ) as few:
        find(typed, everything)
    for _ in range(MOST + 3):
        customer = make_customer(name="Globex Ltd", phone="+1 555 010-0123")
        make_relationship(customer=customer, owner=make_user())
        make_contact(customer=customer, person=make_person(name="Globex Gl"))
    with CaptureQueriesContext(connection) as many:
        assert len(find(typed, everything)) <= MOST
    assert len(many) == len(few) <= len(LOOKUPS) + 1


@pytest.mark.postgresql
def test_postgresql_looks_by_indexes() -> None:
    """With the way through whole tables barred, as it is barred by cost where there are many rows.

    Index scans are barred, too: one may read a whole table in the order of another index. Bitmap scans may not.
    """
    with connection.cursor() as cursor:
        for way in ("seqscan", "indexscan", "indexonlyscan"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
    for typed, indexes in (
        ("globex", {"customer_search", "customer_search_beginning", "domain_search", "source_record_search"}),
        ("globex", {"company_search", "business_search", "address_search", "merged_record_search"}),
        ("gl", {"customer_search"}),
        ("田中", {"customer_search", "business_search"}),
        ("DE 123 456 789", {"business_tax_number", "business_company_number", "address_postal_code"}),
        ("555 0100123", {"customer_phone_digits", "company_phone_digits", "payment_method_phone_digits"}),
        ("555 0100123", {"source_record_phone_digits"}),
        # In an empty table of subscriptions, the index of another constraint costs as much as that of the IDs.
        ("x-1", {"customer_by_fingerprint", "entity_by_its_id"}),
        ("x-1", {"address_by_source_id", "business_by_source_id", "payment_method_by_source_id"}),
        ("x-1", {"relationship_by_datasource_id"}),
        ("INV-000042", {"invoice_number_once", "invoice_by_stripe_id"}),
    ):
        with CaptureQueriesContext(connection) as captured:
            find(typed, everything)
        plans = ""
        with connection.cursor() as cursor:
            for query in captured.captured_queries:
                if query["sql"].startswith("SELECT"):
                    cursor.execute(f"EXPLAIN {query['sql'].replace('%', '%%')}", ())
                    plans += "\n".join(line for (line,) in cursor.fetchall())
        assert {name for name in indexes if name not in plans} == set(), plans


def test_somebody_may_be_asked_for_by_a_user_of_the_admin(admin_user: User, globex: Customer) -> None:
    assert found("ext-17", admin_user.has_perm) == [(globex.name, "External ID ext-17")]


def test_a_typo_is_forgiven_where_nothing_matches() -> None:
    kestrel = make_customer(name="Kestrel Robotics, Inc.")
    make_customer(name="Crystal Robots")
    smithson, acme = make_customer(name="Smithson"), make_customer(name="Acme")
    typed = {"smihtson": smithson, "acne": acme, "acmee": acme}
    typed |= dict.fromkeys(("kestel", "kestrl robotcs", "Ketsrel", "kestrell robotics", "kastrel"), kestrel)
    for term, customer in typed.items():
        assert find(term, everything) == [], term
        assert [(each.customer, each.words) for each in find_near(term, everything)] == [
            (customer, "Similar name")
        ], term
    for term in ("castrol", "kestrel grains", "kes", "12345"):
        assert find_near(term, everything) == [], term
