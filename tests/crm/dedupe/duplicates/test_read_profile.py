"""Customers are read as profiles, from all of their rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.dedupe.duplicates.profile import Profile
from crm.dedupe.duplicates.read_profile import changed_since, read_profiles
from customers import clock
from customers.models import Customer
from customers.readings.names import NameKind
from tests.factories import (
    claims,
    make_address,
    make_business,
    make_company,
    make_contact,
    make_customer,
    make_domain,
    make_payment_method,
    make_person,
    make_relationship,
    make_source_record,
)

pytestmark = pytest.mark.django_db


def profile_of(customer: Customer) -> Profile:
    """The profile of one customer."""
    ((found,),) = read_profiles(Customer.objects.filter(pk=customer.pk))
    return found


def test_all_that_a_customer_is_recognised_by() -> None:
    customer = make_customer(
        name="Acme GmbH",
        email="Info@Acme.example",
        phone="030 901820",
        external_id="acme-1",
        stripe_id="cus_9s6XKzkNRiz8i3",
        fingerprint=" device-1 ",
    )
    make_address(customer=customer, line1="Hauptstr. 5", city="Berlin", postal_code="10115", country="DE")
    make_business(
        customer=customer,
        name="Acme GmbH",
        tax_identifier="136 695 976",
        company_number="HRB 12345",
        contacts=[{"name": "Jo Doe", "email": "jo@acme.example"}, "nonsense"],
    )
    make_company(
        customer=customer,
        name="Acme Holding",
        location="Munich, Germany",
        website_urls=["https://www.acme-holding.example/"],
    )
    make_domain(customer=customer, name="acme.example")
    person = make_person(name="Jane Doe", email="jane@acme.example", alias_emails=["jd@acme.example"])
    make_contact(customer=customer, person=person)
    make_payment_method(customer=customer, exp_month=4, exp_year=2030)
    make_payment_method(customer=customer, type="mobile_money", phone="+255 22 211 0000")
    make_source_record(
        customer=customer, source_id="crm-7", claims=claims(name="ACME", email="a.b@x.example")
    )
    make_source_record(customer=customer, source_id="email:info@acme.example")
    make_relationship(customer=customer, crm_id="crm-7")

    found = profile_of(customer)

    assert found.ids == (customer.pk, "acme-1", "cus_9s6XKzkNRiz8i3", "crm-7")
    assert [(name.text, name.kind) for name in found.names] == [
        ("Acme GmbH", NameKind.COMPANY),
        ("Acme Holding", NameKind.COMPANY),
    ]
    assert found.boxes == {"info@acme.example", "a.b@x.example"}
    assert found.phones == ("+4930901820", "+255222110000")
    assert found.fingerprint == "device-1"
    assert found.named_elsewhere == ("external ID:acme-1", "Stripe ID:cus_9s6XKzkNRiz8i3")
    assert [(tax_id.number, tax_id.country) for tax_id in found.tax_ids] == [("136695976", "DE")]
    assert found.company_numbers == ("HRB12345",)
    assert found.domains == ("acme.example", "x.example", "acme-holding.example")
    assert [(place.city, place.country) for place in found.places] == [("berlin", "DE"), ("munich", "DE")]
    assert found.contact_boxes == {"jane@acme.example", "jd@acme.example", "jo@acme.example"}
    assert found.methods == ("visa 4242 4 2030", "+255222110000")


def test_a_contacts_domain_stands_in_where_there_is_no_other() -> None:
    customer = make_customer(name="Acme", email="acme@gmail.com")
    make_contact(customer=customer, person=make_person(email="jane@acme.example"))
    assert profile_of(customer).domains == ("acme.example",)


def test_a_business_called_as_its_owner_makes_no_company_of_the_owner() -> None:
    customer = make_customer(name="Jane Doe")
    make_business(customer=customer, name="Jane Doe")
    assert profile_of(customer).names[0].kind == NameKind.PERSON


def test_a_customer_of_whom_nothing_is_known_is_read_too() -> None:
    found = profile_of(make_customer(name="", email="", phone=""))
    assert (found.names, found.mailboxes, found.phones, found.places) == ((), (), (), ())


def test_many_take_as_many_queries_as_few() -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            list(read_profiles(Customer.objects.all()))
        return len(captured)

    make_address()
    one = queries()
    for _ in range(3):
        make_address()
        make_contact()
    assert queries() == one


@pytest.mark.parametrize("make", [make_address, make_business, make_company, make_payment_method])
def test_a_change_of_what_belongs_to_a_customer_is_a_change(make: Any) -> None:
    customer = make_customer(created_at=clock.now() - timedelta(days=9))
    row = make(customer=customer)
    Customer.history.all().delete()
    type(row).history.all().delete()
    moment = clock.now()
    assert changed_since([customer.pk], moment) == set()
    row.save()
    assert changed_since([customer.pk], moment) == {customer.pk}


def test_what_a_person_or_a_source_says_anew_is_a_change() -> None:
    old = {"created_at": clock.now() - timedelta(days=9)}
    edited, received, known, same = (make_customer(**old) for _ in range(4))
    contact = make_contact(customer=known)
    Customer.history.all().delete()
    type(contact.person).history.all().delete()
    moment = clock.now()
    edited.save()
    make_source_record(customer=received)
    contact.person.save()
    new = make_customer()
    everybody = [each.pk for each in (edited, received, known, same, new)]
    assert changed_since(everybody, moment) == {edited.pk, received.pk, known.pk, new.pk}
