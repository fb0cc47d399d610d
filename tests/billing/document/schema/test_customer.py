import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from msgspec import UNSET

from billing.document.schema import (
    EXPANDABLE,
    BillingCustomer,
    expanded,
    parse_customer,
    parse_feature,
    parse_plan,
)
from customers.json_types import json_schema
from tests.billing.payloads import (
    BALANCE,
    CUSTOMER,
    INVOICE,
    JANUARY,
    PLAN,
    ROW,
    SUBSCRIPTION,
    parsed,
    refused,
    sent,
    with_balance,
)
from tests.examples import examples
from tests.strategies_billing import as_read, customers
from tests.strategies_catalog import features, plans


def test_a_whole_document_comes_back_as_it_was_sent():
    customer, told = parse_customer(as_read(CUSTOMER))
    assert told == []
    assert sent(customer) == as_read(CUSTOMER)


def test_values_are_typed():
    customer = parsed(CUSTOMER)
    assert customer.created_at == datetime(2025, 1, 1, tzinfo=UTC)
    assert customer.invoices
    assert customer.invoices[0].total == Decimal("19.99")
    assert customer.invoices[0].currency.code == "USD"
    assert customer.subscriptions
    plan = customer.subscriptions[0].plan
    assert plan
    assert plan.items[0].price
    assert plan.items[0].price.tiers
    assert [tier.to for tier in plan.items[0].price.tiers] == [100, Decimal("Infinity")]
    assert customer.metadata == {"tier": "gold", "score": 1.5, "seats": 3}
    assert type(customer.metadata["score"]) is float


def test_filters_of_limits_and_alerts_can_be_stored_as_json():
    fraction = {"properties": {"weight": 1.5}}
    limit = {"feature_id": "calls", "limit": 5, "interval": "day", "filter": fraction}
    alert = {"threshold": 5, "threshold_type": "usage", "filter": fraction}
    sent_controls = {"usage_limits": [limit], "usage_alerts": [alert]}
    controls: Any = parsed({"id": "acme", "billing_controls": sent_controls}).billing_controls
    filters = [each.filter for each in (*controls.usage_limits, *controls.usage_alerts)]
    assert json.dumps(filters) == '[{"properties": {"weight": 1.5}}, {"properties": {"weight": 1.5}}]'


@settings(deadline=None, max_examples=examples(10))
@given(customers(complete=True))
def test_every_complete_document_comes_back_as_it_was_sent(payload):
    customer, told = parse_customer(as_read(payload))
    assert told == []
    assert sent(customer) == as_read(payload)


@settings(deadline=None, max_examples=examples(10))
@given(customers())
def test_what_is_rendered_parses_to_the_same(payload):
    customer, told = parse_customer(as_read(payload))
    assert told == []
    assert parse_customer(sent(customer)) == (customer, [])
    view = expanded(customer, EXPANDABLE)
    assert parse_customer(sent(view)) == (view, [])


@settings(deadline=None, max_examples=examples(10))
@given(features(complete=True), plans(complete=True))
def test_a_feature_and_a_plan_come_back_alone(feature, plan):
    assert sent(parse_feature(as_read(feature))) == as_read(feature)
    assert sent(parse_plan(as_read(plan))) == as_read(plan)


def test_what_is_absent_is_told_apart_from_what_is_empty():
    bare, empty = parsed({"id": "acme"}), parsed({"id": "acme", "subscriptions": [], "balances": {}})
    assert bare.subscriptions is UNSET
    assert bare.balances is UNSET
    assert bare.name is UNSET
    assert bare.rewards is UNSET
    assert empty.subscriptions == []
    assert empty.balances == {}
    assert parsed({"id": "acme", "rewards": None}).rewards is None


def test_the_seeds_own_document_needs_no_later_keys():
    without = {"billing_controls", "flags", "licenses", "invoices", "entities", "trials_used", "rewards"}
    customer = parsed({key: value for key, value in CUSTOMER.items() if key not in without})
    assert customer.flags is UNSET
    assert customer.billing_controls is UNSET
    assert customer.licenses is UNSET


def test_env_is_live_unless_said_otherwise():
    assert parsed({"id": "acme"}).env == "live"


def test_keys_that_may_be_null_are_sent_though_they_were_absent():
    subscription = {key: value for key, value in SUBSCRIPTION.items() if value is not None}
    assert sent(parsed({"id": "acme", "subscriptions": [subscription]}))["subscriptions"] == [SUBSCRIPTION]
    invoice = {key: value for key, value in INVOICE.items() if value is not None}
    assert sent(parsed({"id": "acme", "invoices": [invoice]}))["invoices"] == as_read([INVOICE])


def test_the_schema_requires_what_is_always_sent():
    _, components = json_schema([BillingCustomer], "#/components/schemas/{name}")
    always = (
        "id name email created_at fingerprint stripe_id env metadata send_email_receipts billing_controls "
        "subscriptions purchases licenses balances flags"
    )
    assert set(components["BillingCustomer"]["required"]) == set(always.split())
    assert set(components["Subscription"]["required"]) == set(SUBSCRIPTION)
    assert set(components["Balance"]["required"]) == set(BALANCE) - {"breakdown"}
    assert set(components["BreakdownRow"]["required"]) == set(ROW) - {"id"}
    assert set(components["Rollover"]["required"]) == {"granted", "balance", "expires_at"}
    assert set(components["Plan"]["required"]) == set(PLAN)
    assert set(components["Tier"]["required"]) == {"to", "amount"}
    assert set(components["BillingControls"]["required"]) == set()


@pytest.mark.parametrize(
    "payload",
    [
        {"id": "acme"},
        {"stripe_id": "cus_example"},
        {"email": "billing@acme.example.com"},
        {"name": "Acme Example", "created_at": JANUARY},
        {"id": None, "name": None, "email": None, "stripe_id": "cus_example"},
    ],
)
def test_one_identifier_is_enough(payload):
    assert parsed(payload)


@pytest.mark.parametrize(
    "payload",
    [{}, {"id": None}, {"name": "Acme Example"}, {"created_at": JANUARY}, {"name": "", "created_at": 0}],
)
def test_a_record_that_names_nobody_is_refused(payload):
    assert refused(payload) == (
        "$",
        "Expected an id, a stripe_id or an email, or a name with created_at, to identify the customer.",
    )


def test_an_empty_identifier_is_taken_as_none_and_remarked():
    customer, told = parse_customer({"id": "acme", "email": "", "stripe_id": ""})
    assert (customer.email, customer.stripe_id) == (None, None)
    assert [remark.path for remark in told] == ["$.email", "$.stripe_id"]
    assert told[0].text == "Imported as null, not as an empty text."


@pytest.mark.parametrize(("currency", "total"), [("JPY", 1200), ("kwd", 1.234), ("EUR", -5.5), ("uSd", 0)])
def test_a_total_may_have_the_digits_of_its_currency(currency, total):
    invoice = INVOICE | {"currency": currency, "total": total}
    assert sent(parsed({"id": "acme", "invoices": [invoice]}))["invoices"] == as_read([invoice])


def test_a_feature_id_comes_from_its_key():
    payload = with_balance()
    del payload["balances"]["api_calls"]["feature_id"]
    payload["flags"] = {"sso": {"id": "flag_1"}}
    customer = parsed(payload)
    assert customer.balances
    assert customer.flags
    assert customer.balances["api_calls"].feature_id == "api_calls"
    assert sent(customer)["flags"] == {
        "sso": {"id": "flag_1", "feature_id": "sso", "plan_id": None, "expires_at": None}
    }
