import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis.extra.django import TestCase

from customers.importing import Outcome
from customers.models import Address, Business, Customer, PaymentMethod
from customers.payments_import import PaymentsImporter
from customers.rendering import render_customers
from customers.typed_ids import to_uuid
from customers.wire import encode
from tests.customers.taking import exported, outcomes, row_counts, take, take_payments
from tests.factories import make_address, make_business, make_customer, make_payment_method
from tests.strategies_payments import POSTAL_KEYS, Json, files

pytestmark = pytest.mark.django_db

ID = "cus_01h3vjs3b16yc3f9q8q9pfrb78"
TAIL = "01h3vjs3b16yc3f9q8q9pfrb7"

SEED: Json = {
    "id": ID,
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
RECORD: Json = {
    "status": "active",
    "created_at": "2024-08-26T12:15:00.000Z",
    "updated_at": "2024-09-01T14:30:00.125Z",
    "custom_data": {"floor": 3},
}


def address(number: int, **changes: Any) -> Json:
    return {
        **dict.fromkeys(POSTAL_KEYS),
        "city": f"City {number}",
        "id": f"adr_{TAIL}{number}",
        "customer_id": ID,
        "description": None,
        "is_default": False,
        **RECORD,
        **changes,
    }


def business(number: int, **changes: Any) -> Json:
    return {
        "id": f"biz_{TAIL}{number}",
        "customer_id": ID,
        "name": f"Business {number}",
        "company_number": "HRB 12345",
        "tax_identifier": None,
        "contacts": [{"name": "Jo", "email": None}],
        **RECORD,
        **changes,
    }


def card(number: int, **changes: Any) -> Json:
    return {
        "id": f"card_{TAIL}{number}",
        "customer_id": ID,
        "type": "card",
        "brand": "visa",
        "last4": "0042",
        "exp_month": 12,
        "exp_year": 2030,
        "is_default": False,
        "status": "active",
        **changes,
    }


def postal(item: Json) -> Json:
    return {key: item[key] for key in POSTAL_KEYS}


def whole(addresses: Any = (), businesses: Any = (), payment_methods: Any = ()) -> Json:
    """A document as an export writes it, its defaults being those of its lists."""
    default = next((each for each in addresses if each["is_default"]), None)
    method = next((each for each in payment_methods if each["is_default"]), None)
    return {
        **SEED,
        "address": postal(default) if default else None,
        "payment_method": method["id"] if method else None,
        "addresses": list(addresses),
        "businesses": list(businesses),
        "payment_methods": list(payment_methods),
    }


def take_one(**changes: Any) -> Customer:
    take_payments({"id": ID, **changes})
    return Customer.objects.get(pk=ID)


def cities() -> list[tuple[str, bool]]:
    """The addresses: (city, whether it is the default one)."""
    return list(Address.objects.values_list("city", "is_default"))


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
    def test_one_that_is_not_ours_is_replaced(self) -> None:
        take_payments({"id": "p1", "addresses": [{"id": "a1", "city": "Arusha"}], "payment_method": "momo_x"})

        customer = Customer.objects.get()
        [sent] = exported(customer)["addresses"]
        assert to_uuid(customer.pk, ("cus",)) is not None
        assert to_uuid(sent["id"], ("adr",)) is not None
        assert sent["customer_id"] == customer.pk
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
        received = ("customers_sourcerecord", "customers_receivedpayload")
        assert {table: count for table, count in row_counts().items() if "historical" not in table} == {
            table: count + (table in received) for table, count in counts.items() if "historical" not in table
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


class TestDefaultAddress:
    def test_it_switches_within_the_list(self) -> None:
        take_payments(whole([address(1, is_default=True), address(2)]))

        payload = whole([address(1), address(2, is_default=True)])
        take_payments(payload)

        assert exported(Customer.objects.get()) == payload

    def test_it_switches_to_and_fro_for_many_customers_at_once(self) -> None:
        def payloads(default: int) -> list[Json]:
            return [
                {
                    "id": f"p{each}",
                    "addresses": [
                        {"id": f"a{n}", "city": str(n), "is_default": n == default} for n in range(3)
                    ],
                }
                for each in range(5)
            ]

        for default in (0, 2, 1):
            take_payments(*payloads(default))
            assert set(cities()) == {(str(n), n == default) for n in range(3)}

    def test_it_goes_with_the_address_that_leaves(self) -> None:
        take_payments(whole([address(1, is_default=True)]))

        take_payments(whole([address(2, is_default=True)]))

        assert cities() == [("City 2", True)]

    def test_an_address_alone_is_rewritten_by_the_next_one(self) -> None:
        take_one(address={"city": "A"})
        before = Address.objects.get().pk

        take_one(address={"city": "B"})

        assert cities() == [("B", True)]
        assert Address.objects.get().pk == before

    def test_an_address_alone_chooses_the_row_that_lies_there(self) -> None:
        take_payments(whole([address(1, is_default=True), address(2)]))

        take_one(address={"city": "City 2"})

        assert cities() == [("City 1", False), ("City 2", True)]

    def test_an_address_alone_does_not_rewrite_one_of_the_list(self) -> None:
        take_payments(whole([address(1, is_default=True)]))

        take_one(address={"city": "New"})

        assert cities() == [("City 1", False), ("New", True)]

    def test_an_address_alone_does_not_rewrite_what_a_person_added(self) -> None:
        customer = take_one()
        make_address(customer=customer, city="Ours", is_default=True)

        take_one(address={"city": "Theirs"})

        assert sorted(cities()) == [("Ours", False), ("Theirs", True)]
        ours = Address.objects.get(city="Ours")
        assert ours.history.first().history_change_reason == "Imported from payments"

    def test_null_unsets_it(self) -> None:
        take_payments(whole([address(1, is_default=True)]))

        take_one(address=None)

        assert cities() == [("City 1", False)]

    def test_the_lists_default_stands_against_another_address(self) -> None:
        [report] = take_payments({**whole([address(1, is_default=True)]), "address": {"city": "Other"}})

        assert cities() == [("City 1", True)]
        assert [remark.path for remark in report.remarks] == ["$.phone", "$.address"]

    def test_the_lists_default_stands_against_null(self) -> None:
        [report] = take_payments({**whole([address(1, is_default=True)]), "address": None})

        assert cities() == [("City 1", True)]
        assert [remark.path for remark in report.remarks] == ["$.phone", "$.address"]

    def test_a_list_without_a_default_takes_the_address_beside_it(self) -> None:
        take_payments({**whole([address(1), address(2)]), "address": {"city": "City 2"}})

        assert cities() == [("City 1", False), ("City 2", True)]

    def test_an_address_that_the_list_lacks_is_added_once(self) -> None:
        take_payments({**whole([address(1)]), "address": {"city": "Other"}})
        before = set(Address.objects.values_list("pk", flat=True))

        take_payments({**whole([address(1)]), "address": {"city": "Another"}})

        assert cities() == [("City 1", False), ("Another", True)]
        assert set(Address.objects.values_list("pk", flat=True)) == before

    def test_a_persons_default_stays_while_the_platform_names_none(self) -> None:
        customer = take_one(addresses=[address(1)])
        make_address(customer=customer, city="Ours", is_default=True, position=9)

        take_one(addresses=[address(1), address(2)])

        assert cities() == [("City 1", False), ("City 2", False), ("Ours", True)]

    def test_a_persons_default_gives_way_to_the_platforms(self) -> None:
        customer = take_one(addresses=[address(1)])
        make_address(customer=customer, city="Ours", is_default=True, position=9)

        take_one(addresses=[address(1, is_default=True)])

        assert cities() == [("City 1", True), ("Ours", False)]

    def test_an_address_with_only_city_and_country(self) -> None:
        [report] = take_payments({"id": ID, "address": {"city": "Arusha", "country": "Tanzania"}})

        assert exported(Customer.objects.get())["address"] == {
            **dict.fromkeys(POSTAL_KEYS),
            "city": "Arusha",
            "country": "TZ",
        }
        assert [remark.path for remark in report.remarks] == ["$.address.country"]


class TestDefaultMethod:
    def test_it_switches_within_the_list(self) -> None:
        take_payments(whole([], [], [card(1, is_default=True), card(2)]))

        payload = whole([], [], [card(1), card(2, is_default=True)])
        take_payments(payload)

        assert exported(Customer.objects.get()) == payload

    def test_an_id_alone_chooses_among_those_we_have(self) -> None:
        take_payments(whole([], [], [card(1, is_default=True), card(2)]))

        take_one(payment_method=f"card_{TAIL}2")

        assert exported(Customer.objects.get())["payment_methods"] == [card(1), card(2, is_default=True)]

    def test_an_unknown_id_becomes_a_method(self) -> None:
        take_one(payment_method=f"card_{TAIL}1")

        take_one(payment_method=f"bank_{TAIL}2")

        assert list(PaymentMethod.objects.values_list("type", "is_default")) == [
            ("card", False),
            ("bank_account", True),
        ]

    def test_a_list_completes_a_method_known_by_its_id(self) -> None:
        take_one(payment_method=f"card_{TAIL}1")

        payload = whole([], [], [card(1, is_default=True)])
        take_payments(payload)

        assert exported(Customer.objects.get()) == payload

    def test_null_unsets_it(self) -> None:
        take_payments(whole([], [], [card(1, is_default=True)]))

        take_one(payment_method=None)

        assert PaymentMethod.objects.get().is_default is False

    def test_what_a_person_added_stays(self) -> None:
        customer = take_one()
        make_payment_method(customer=customer, brand="Ours", is_default=True)

        take_one(payment_methods=[card(1)])
        assert set(PaymentMethod.objects.values_list("brand", "is_default")) == {
            ("visa", False),
            ("Ours", True),
        }

        take_one(payment_methods=[card(1, is_default=True)])
        assert set(PaymentMethod.objects.values_list("brand", "is_default")) == {
            ("visa", True),
            ("Ours", False),
        }

        take_one(payment_methods=[])
        assert PaymentMethod.objects.get().brand == "Ours"

    def test_one_without_a_telling_id(self) -> None:
        take_one(payment_method="x1")

        method = PaymentMethod.objects.get()
        assert (method.type, method.source_id) == ("", "x1")
        assert method.public_id.startswith("pm_")


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

    assert report.outcome is Outcome.UPDATED
    assert Customer.objects.get().name == "Jane Doe"


class TestRoundTrip(TestCase):
    @settings(max_examples=60, deadline=None)
    @given(files())
    def test_documents_come_back_equal(self, payloads: list[Json]) -> None:
        take_payments(*payloads)

        assert [exported(Customer.objects.get(pk=payload["id"])) for payload in payloads] == payloads
        assert set(outcomes(take_payments(*payloads))) <= {Outcome.UNCHANGED}

    @settings(max_examples=25, deadline=None)
    @given(files(max_size=6))
    def test_other_documents_of_the_same_customers_replace_them(self, payloads: list[Json]) -> None:
        half = len(payloads) // 2
        first = payloads[:half]
        second = [_as_of(old["id"], new) for old, new in zip(first, payloads[half:], strict=False)]
        take_payments(*first)

        take_payments(*second)

        assert [exported(Customer.objects.get(pk=payload["id"])) for payload in second] == second


def _as_of(customer_id: str, payload: Json) -> Json:
    lists = ("addresses", "businesses", "payment_methods")
    moved = {name: [{**item, "customer_id": customer_id} for item in payload[name]] for name in lists}
    return {**payload, **moved, "id": customer_id}
