"""What an import changes of a customer's own columns, before and after a merge."""

from __future__ import annotations

import json
from typing import Any

import pytest

from billing.document.importer import BillingImporter
from customers.models import Customer
from tests.customers.import_documents import customer_of, payment, row_counts, take, take_payments
from tests.merge_by_hand import merge_by_hand

pytestmark = pytest.mark.django_db


def take_billing(**payload: Any) -> None:
    reports = take(BillingImporter(), payload)
    assert [report.bad for report in reports if report.bad] == []


def two_merged() -> tuple[Customer, Customer]:
    """Payments knows p1 and p2, and p2 was merged into p1."""
    take_payments(payment(1, name="One", phone="+12025550101"), payment(2, name="Two", phone="+12025550102"))
    survivor, other = customer_of("payments", "p1"), customer_of("payments", "p2")
    merge_by_hand(survivor, other)
    return survivor, other


class TestOneCustomer:
    def test_what_was_decided_here_stays_while_no_source_changes_its_mind(self) -> None:
        take_payments(payment(1, name="Theirs"))
        Customer.objects.update(name="Decided")

        take_payments(payment(1, name="Theirs", phone="+12025550101"))

        assert Customer.objects.values_list("name", "phone").get() == ("Decided", "+12025550101")

    def test_who_is_not_right_changes_nothing(self) -> None:
        take_payments(payment(1, name="Acme", email="jo@example.com"))
        take_billing(id="b1", email="jo@example.com", name="ACME")
        Customer.objects.update(name="Decided")

        take_billing(id="b1", email="jo@example.com", name="ACME Ltd")

        assert Customer.objects.get().name == "Decided"

    def test_the_last_word_of_the_one_who_is_right_counts(self) -> None:
        take_payments(payment(1, name="P"))
        Customer.objects.update(name="Decided")

        take_payments(payment(1, name="P2"))

        assert Customer.objects.get().name == "P2"

    def test_a_value_of_another_kind_is_another_value(self) -> None:
        take_payments(payment(1, custom_data={"a": 1}))

        take_payments(payment(1, custom_data={"a": True}))

        assert json.dumps(Customer.objects.get().custom_data) == '{"a": true}'


class TestAfterAMerge:
    def test_an_old_id_updates_the_survivor_with_what_is_new_and_nothing_else(self) -> None:
        survivor, other = two_merged()

        take_payments(payment(2, name="Two", phone="+12025550199"))

        survivor.refresh_from_db()
        other.refresh_from_db()
        assert (survivor.name, survivor.phone, survivor.email) == ("One", "+12025550199", "c1@example.com")
        assert (other.name, other.phone) == ("Two", "+12025550102")

    def test_both_files_again_change_nothing(self) -> None:
        survivor, _ = two_merged()
        before, counts = Customer.objects.filter(pk=survivor.pk).values().get(), row_counts()

        take_payments(
            payment(2, name="Two", phone="+12025550102"), payment(1, name="One", phone="+12025550101")
        )

        assert Customer.objects.filter(pk=survivor.pk).values().get() == before
        assert row_counts() == counts

    def test_one_file_about_both_is_taken_in_order(self) -> None:
        survivor, _ = two_merged()

        take_payments(payment(1, name="One again"), payment(2, name="Two again"))
        survivor.refresh_from_db()
        assert survivor.name == "Two again"
        take_payments(payment(1, name="One at last"))
        survivor.refresh_from_db()
        assert survivor.name == "One at last"

    def test_a_pinned_field_stays(self) -> None:
        survivor, _ = two_merged()
        Customer.objects.filter(pk=survivor.pk).update(pinned_fields=["name"])

        take_payments(payment(2, name="New", phone="+12025550199"))

        survivor.refresh_from_db()
        assert (survivor.name, survivor.phone) == ("One", "+12025550199")

    def test_a_record_that_is_new_under_an_old_identifier_is_at_home_there(self) -> None:
        survivor, other = two_merged()

        take_billing(id="b2", email="c2@example.com", name="Two Ltd")

        record = survivor.source_records.get(source="billing")
        assert (record.came_with, record.customer) == (other, survivor)
        survivor.refresh_from_db()
        assert survivor.name == "One"


class TestIdentifiers:
    """Billing knows b1 and b2, with a Stripe id each; b2 was merged into b1."""

    @pytest.fixture
    def merged(self) -> tuple[Customer, Customer]:
        take_billing(id="b1", stripe_id="s1")
        take_billing(id="b2", stripe_id="s2")
        survivor, other = customer_of("billing", "b1"), customer_of("billing", "b2")
        merge_by_hand(survivor, other)
        return survivor, other

    def stripe_ids(self, merged: tuple[Customer, Customer]) -> list[str | None]:
        for customer in merged:
            customer.refresh_from_db()
        return [customer.stripe_id for customer in merged]

    def test_each_keeps_its_own(self, merged: tuple[Customer, Customer]) -> None:
        take_billing(id="b2", stripe_id="s3")
        assert self.stripe_ids(merged) == ["s1", "s3"]
        take_billing(id="b1", stripe_id="s4")
        assert self.stripe_ids(merged) == ["s4", "s3"]
        take_billing(id="b2", stripe_id=None)
        assert self.stripe_ids(merged) == ["s4", None]
        assert [customer.external_id for customer in merged] == ["b1", "b2"]

    def test_one_that_the_merge_gave_the_survivor_is_the_survivors(
        self, merged: tuple[Customer, Customer]
    ) -> None:
        Customer.objects.filter(pk=merged[1].pk).update(stripe_id=None)
        Customer.objects.filter(pk=merged[0].pk).update(stripe_id="s2")

        take_billing(id="b2", stripe_id="s3")

        assert self.stripe_ids(merged) == ["s3", None]

    def test_one_that_the_other_holds_already_stays_there(self, merged: tuple[Customer, Customer]) -> None:
        take_billing(id="b1", stripe_id="s2", name="One")

        assert self.stripe_ids(merged) == ["s1", "s2"]
        assert merged[0].name == "One"
