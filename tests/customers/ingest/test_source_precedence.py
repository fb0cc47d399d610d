from datetime import UTC, datetime
from typing import Any

import pytest

from billing.document.importer import BillingImporter
from customers.document.importer import PaymentsImporter
from customers.ingest.importer import ImportOutcome
from customers.ingest.precedence import Statement, changed_columns, order_of
from customers.models import Customer
from tests.customers.import_documents import payment, take, take_payments

pytestmark = pytest.mark.django_db

CREATED, UPDATED, UNCHANGED, _, _, REFUSED = ImportOutcome


def verdict(name: str, claims: dict[str, list[dict[str, Any]]]) -> Any:
    """Who is right, of records that say so in the order in which they stand."""
    statements = [
        Statement(
            source, {each: {"value": value, "since": f"2026-01-{day:02}"} for each, value in said.items()}
        )
        for source, records in claims.items()
        for day, said in enumerate(records, 1)
    ]
    return changed_columns([], statements, [name]).get(name)


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
            ({"payments": [{"name": "P1"}, {"name": "P2"}]}, "P2"),
            ({"payments": [{"name": "P1"}, {"name": ""}]}, "P1"),
            ({"crm": [{"name": None}], "payments": [{"name": ""}]}, ""),
        ],
    )
    def test_the_first_source_that_says_something(self, claims: Any, winner: str | None) -> None:
        assert verdict("name", claims) == winner

    def test_the_order_is_a_setting(self, settings: Any) -> None:
        settings.SOURCE_PRECEDENCE_NAME = ("crm", "payments")
        settings.SOURCE_PRECEDENCE_EMAIL = ("payments",)

        claims = {"crm": [{"name": "C", "email": "c"}], "payments": [{"name": "P", "email": "p"}]}
        assert (verdict("name", claims), verdict("email", claims)) == ("C", "p")

    def test_when_a_customer_was_made_only_payments_says(self) -> None:
        moment = "2026-01-02T03:04:05+00:00"
        assert verdict("created_at", {"billing": [{"created_at": moment}]}) is None
        assert verdict("created_at", {"payments": [{"created_at": moment}]}) == datetime(
            2026, 1, 2, 3, 4, 5, tzinfo=UTC
        )

    @pytest.mark.parametrize("payments_first", [True, False])
    def test_payments_wins_over_billing_in_any_order(self, payments_first: bool) -> None:
        email = "jo@example.com"
        payments: Any = (PaymentsImporter(), {"id": "p", "email": email, "name": "Acme Ltd"})
        billing: Any = (BillingImporter(), {"id": "b", "email": email, "name": "ACME Limited"})

        for importer, payload in [payments, billing] if payments_first else [billing, payments]:
            take(importer, payload)

        assert Customer.objects.get().name == "Acme Ltd"

    def test_what_the_first_no_longer_says_the_second_does(self) -> None:
        take_payments({"id": "p", "email": "jo@example.com", "name": "Acme Ltd"})
        take(BillingImporter(), {"id": "b", "email": "jo@example.com", "name": "ACME Limited"})

        take_payments({"id": "p", "email": "jo@example.com", "name": None})

        assert Customer.objects.get().name == "ACME Limited"

    def test_what_is_not_mentioned_stays_claimed(self) -> None:
        take_payments({"id": "p", "email": "jo@example.com", "name": "Acme Ltd"})
        take(BillingImporter(), {"id": "b", "email": "jo@example.com", "name": "ACME Limited"})

        take_payments({"id": "p", "status": "inactive"})

        customer = Customer.objects.get()
        assert (customer.name, customer.email, customer.status) == (
            "Acme Ltd",
            "jo@example.com",
            "inactive",
        )

    def test_the_default_order(self) -> None:
        assert order_of("name") == ("payments", "billing", "crm")

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
