import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis.extra.django import TestCase

from customers.document.importer import PaymentsImporter
from customers.document.renderer import render_customers
from customers.ingest.importer import ImportOutcome
from customers.json_types import encode
from customers.models import Address, Business, Customer, PaymentMethod
from customers.typed_ids import to_uuid
from tests.customers.import_documents import exported, outcomes, row_counts, take, take_payments
from tests.customers.payloads import ID, SEED, TAIL, address, business, card, cities, take_one, whole
from tests.examples import examples
from tests.factories import make_address, make_business, make_customer, make_payment_method
from tests.strategies_payments import Json, files

pytestmark = pytest.mark.django_db


def test_the_seeds_example_comes_back_equal() -> None:
    take_payments(SEED)

    [document] = render_customers([Customer.objects.get()])
    assert json.loads(encode(document)) == SEED


def test_the_seeds_example_has_its_rows() -> None:
    take_payments(SEED)

    customer = Customer.objects.get()
    method = PaymentMethod.objects.get()
    assert (customer.pk, customer.env, customer.external_id) == (ID, "live", None)
    assert customer.created_at == datetime(2024, 8, 26, 12, 15, tzinfo=UTC)
    assert customer.updated_at == datetime(2024, 9, 1, 14, 30, tzinfo=UTC)
    assert (method.public_id, method.type, method.is_default) == (
        "momo_01h3vjs3b16yc3f9q8q9pfrb78",
        "mobile_money",
        True,
    )
    assert cities() == [("Springfield", True)]
    assert Address.objects.get().created_at == customer.created_at


def test_lists_come_back_equal_with_their_ids() -> None:
    payload = whole(
        [address(1), address(2, is_default=True, description="Office")],
        [business(1), business(2, contacts=[], status="inactive")],
        [
            card(1),
            {
                "id": f"bank_{TAIL}2",
                "customer_id": ID,
                "type": "bank_account",
                "bank_name": "Example Bank",
                "last4": None,
                "country": "TZ",
                "is_default": True,
                "status": "archived",
            },
        ],
    )

    take_payments(payload)

    assert exported(Customer.objects.get()) == payload


class TestIds:
    def test_one_that_is_not_ours_comes_back_in_the_records_own_document_alone(self) -> None:
        take_payments({"id": "p1", "addresses": [{"id": "a1", "city": "Arusha"}], "payment_method": "momo_x"})

        customer = Customer.objects.get()
        own = exported(customer)
        assert (own["id"], own["payment_method"]) == ("p1", "momo_x")
        assert [(each["id"], each["customer_id"]) for each in own["addresses"]] == [("a1", "p1")]
        [view] = render_customers([customer])
        assert view.id == customer.pk
        assert to_uuid(customer.pk, ("cus",)) is not None
        assert to_uuid(str(view.payment_method), ("momo",)) is not None
        assert PaymentMethod.objects.get().type == "mobile_money"

    def test_one_that_somebody_has_is_replaced(self) -> None:
        other = make_address(id=f"adr_{TAIL}1")

        take_one(addresses=[address(1)])

        ours = Address.objects.get(customer__pk=ID)
        assert ours.pk != other.pk
        other.refresh_from_db()
        assert other.city == "Arusha"

    def test_two_customers_of_one_batch_with_one_id(self) -> None:
        take_payments({"id": "p1", "addresses": [address(1)]}, {"id": "p2", "addresses": [address(1)]})

        assert Address.objects.values("customer").distinct().count() == 2
        assert Address.objects.filter(pk=f"adr_{TAIL}1").count() == 1

    def test_they_stay_when_the_list_changes(self) -> None:
        take_one(addresses=[{"id": "a1", "city": "A"}, {"id": "a2", "city": "B"}])
        before = dict(Address.objects.values_list("source_id", "pk"))

        take_one(addresses=[{"id": "a2", "city": "C"}, {"id": "a1", "city": "D"}])

        assert dict(Address.objects.values_list("source_id", "pk")) == before
        assert cities() == [("C", False), ("D", False)]

    def test_items_without_one_are_known_by_their_place(self) -> None:
        take_one(businesses=[{"name": "A"}, {"name": "B"}])
        before = list(Business.objects.values_list("pk", flat=True))

        take_one(businesses=[{"name": "C"}, {"name": "B"}])

        assert list(Business.objects.values_list("pk", flat=True)) == before
        assert list(Business.objects.values_list("name", flat=True)) == ["C", "B"]

    def test_an_export_comes_in_again_without_a_new_row(self) -> None:
        take_payments(
            {
                "id": "p1",
                "address": {"city": "Arusha"},
                "payment_method": "momo_x",
                "businesses": [{"name": "A"}],
            }
        )
        customer = Customer.objects.get()
        make_address(customer=customer, city="Ours")
        make_payment_method(customer=customer)
        before = exported(customer)
        counts = row_counts()

        take_payments(before)

        assert exported(customer) == before
        received = "customers_receivedpayload"
        assert {table: count for table, count in row_counts().items() if "historical" not in table} == {
            table: count + (table == received) for table, count in counts.items() if "historical" not in table
        }

    def test_what_a_person_added_stays_theirs_after_an_export_came_in(self) -> None:
        customer = take_one()
        mine = make_address(customer=customer, city="Ours")
        take_payments(exported(customer))

        take_one(addresses=[])

        assert Address.objects.get() == mine


class TestAbsentNullEmpty:
    def test_what_is_absent_stays(self) -> None:
        payload = whole([address(1, is_default=True)], [business(1)], [card(1, is_default=True)])
        take_payments(payload)

        take_one(status="inactive")

        assert exported(Customer.objects.get()) == {**payload, "status": "inactive"}

    def test_what_is_null_is_emptied(self) -> None:
        take_payments(whole([address(1, is_default=True)], [business(1)], [card(1, is_default=True)]))

        take_payments({**dict.fromkeys(whole()), "id": ID, "email": "x@example.com"})

        assert exported(Customer.objects.get()) == {
            **whole(),
            **dict.fromkeys(("name", "phone", "custom_data")),
            "email": "x@example.com",
        }

    def test_an_empty_list_empties_it(self) -> None:
        take_payments(whole([address(1)], [business(1)], [card(1)]))

        take_one(addresses=[], businesses=[])

        assert not Address.objects.exists()
        assert not Business.objects.exists()
        assert PaymentMethod.objects.count() == 1

    def test_the_times_stay_when_they_are_null_or_absent(self) -> None:
        take_payments(SEED)

        take_one(created_at=None, name="New")

        assert Customer.objects.get().created_at == datetime(2024, 8, 26, 12, 15, tzinfo=UTC)

    def test_a_list_item_is_replaced_as_a_whole(self) -> None:
        take_one(payment_methods=[card(1)])

        take_one(payment_methods=[{"id": f"card_{TAIL}1", "last4": "0043"}])

        method = PaymentMethod.objects.get()
        assert (method.type, method.brand, method.last4, method.exp_year) == ("card", "", "0043", None)

    def test_what_did_not_change_writes_no_history(self) -> None:
        take_payments(
            whole([address(1, is_default=True), address(2)], [business(1)], [card(1, is_default=True)])
        )
        before = row_counts()

        take_one(unknown="x")

        after = row_counts()
        assert after.pop("customers_receivedpayload") == before.pop("customers_receivedpayload") + 1
        assert after == before


def test_a_business_that_a_person_added_stays() -> None:
    customer = take_one(businesses=[business(1)])
    make_business(customer=customer, name="Ours")

    take_one(businesses=[])

    assert Business.objects.get().name == "Ours"


def test_a_payment_method_that_leaves_is_remembered_in_the_history() -> None:
    take_one(payment_methods=[card(1)])

    take_one(payment_methods=[])

    assert PaymentMethod.history.filter(history_type="-").count() == 1


def test_the_platforms_times_of_an_item_are_the_customers_where_it_has_none() -> None:
    take_payments({**SEED, "addresses": [{"city": "Arusha"}]})

    assert Address.objects.get(city="Arusha").created_at == datetime(2024, 8, 26, 12, 15, tzinfo=UTC)


def test_two_new_customers_of_one_email_in_one_file_stay_two() -> None:
    take_payments({"id": "p1", "email": "jo@example.com"}, {"id": "p2", "email": "jo@example.com"})

    assert Customer.objects.count() == 2


def test_a_customer_of_ours_takes_the_platforms_document() -> None:
    make_customer(id=ID, name="Old")

    [report] = take(PaymentsImporter(), SEED)

    assert report.outcome is ImportOutcome.UPDATED
    assert Customer.objects.get().name == "Jane Doe"


class TestRoundTrip(TestCase):
    @settings(max_examples=examples(8), deadline=None)
    @given(files())
    def test_documents_come_back_equal(self, payloads: list[Json]) -> None:
        take_payments(*payloads)

        assert [exported(Customer.objects.get(pk=payload["id"])) for payload in payloads] == payloads
        assert set(outcomes(take_payments(*payloads))) <= {ImportOutcome.UNCHANGED}

    @settings(max_examples=examples(5), deadline=None)
    @given(files(max_size=6))
    def test_other_documents_of_the_same_customers_replace_them(self, payloads: list[Json]) -> None:
        half = len(payloads) // 2
        first = payloads[:half]
        second = [_as_of(old["id"], new) for old, new in zip(first, payloads[half:], strict=False)]
        take_payments(*first)

        take(PaymentsImporter(), *second, allow_older=True)

        assert [exported(Customer.objects.get(pk=payload["id"])) for payload in second] == second


def _as_of(customer_id: str, payload: Json) -> Json:
    lists = ("addresses", "businesses", "payment_methods")
    moved = {name: [{**item, "customer_id": customer_id} for item in payload[name]] for name in lists}
    return {**payload, **moved, "id": customer_id}
