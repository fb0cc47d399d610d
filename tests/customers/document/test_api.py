"""The payments document as it is read."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from django.urls import reverse

from customers.document.importer import PaymentsImporter
from customers.models import Address, Business, PaymentMethod
from tests.api.steps import merge, take_in_values
from tests.factories import (
    make_address,
    make_business,
    make_customer,
    make_payment_method,
    make_source_record,
)

pytestmark = pytest.mark.django_db

LIST = "/api/v1/customers"
SEED = {
    "id": "cus_01h3vjs3b16yc3f9q8q9pfrb78",
    "name": "Jane Doe",
    "email": "jane.doe@example.com",
    "phone": "+1234567890",
    "address": {
        "line1": "123 Main St",
        "line2": "Apt 4B",
        "city": "Springfield",
        "state": "IL",
        "postal_code": "62701",
        "country": "US",
    },
    "payment_method": "momo_01h3vjs3b16yc3f9q8q9pfrb78",
    "created_at": "2024-08-26T12:15:00.000Z",
    "updated_at": "2024-09-01T14:30:00.000Z",
    "status": "active",
    "custom_data": {"loyalty_program": "gold"},
}


def names(page) -> list[str]:
    return sorted(each["name"] for each in page["data"])


def test_the_seeds_example_comes_back_equal(read):
    take_in_values(PaymentsImporter(), [SEED])
    document = read(f"{LIST}/{SEED['id']}")
    assert document == SEED
    assert list(document) == list(SEED)
    assert read(LIST)["data"] == [SEED]


def test_every_key_is_there_when_nothing_is_known(read):
    customer = make_customer(name="", email="", created_at=datetime(2024, 8, 26, tzinfo=UTC))
    customer.updated_at = customer.created_at
    customer.save()
    assert read(f"{LIST}/{customer.pk}") == {
        "id": customer.pk,
        "name": None,
        "email": None,
        "phone": None,
        "address": None,
        "payment_method": None,
        "created_at": "2024-08-26T00:00:00.000Z",
        "updated_at": "2024-08-26T00:00:00.000Z",
        "status": "active",
        "custom_data": None,
    }


@pytest.mark.parametrize(
    "identifier",
    [
        "acme/42",
        "a:b@c%d",
        "100%",
        "what?#&=+",
        "Zoë 株式会社",
        "a b",
        ".",
        "..",
        "a//b",
        "x/addresses/y",
        "%2F",
        "\\",
    ],
)
def test_an_identifier_may_have_any_characters_in_it(read, identifier):
    customer = make_customer(external_id=identifier)
    assert read(f"{LIST}/{quote(identifier, safe='')}")["id"] == customer.pk


def test_an_address_made_by_its_name_finds_the_customer(read):
    customer = make_customer(external_id="acme/42?x")
    assert read(reverse("payments-customer", args=["acme/42?x"]))["id"] == customer.pk
    assert reverse("payments-customers") == LIST
    assert reverse("payments-customer-addresses", args=["x"]) == f"{LIST}/x/addresses"
    assert reverse("payments-customer-businesses", args=["x"]) == f"{LIST}/x/businesses"
    assert reverse("payments-customer-payment-methods", args=["x"]) == f"{LIST}/x/payment-methods"


def test_the_survivor_answers_for_a_merged_customer(read):
    survivor, merged = make_customer(), make_customer()
    merge(merged, survivor)
    assert read(f"{LIST}/{merged.pk}")["id"] == survivor.pk


def test_env_chooses_between_two_environments(read, refuse):
    live = make_customer(external_id="acme-42")
    sandbox = make_customer(external_id="acme-42", env="sandbox")
    assert read(f"{LIST}/acme-42")["id"] == live.pk
    assert read(f"{LIST}/acme-42", env="sandbox")["id"] == sandbox.pk
    assert refuse(400, f"{LIST}/acme-42", env="test")["param"] == "env"
    assert "live, sandbox" in refuse(400, f"{LIST}/acme-42", env="test")["message"]


def test_an_unknown_customer_is_404(refuse):
    for address in (f"{LIST}/nobody", f"{LIST}/nobody/addresses", f"{LIST}/{'n' * 5000}", f"{LIST}/a%00b"):
        error = refuse(404, address)
        assert (error["code"], error["param"]) == ("customer_not_found", "identifier")


def test_an_address_that_several_share_is_not_guessed_at(refuse):
    for _ in range(2):
        make_customer(email="office@example.com")
    error = refuse(400, f"{LIST}/office@example.com")
    assert (error["code"], error["param"]) == ("ambiguous_identifier", "identifier")
    assert "2 customers" in error["message"]


def test_the_payments_platforms_own_id_comes_before_others(read):
    ours = make_customer()
    make_source_record(customer=ours, source_id="42", source="payments")
    make_customer(external_id="42")
    assert read(f"{LIST}/42")["id"] == ours.pk


def test_a_customer_is_read_in_few_queries(api, django_assert_num_queries):
    customer = make_customer()
    # The token, the customer, its addresses, its payment methods, what was not understood of its record.
    with django_assert_num_queries(5):
        assert api.get(f"{LIST}/{customer.pk}").status_code == 200


class TestFilters:
    def test_by_status(self, read, refuse):
        make_customer(name="A")
        make_customer(name="S", status="suspended")
        assert names(read(LIST, status="suspended")) == ["S"]
        assert "active, inactive, suspended" in refuse(400, LIST, status="gone")["message"]

    def test_by_exact_email(self, read):
        make_customer(name="A", email="a@example.com")
        make_customer(name="B", email="aa@example.com")
        assert names(read(LIST, email="a@example.com")) == ["A"]

    def test_by_country_of_the_default_address(self, read):
        for name, country, is_default in (("TZ", "TZ", True), ("KE", "KE", True), ("old", "TZ", False)):
            Address.objects.create(customer=make_customer(name=name), country=country, is_default=is_default)
        Address.objects.create(customer=make_customer(name="odd"), country="Atlantis", is_default=True)
        assert names(read(LIST, country="TZ")) == names(read(LIST, country="tz")) == ["TZ"]
        assert names(read(LIST, country="Atlantis")) == ["odd"]

    def test_by_environment(self, read, refuse):
        make_customer(name="L")
        make_customer(name="S", env="sandbox")
        assert names(read(LIST)) == ["L", "S"]
        assert names(read(LIST, env="sandbox")) == ["S"]
        refuse(400, LIST, env="null")

    @pytest.mark.parametrize("field", ["created", "updated"])
    def test_by_time_from_included_to_excluded(self, read, field):
        for day in (1, 2, 3):
            make_customer(name=str(day), **{f"{field}_at": datetime(2024, 9, day, tzinfo=UTC)})
        since, until = f"{field}_after", f"{field}_before"
        assert names(read(LIST, **{since: "2024-09-02"})) == ["2", "3"]
        assert names(read(LIST, **{since: "2024-09-02T00:00:00.001Z"})) == ["3"]
        assert names(read(LIST, **{until: "2024-09-02T00:00:00Z"})) == ["1"]
        assert names(read(LIST, **{since: "2024-09-02T02:00:00+02:00", until: "2024-09-03"})) == ["2"]

    @pytest.mark.parametrize(
        "moment",
        [
            "yesterday",
            "2024-13-01",
            "2024-08-26T12:15:00 02:00",
            "1724674500000",
            "0001-01-01T00:00:00+14:00",
        ],
    )
    def test_a_time_that_is_none_is_refused_with_help(self, refuse, moment):
        error = refuse(400, LIST, created_after=moment)
        assert error["param"] == "created_after"
        assert "2024-08-26T12:15:00Z" in error["message"]

    def test_by_text_in_name_email_or_external_id(self, read):
        make_customer(name="Acme Trading")
        make_customer(name="B", email="sales@acme.example.com")
        make_customer(name="C", external_id="org-ACME-1")
        make_customer(name="100%_\\")
        assert names(read(LIST, q="acme")) == ["Acme Trading", "B", "C"]
        assert names(read(LIST, q="%")) == names(read(LIST, q="_\\")) == ["100%_\\"]

    @pytest.mark.parametrize("archived", ["yes", "1", "True", "TRUE"])
    def test_a_flag_is_true_or_false(self, refuse, archived):
        assert "true or false" in refuse(400, LIST, archived=archived)["message"]

    @pytest.mark.parametrize("name", ["q", "email", "country"])
    def test_a_text_has_an_end(self, read, refuse, name):
        read(LIST, **{name: "x" * 255})
        assert "255" in refuse(400, LIST, **{name: "x" * 256})["message"]

    def test_filters_work_together_and_over_pages(self, read):
        for number in range(4):
            make_customer(name=f"Acme {number}", status="active" if number % 2 else "inactive")
        page = read(LIST, q="acme", status="active", limit=1)
        assert names(page) == ["Acme 3"]
        page = read(LIST, q="acme", status="active", limit=1, after=page["next_cursor"])
        assert (names(page), page["has_more"]) == (["Acme 1"], False)


class TestParts:
    def test_addresses(self, read):
        customer = make_customer(external_id="acme/42")
        moment = datetime(2024, 8, 26, 12, 15, tzinfo=UTC)
        address = Address.objects.create(
            customer=customer,
            line1="123 Main St",
            country="US",
            created_at=moment,
            updated_at=moment,
            is_default=True,
        )
        assert read(f"{LIST}/acme%2F42/addresses") == {
            "data": [
                {
                    "id": address.pk,
                    "customer_id": customer.pk,
                    "description": None,
                    "line1": "123 Main St",
                    "line2": None,
                    "city": None,
                    "state": None,
                    "postal_code": None,
                    "country": "US",
                    "is_default": True,
                    "status": "active",
                    "created_at": "2024-08-26T12:15:00.000Z",
                    "updated_at": "2024-08-26T12:15:00.000Z",
                    "custom_data": None,
                }
            ],
            "has_more": False,
            "next_cursor": None,
        }

    def test_businesses(self, read):
        customer = make_customer()
        Business.objects.create(
            customer=customer, name="Doe Trading", contacts=[{"name": "Jane", "email": None}]
        )
        Business.objects.create(customer=customer, name="Old", status="archived", position=1)
        address = f"{LIST}/{customer.pk}/businesses"
        assert [each["name"] for each in read(address)["data"]] == ["Doe Trading", "Old"]
        (document,) = read(address, status="active")["data"]
        assert document["contacts"] == [{"name": "Jane", "email": None}]
        assert (document["tax_identifier"], document["customer_id"]) == (None, customer.pk)

    def test_payment_methods_by_type(self, read, refuse):
        customer = make_customer()
        card = PaymentMethod.objects.create(customer=customer, type="card", brand="Visa", last4="4242")
        PaymentMethod.objects.create(
            customer=customer, type="mobile_money", provider="Example Money", position=1
        )
        address = f"{LIST}/{customer.pk}/payment-methods"
        assert [each["type"] for each in read(address)["data"]] == ["card", "mobile_money"]
        (document,) = read(address, type="card")["data"]
        assert (document["id"], document["last4"]) == (card.public_id, "4242")
        assert document["id"].startswith("card_")
        assert "mobile_money" in refuse(400, address, type="cash")["message"]

    def test_the_environment_chooses_whose(self, read):
        make_customer(external_id="acme-42")
        sandbox = make_customer(external_id="acme-42", env="sandbox")
        Address.objects.create(customer=sandbox)
        assert read(f"{LIST}/acme-42/addresses")["data"] == []
        assert len(read(f"{LIST}/acme-42/addresses", env="sandbox")["data"]) == 1

    @pytest.mark.parametrize("part", ["addresses", "businesses", "payment-methods"])
    def test_queries_do_not_grow(self, api, part, django_assert_num_queries):
        customer = make_customer()
        for make in (make_address, make_business, make_payment_method):
            for number in range(30):
                make(customer=customer, position=number)
        # The token, the customer, its rows.
        for limit in (1, 30):
            with django_assert_num_queries(3):
                assert len(api.get(f"{LIST}/{customer.pk}/{part}", {"limit": limit}).json()["data"]) == limit
