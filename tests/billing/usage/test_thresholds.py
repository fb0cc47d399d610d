"""Overage that is billed as soon as so many units of it wait, in a batch of usages of several customers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Feature, Invoice
from billing.subscriptions import attach_plan
from billing.usage.deduct import UsageRequest
from billing.usage.record_many import record_usage_batch
from customers.models import Customer
from tests.billing.subscriptions.timeline import at, metered, plan_of
from tests.clocks import clock_at
from tests.factories import make_customer

pytestmark = pytest.mark.django_db

JAN_1, JAN_9 = at("2026-01-01T00:00"), at("2026-01-09T00:00")
IN_TWENTIES = {
    "included": 10,
    "billing_method": "usage_based",
    "price_amount": Decimal(1),
    "price_interval": "month",
    "billing_threshold": Decimal(20),
}


def subscribed(number: int, feature: Feature) -> list[Customer]:
    plan = plan_of("by_twenties", (feature, IN_TWENTIES), price_amount=Decimal(5), price_interval="month")
    customers = [make_customer() for _ in range(number)]
    for customer in customers:
        attach_plan(customer, plan, at=JAN_1, done_by="test")
    return customers


def test_a_batch_bills_those_who_reached_it():
    calls = metered("calls")
    with clock_at(JAN_9):
        far, near, beyond = subscribed(3, calls)
        record_usage_batch(
            [
                UsageRequest(
                    customer_id=str(customer.pk),
                    feature=calls,
                    amount=Decimal(amount),
                    at=JAN_9,
                    done_by="test",
                )
                # 10 are included: 19 wait for the end of the month, 20 reach the threshold, and of 55 only 40 do.
                for customer, amount in ((far, 29), (near, 25), (beyond, 65), (near, 5))
            ]
        )
    billed = Invoice.objects.filter(created_at=JAN_9).values_list("customer", "total")
    assert dict(billed) == {near.pk: 20_00, beyond.pk: 40_00}


def test_those_far_from_it_cost_no_queries():
    calls = metered("calls")

    def queries(customers: list[Customer], amount: int) -> int:
        requests = [
            UsageRequest(customer_id=str(each.pk), feature=calls, amount=Decimal(amount), done_by="test")
            for each in customers
        ]
        with CaptureQueriesContext(connection) as captured:
            record_usage_batch(requests)
        return len(captured)

    with clock_at(JAN_9):
        customers = subscribed(6, calls)
        # In overage, but not by 20.
        assert queries(customers[:2], 12) == queries(customers[2:], 12)
