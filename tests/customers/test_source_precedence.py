from typing import Any

import pytest
from django.conf import settings as django_settings

from billing.importing import BillingImporter
from customers.importing import (
    Outcome,
    winning_claims,
)
from customers.models import Customer
from customers.payments_import import PaymentsImporter
from tests.customers.taking import payment, take, take_payments

pytestmark = pytest.mark.django_db

CREATED, UPDATED, UNCHANGED, REFUSED = Outcome


class TestWhoIsRight:
    @pytest.mark.parametrize(
        ("claims", "winner"),
        [
            ({}, None),
            ({"payments": [{}], "billing": [{}]}, None),
            ({"crm": [{"name": "C"}]}, "C"),
            ({"crm": [{"name": "C"}], "billing": [{"name": "B"}]}, "B"),
            ({"crm": [{"name": "C"}], "billing": [{"name": "B"}], "payments": [{"name": "P"}]}, "P"),
            ({"crm": [{"name": "C"}], "payments": [{"name": None}]}, "C"),
            ({"crm": [{"name": "C"}], "payments": [{"name": ""}, {"name": "P2"}]}, "P2"),
            ({"crm": [{"name": None}], "payments": [{"name": ""}]}, ""),
        ],
    )
    def test_the_first_source_that_says_something(self, claims: Any, winner: str | None) -> None:
        assert winning_claims(claims) == ({} if winner is None else {"name": winner})

    def test_the_order_is_a_setting(self, settings: Any) -> None:
        settings.SOURCE_PRECEDENCE = {"name": ["crm", "payments"], "email": ["payments"]}

        claims: dict[str, list[dict[str, str | None]]] = {
            "crm": [{"name": "C", "email": "c"}],
            "payments": [{"name": "P", "email": "p"}],
        }
        assert winning_claims(claims) == {"name": "C", "email": "p"}

    @pytest.mark.parametrize("payments_first", [True, False])
    def test_payments_wins_over_billing_in_any_order(self, payments_first: bool) -> None:
        email = "jo@example.com"
        payments: Any = (PaymentsImporter(), {"id": "p", "email": email, "name": "Of payments"})
        billing: Any = (BillingImporter(), {"id": "b", "email": email, "name": "Of billing"})

        for importer, payload in [payments, billing] if payments_first else [billing, payments]:
            take(importer, payload)

        assert Customer.objects.get().name == "Of payments"

    def test_what_the_first_no_longer_says_the_second_does(self) -> None:
        take_payments({"id": "p", "email": "jo@example.com", "name": "Of payments"})
        take(BillingImporter(), {"id": "b", "email": "jo@example.com", "name": "Of billing"})

        take_payments({"id": "p", "email": "jo@example.com", "name": None})

        assert Customer.objects.get().name == "Of billing"

    def test_what_is_not_mentioned_stays_claimed(self) -> None:
        take_payments({"id": "p", "email": "jo@example.com", "name": "Of payments"})
        take(BillingImporter(), {"id": "b", "email": "jo@example.com", "name": "Of billing"})

        take_payments({"id": "p", "status": "inactive"})

        customer = Customer.objects.get()
        assert (customer.name, customer.email, customer.status) == (
            "Of payments",
            "jo@example.com",
            "inactive",
        )

    def test_the_default_order(self) -> None:
        assert django_settings.SOURCE_PRECEDENCE["name"] == ["payments", "billing", "crm"]

    def test_what_a_person_pinned_stays(self) -> None:
        take_payments(payment(1, phone="+12025550123", custom_data={"a": 1}))
        customer = Customer.objects.get()
        customer.name, customer.phone, customer.pinned_fields = "Ours", "", ["name", "phone"]
        customer.save()

        take_payments(
            payment(1, name="Theirs", phone="+12025550124", custom_data={"a": 2}, email="n@example.com")
        )

        customer.refresh_from_db()
        assert (customer.name, customer.phone) == ("Ours", "")
        assert (customer.email, customer.custom_data) == ("n@example.com", {"a": 2})
