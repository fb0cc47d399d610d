from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing.models import Flag, License, Plan, Purchase, Subscription
from billing.revenue.monthly import revenue_of
from customers import clock
from tests.billing.import_documents import exported, only, row_counts, take_one
from tests.billing.payloads import FEBRUARY, INVOICE, JANUARY, MARCH, PLAN, SUBSCRIPTION
from tests.factories import make_plan, make_subscription

pytestmark = pytest.mark.django_db

FIRST_OF_JANUARY = datetime(2025, 1, 1, tzinfo=UTC)
FIRST_OF_FEBRUARY = datetime(2025, 2, 1, tzinfo=UTC)
FIRST_OF_MARCH = datetime(2025, 3, 1, tzinfo=UTC)
PURCHASE = {"plan_id": "boost", "started_at": JANUARY, "expires_at": None, "quantity": 2}
LICENSE = {
    "license_plan_id": "seat",
    "parent_plan_id": "pro",
    "license_plan_name": "Seat",
    "granted": 5,
    "usage": 2,
    "remaining": 3,
    "paid_quantity": 4,
}


class TestSubscriptions:
    def test_every_field_has_its_column(self):
        take_one(
            subscriptions=[
                {
                    "id": "sub_1",
                    "plan_id": "pro",
                    "auto_enable": True,
                    "add_on": True,
                    "status": "active",
                    "past_due": True,
                    "canceled_at": FEBRUARY,
                    "expires_at": MARCH,
                    "trial_ends_at": FEBRUARY + 1,
                    "started_at": JANUARY,
                    "current_period_start": FEBRUARY,
                    "current_period_end": MARCH,
                    "quantity": 2.5,
                }
            ]
        )
        row = only(Subscription)
        assert (row.subscription_id, row.plan.plan_id, row.status) == ("sub_1", "pro", "active")
        assert (row.auto_enable, row.add_on, row.past_due) == (True, True, True)
        assert row.canceled_at == FIRST_OF_FEBRUARY
        assert row.expires_at == FIRST_OF_MARCH
        assert row.trial_ends_at == datetime(2025, 2, 1, 0, 0, 0, 1000, tzinfo=UTC)
        assert row.started_at == FIRST_OF_JANUARY
        assert row.current_period_start == FIRST_OF_FEBRUARY
        assert row.current_period_end == FIRST_OF_MARCH
        assert row.quantity == Decimal("2.5")
        assert row.imported is True

    def test_one_that_disappears_has_ended_and_one_that_reappears_runs_again(self):
        take_one(subscriptions=[SUBSCRIPTION, {**SUBSCRIPTION, "id": "sub_2"}])
        before = clock.now()
        take_one(subscriptions=[SUBSCRIPTION])
        gone = only(Subscription, subscription_id="sub_2")
        assert gone.status == "ended"
        assert before <= gone.expires_at <= clock.now()
        assert [each["id"] for each in exported()["subscriptions"]] == ["sub_1"]
        take_one(subscriptions=[{**SUBSCRIPTION, "id": "sub_2"}, SUBSCRIPTION])
        assert [each["id"] for each in exported()["subscriptions"]] == ["sub_2", "sub_1"]
        back = only(Subscription, subscription_id="sub_2")
        assert (back.pk, back.status, back.expires_at) == (gone.pk, "active", None)
        assert [past.status for past in back.history.order_by("history_date")] == [
            "active",
            "ended",
            "active",
        ]
        assert back.history.first().history_change_reason == "Imported from billing"

    def test_one_that_was_to_end_keeps_its_end(self):
        take_one(subscriptions=[{**SUBSCRIPTION, "canceled_at": JANUARY, "expires_at": FEBRUARY}])
        take_one(subscriptions=[])
        assert only(Subscription).expires_at == FIRST_OF_FEBRUARY

    def test_one_that_has_ended_is_not_ended_again(self):
        take_one(subscriptions=[SUBSCRIPTION])
        take_one(subscriptions=[], name="A")
        before = row_counts()
        take_one(subscriptions=[], name="A", metadata={})
        assert row_counts() == before

    def test_one_that_a_person_added_is_left_alone(self):
        customer = take_one()
        make_subscription(customer=customer, subscription_id="ours", plan=make_plan(plan_id="own"))
        take_one(subscriptions=[SUBSCRIPTION])
        assert only(Subscription, subscription_id="ours").status == "active"

    def test_a_customer_stays_on_its_version(self):
        take_one(subscriptions=[{**SUBSCRIPTION, "plan": {**PLAN, "version": 1}}])
        make_plan(plan_id="pro", version=3)
        take_one(subscriptions=[{**SUBSCRIPTION, "quantity": 2}])
        row = only(Subscription)
        assert (row.plan.version, row.quantity) == (1, 2)

    def test_a_plan_that_is_only_named_is_its_latest_version(self):
        make_plan(plan_id="pro", version=1)
        make_plan(plan_id="pro", version=2)
        make_plan(plan_id="pro", version=9, env="sandbox")
        take_one(subscriptions=[SUBSCRIPTION])
        plan = only(Subscription).plan
        assert (plan.env, plan.version) == ("live", 2)

    def test_what_else_names_the_plan_means_the_version_the_customer_is_on(self):
        make_plan(plan_id="pro", version=7)
        flags = {"sso": {"id": "flag_1", "plan_id": "pro", "expires_at": None}}
        take_one(subscriptions=[{**SUBSCRIPTION, "plan": {**PLAN, "version": 1}}], flags=flags)
        assert only(Flag).plan.version == 1
        assert Plan.objects.count() == 2


class TestPurchases:
    def test_every_field_has_its_column(self):
        take_one(purchases=[{**PURCHASE, "expires_at": MARCH}])
        row = only(Purchase)
        assert (row.plan.plan_id, row.started_at) == ("boost", FIRST_OF_JANUARY)
        assert (row.expires_at, row.quantity, row.imported) == (FIRST_OF_MARCH, 2, True)

    def test_equal_ones_are_told_apart(self):
        take_one(purchases=[PURCHASE, PURCHASE])
        kept, _ = Purchase.objects.all()
        assert [each["quantity"] for each in exported()["purchases"]] == [2, 2]
        take_one(purchases=[{**PURCHASE, "quantity": 3}])
        assert [each["quantity"] for each in exported()["purchases"]] == [3]
        assert only(Purchase, removed_at=None).pk == kept.pk

    def test_one_that_disappears_is_removed_and_comes_back(self):
        take_one(purchases=[PURCHASE])
        take_one(purchases=[])
        row = only(Purchase)
        assert row.removed_at is not None
        assert exported()["purchases"] == []
        take_one(purchases=[PURCHASE], name="A")
        assert only(Purchase).pk == row.pk
        assert len(exported()["purchases"]) == 1
        assert row.history.count() == 3


class TestLicenses:
    def test_every_field_has_its_column(self):
        take_one(licenses=[LICENSE])
        row = only(License)
        assert (row.license_plan.plan_id, row.parent_plan.plan_id) == ("seat", "pro")
        assert row.license_plan_name == "Seat"
        assert (row.granted, row.usage, row.remaining, row.paid_quantity) == (5, 2, 3, 4)

    def test_they_follow_the_list(self):
        take_one(licenses=[LICENSE, {**LICENSE, "license_plan_id": "desk"}])
        kept = only(License, license_plan__plan_id="desk")
        take_one(licenses=[{**LICENSE, "license_plan_id": "desk", "usage": 3, "remaining": 2}])
        row = only(License)
        assert (row.pk, row.usage, row.position) == (kept.pk, 3, 0)


def test_the_currency_is_that_of_the_latest_invoice_if_the_plan_is_sold_in_it():
    price = {**PLAN["price"], "additional_currencies": [{"currency": "eur", "amount": 18}]}
    plan = {**PLAN, "items": [], "price": price}
    invoices = [
        {**INVOICE, "stripe_id": "in_1", "created_at": JANUARY, "currency": "usd"},
        {**INVOICE, "stripe_id": "in_2", "created_at": JANUARY + 1, "currency": "eur"},
    ]
    customer = take_one(subscriptions=[{**SUBSCRIPTION, "plan": plan}], invoices=invoices)
    assert exported(customer)["subscriptions"][0]["plan"]["price"] == price
    assert only(Subscription).currency == "EUR"
    assert revenue_of([customer.pk])[customer.pk]["EUR"].mrr == 1800
    invoices.append({**INVOICE, "stripe_id": "in_3", "created_at": JANUARY + 2, "currency": "gbp"})
    take_one(invoices=invoices)
    assert only(Subscription).currency == "EUR"
