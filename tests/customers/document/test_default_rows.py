"""Which address and which payment method is the default one after an import."""

import pytest

from customers.models import Address, Customer, PaymentMethod
from tests.customers.import_documents import exported, take_payments
from tests.customers.payloads import ID, TAIL, address, card, cities, take_one, whole
from tests.factories import make_address, make_payment_method
from tests.strategies_payments import POSTAL_KEYS, Json

pytestmark = pytest.mark.django_db


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
