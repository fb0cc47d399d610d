import json
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.document.renderer import render_customers
from billing.document.schema import EXPANDABLE
from customers.models import Customer
from tests.billing.import_documents import BEFORE, exported, take, take_one
from tests.billing.payloads import CUSTOMER, FEATURE, JANUARY, PLAN, SUBSCRIPTION, sent
from tests.factories import make_customer, make_invoice, make_plan, make_plan_item, make_subscription
from tests.strategies_billing import as_read

pytestmark = pytest.mark.django_db


def view(*names, customer=None):
    [document] = render_customers([customer or Customer.objects.get()], frozenset(names), at=BEFORE)
    return sent(document)


def test_a_customer_that_billing_does_not_know_has_every_required_key():
    made = datetime(2025, 1, 1, tzinfo=UTC)
    customer = make_customer(name="", email="", created_at=made)
    assert view(customer=customer) == {
        "id": None,
        "name": None,
        "email": None,
        "created_at": JANUARY,
        "fingerprint": None,
        "stripe_id": None,
        "env": "live",
        "metadata": {},
        "send_email_receipts": False,
        "billing_controls": {
            "auto_topups": [],
            "spend_limits": [],
            "usage_limits": [],
            "usage_alerts": [],
            "overage_allowed": [],
        },
        "subscriptions": [],
        "purchases": [],
        "licenses": [],
        "balances": {},
        "flags": {},
    }


def test_the_account_says_when_the_customer_was_created():
    customer = make_customer(external_id="acme", created_at=datetime(2020, 1, 1, tzinfo=UTC))
    take_one(created_at=JANUARY)
    assert view(customer=customer)["created_at"] == JANUARY


def test_nothing_is_expanded_unasked():
    take(CUSTOMER)
    document = view()
    hidden = {"invoices", "entities", "trials_used", "rewards", "referrals", "payment_method"}
    assert set(document) == set(CUSTOMER) - hidden
    assert "plan" not in document["subscriptions"][0]
    assert "plan" not in document["purchases"][0]
    assert "feature" not in document["balances"]["api_calls"]
    assert "feature" not in document["flags"]["sso"]


@pytest.mark.parametrize("name", ["invoices", "entities", "trials_used", "rewards", "referrals"])
def test_a_list_is_there_when_it_is_asked_for(name):
    take(CUSTOMER)
    assert view(name) == {**view(), name: as_read(CUSTOMER[name])}


def with_everything_described():
    payload = {**CUSTOMER, "purchases": [{**CUSTOMER["purchases"][0], "plan": {**PLAN, "id": "boost"}}]}
    sso = {**FEATURE, "id": "sso", "type": "boolean"}
    return {**payload, "flags": {"sso": {**CUSTOMER["flags"]["sso"], "feature": sso}}}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("subscriptions.plan", "subscriptions"),
        ("purchases.plan", "purchases"),
        ("balances.feature", "balances"),
        ("flags.feature", "flags"),
    ],
)
def test_only_what_is_asked_for_is_expanded(name, key):
    take(with_everything_described())
    document, plain, whole = view(name), view(), exported()
    assert document == {**plain, key: whole[key]}
    assert whole[key] != plain[key]


def test_what_nobody_has_described_is_not_expanded():
    take(CUSTOMER)
    document = exported()
    assert "plan" not in document["purchases"][0]
    assert "feature" not in document["flags"]["sso"]


def test_customers_come_in_the_order_asked():
    customers = [make_customer(external_id=name) for name in ("b", "a", "c")]
    assert [document.id for document in render_customers(customers)] == ["b", "a", "c"]
    assert render_customers([]) == []


def test_ended_subscriptions_are_not_shown():
    customer = make_customer()
    for status in ("ended", "scheduled", "active"):
        make_subscription(customer=customer, subscription_id=status, status=status)
    shown = view(customer=customer)["subscriptions"]
    assert {(each["id"], each["status"]) for each in shown} == {
        ("scheduled", "scheduled"),
        ("active", "active"),
    }


def test_an_invoice_that_a_person_made_has_its_currency_in_small_letters():
    customer = make_customer()
    make_invoice(customer=customer, currency="KWD", currency_as_sent="", total=1500, stripe_id="in_1")
    [shown] = view("invoices", customer=customer)["invoices"]
    assert (shown["currency"], float(shown["total"])) == ("kwd", 1.5)


def test_a_plan_in_full():
    take_one(subscriptions=[{**SUBSCRIPTION, "plan": PLAN}])
    [shown] = view("subscriptions.plan")["subscriptions"]
    assert shown["plan"] == as_read(PLAN)


def test_a_plan_that_a_person_made_with_the_least_is_shown():
    plan = make_plan(plan_id="own", price_amount=5, price_interval="")
    make_plan_item(plan=plan, billing_method="prepaid", price_amount=1, price_interval="")
    customer = make_customer()
    make_subscription(customer=customer, plan=plan)
    [shown] = view("subscriptions.plan", customer=customer)["subscriptions"]
    assert shown["plan"]["price"] == {"amount": 5, "interval": "one_off"}
    price = shown["plan"]["items"][0]["price"]
    assert (price["interval"], price["billing_units"], price["billing_method"]) == ("one_off", 1, "prepaid")


@pytest.mark.parametrize("names", [frozenset(), EXPANDABLE])
def test_twenty_customers_take_as_many_queries_as_one(names):
    def document(number):
        text = json.dumps(CUSTOMER).replace("acme", f"acme-{number}").replace('"sso"', f'"sso-{number}"')
        payload = json.loads(text.replace('"boost"', f'"boost-{number}"'))
        return {**payload, "stripe_id": f"cus_{number}"}

    take(*(document(number) for number in range(20)))
    customers = list(Customer.objects.all())
    counts = []
    for some in (customers[:1], customers):
        with CaptureQueriesContext(connection) as queries:
            assert len(render_customers(some, names)) == len(some)
        counts.append(len(queries))
    assert counts[0] == counts[1]
