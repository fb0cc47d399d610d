"""The invented documents: the same every time, and of every kind that a person should see."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from billing.document.schema import parse_customer as parse_billing
from crm.demo.documents import demo_documents
from crm.document.schema import parse_customer as parse_crm
from customers.document.schema import parse_customer as parse_payments
from customers.ingest.reader import read_value

TODAY = datetime(2026, 1, 15, tzinfo=UTC)
PARSERS = {"payments": parse_payments, "billing": parse_billing, "crm": parse_crm}


def test_the_same_day_gives_the_same_documents():
    assert demo_documents(40, TODAY) == demo_documents(40, TODAY)


def test_more_customers_leave_the_first_ones_as_they_are():
    few, many = demo_documents(20, TODAY), demo_documents(40, TODAY)
    for source, documents in few.items():
        assert documents == many[source][: len(documents)]


@pytest.mark.parametrize("source", PARSERS)
def test_every_document_is_one_that_the_platform_could_send(source):
    for document in demo_documents(60, TODAY)[source]:
        PARSERS[source](read_value(json.dumps(document)))


def test_the_seeds_own_example_is_among_them():
    example = demo_documents(1, TODAY)["payments"]
    assert [(customer["id"], customer["name"]) for customer in example] == [
        ("cus_01h3vjs3b16yc3f9q8q9pfrb78", "Jane Doe")
    ]


def test_subscriptions_come_in_every_state():
    subscriptions = [
        each for customer in demo_documents(60, TODAY)["billing"] for each in customer["subscriptions"]
    ]
    assert {each["status"] for each in subscriptions} == {"active", "scheduled"}
    for sign in ("past_due", "canceled_at", "trial_ends_at", "add_on"):
        assert any(each[sign] for each in subscriptions), sign
    assert any(not customer["subscriptions"] for customer in demo_documents(60, TODAY)["billing"])


def test_balances_are_near_at_and_past_their_limit():
    used = set()
    for customer in demo_documents(60, TODAY)["billing"]:
        for balance in customer["balances"].values():
            if balance["granted"] and balance["feature_id"] == "api_calls":
                used.add(balance["usage"] / balance["granted"])
    assert any(0.8 <= share < 1 for share in used)
    assert 1 in used
    assert any(share > 1 for share in used)


def test_a_customer_has_one_currency():
    of_customer = [
        {invoice["currency"] for invoice in customer["invoices"]}
        for customer in demo_documents(300, TODAY)["billing"]
    ]
    assert all(len(currencies) <= 1 for currencies in of_customer)
    assert {"usd"} < set().union(*of_customer)
