"""Where each value comes from, of cases worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.document.importer import BillingImporter
from customers import pinned_fields
from customers.models import Customer, ReceivedPayload
from customers.provenance import FieldProvenance, ValueOrigin, provenance_of
from tests.customers.import_documents import customer_of, payment, take, take_payments
from tests.factories import claims, make_customer, make_source_record, make_user
from tests.merge_by_hand import merge_by_hand

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return make_user(first_name="Ada", last_name="Adeyemi")


@pytest.fixture
def customer() -> Customer:
    """Payments says name, e-mail and phone; billing another name, and a Stripe id."""
    take_payments(payment(1, name="Acme", phone="+12025550101"))
    take(BillingImporter(), {"id": "b1", "email": "c1@example.com", "name": "ACME", "stripe_id": "s1"})
    return Customer.objects.get()


def of(customer: Customer, name: str) -> FieldProvenance:
    customer.refresh_from_db()
    return next(field for field in provenance_of(customer) if field.name == name)


def edit(customer: Customer, by: User, **values: Any) -> None:
    """What the form does."""
    customer.refresh_from_db()
    for name, value in values.items():
        setattr(customer, name, value)
    customer.pin(values)
    customer._history_user = by  # type: ignore[attr-defined]
    customer.save()


def said(field: FieldProvenance) -> list[tuple[str, Any]]:
    return [(each.record.source_id, each.value) for each in field.others]


class TestOrigins:
    def test_a_source(self, customer: Customer) -> None:
        field = of(customer, "name")
        record = customer.source_records.get(source="payments")
        payload = ReceivedPayload.objects.get(record=record)

        assert field.claim is not None
        assert (field.origin, field.value, field.claim.record) == (ValueOrigin.SOURCE, "Acme", record)
        assert (field.at, field.claim.payload_id) == (payload.received_at, payload.pk)
        assert (said(field), field.is_pinned, field.news) == ([("b1", "ACME")], False, None)
        assert of(customer, "stripe_id").origin is ValueOrigin.SOURCE

    def test_since_the_first_payload_that_said_so(self, customer: Customer) -> None:
        first = ReceivedPayload.objects.get(record__source="payments")
        take_payments(payment(1, name="Acme", phone="+12025550102"))

        claim = of(customer, "name").claim
        assert claim is not None
        assert (claim.since, claim.payload_id) == (first.received_at, first.pk)
        assert of(customer, "phone").at != first.received_at

    def test_a_person(self, customer: Customer, ada: User) -> None:
        edit(customer, ada, name="Ours")
        edit(customer, ada, phone="1")

        field = of(customer, "name")
        change = customer.history.filter(name="Ours").earliest()
        assert (field.origin, field.by, field.at) == (ValueOrigin.PERSON, "Ada Adeyemi", change.history_date)
        assert (field.is_pinned, field.is_overruling) == (True, True)
        assert said(field) == [("p1", "Acme"), ("b1", "ACME")]

    def test_what_a_source_has_said_since_it_was_pinned(self, customer: Customer, ada: User) -> None:
        edit(customer, ada, name="Ours")
        assert of(customer, "name").news is None

        take_payments(payment(1, name="P2", phone="+12025550101"))

        news = of(customer, "name").news
        assert news is not None
        assert (news.record.source_id, news.value) == ("p1", "P2")
        assert customer.name == "Ours"

    def test_a_merge(self, customer: Customer, ada: User) -> None:
        customer._change_reason = "Merged with cus_x"  # type: ignore[attr-defined]
        edit(customer, ada, name="ACME")

        field = of(customer, "name")
        assert (field.origin, field.by, field.reason) == (
            ValueOrigin.MERGE,
            "Ada Adeyemi",
            "Merged with cus_x",
        )

    def test_an_import_whose_record_has_changed_its_mind(self, customer: Customer) -> None:
        record = customer.source_records.get(source="payments")
        record.claims = {}
        record.save()

        field = of(customer, "name")
        assert (field.origin, field.reason) == (ValueOrigin.IMPORT, "Imported from payments")

    def test_nobody_knows(self) -> None:
        customer = make_customer(name="Somebody")
        Customer.objects.update(name="Written past the history")

        field = of(customer, "name")
        assert (field.origin, field.at, field.claim) == (ValueOrigin.UNKNOWN, None, None)

    def test_records_of_merged_customers_speak_too(self, customer: Customer) -> None:
        take_payments(payment(2, name="Two"))
        other = customer_of("payments", "p2")
        merge_by_hand(customer, other)

        field = of(customer, "name")
        assert said(field) == [("p2", "Two"), ("b1", "ACME")]
        assert field.others[0].record.came_with == other

    def test_when_it_was_made_billing_is_heard_but_not_asked(self) -> None:
        made = datetime(2025, 1, 1, tzinfo=UTC)
        customer = make_customer()
        make_source_record(customer=customer, source="billing", claims=claims(created_at=made))

        field = of(customer, "created_at")
        assert [each.value for each in field.others] == [made]

    def test_the_number_of_queries_is_always_the_same(self, customer: Customer) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                provenance_of(customer)
            return len(captured)

        before = queries()
        for number in range(3):
            make_source_record(customer=customer, claims=claims(name=str(number), phone="1"))
            customer.save()
        assert queries() == before == 3


class TestDeciding:
    def test_hold_fast_and_let_go(self, customer: Customer, ada: User) -> None:
        pinned_fields.lock_field(str(customer.pk), "name", ada)
        take_payments(payment(1, name="P2", phone="+12025550101"))
        assert of(customer, "name").value == "Acme"

        pinned_fields.unlock_field(str(customer.pk), "name", ada)
        take_payments(payment(1, name="P3", phone="+12025550101"))
        assert of(customer, "name").value == "P3"
        assert customer.history.filter(history_change_reason=None).count() == 0

    def test_take_what_the_sources_say(self, customer: Customer, ada: User) -> None:
        edit(customer, ada, name="Ours")

        pinned_fields.take_from_sources(str(customer.pk), "name", ada)

        field = of(customer, "name")
        assert (field.value, field.is_pinned, field.origin, field.is_overruling) == (
            "Acme",
            False,
            ValueOrigin.SOURCE,
            False,
        )
        assert customer.history.first().history_user == ada

    def test_an_identifier_is_its_own_records(self, customer: Customer, ada: User) -> None:
        take(BillingImporter(), {"id": "b2", "stripe_id": "s2"})
        merge_by_hand(customer, customer_of("billing", "b2"))
        edit(customer, ada, stripe_id=None)

        pinned_fields.take_from_sources(str(customer.pk), "stripe_id", ada)

        assert of(customer, "stripe_id").value == "s1"

    @pytest.mark.parametrize(
        ("field", "told"), [("env", "never change"), ("fingerprint", "No source"), ("stripe_id", "Another")]
    )
    def test_what_cannot_be(self, customer: Customer, ada: User, field: str, told: str) -> None:
        edit(customer, ada, stripe_id=None)
        make_customer(stripe_id="s1")

        with pytest.raises(ValueError, match=told):
            pinned_fields.take_from_sources(str(customer.pk), field, ada)
        assert of(customer, "stripe_id").is_pinned

    def test_a_merged_customer_stays_as_it_was(self, customer: Customer, ada: User) -> None:
        other = make_customer(merged_into=customer)
        with pytest.raises(ValueError, match="was merged"):
            pinned_fields.lock_field(str(other.pk), "name", ada)
