"""What of a billing document is left out or left empty, and what is read although it came in another way."""

import json

import pytest
from msgspec import UNSET

from billing.document.schema import BillingCustomer, parse_customer
from customers.json_types import RemarkKind, encode, within
from customers.json_types.keys import with_keys
from tests.billing.payloads import (
    BALANCE,
    CUSTOMER,
    FEATURE,
    JANUARY,
    PLAN,
    SUBSCRIPTION,
    changed,
    parsed,
    remarks,
    sent,
    with_balance,
)
from tests.strategies_billing import as_read


def value_at(document, steps):
    place = sent(document)
    for step in steps:
        place = place.get(step) if isinstance(place, dict) else dict(enumerate(place)).get(step)
        if place is None:
            return None
    return place


@pytest.mark.parametrize(
    ("steps", "value", "empty"),
    [
        (
            ("balances", "api_calls", "feature", "type"),
            "ai_credit_system",
            ("balances", "api_calls", "feature"),
        ),
        (("balances", "api_calls", "breakdown", 0, "reset", "interval"), "fortnight", None),
        (("rewards", "discounts", 0, "type"), "gift", None),
        (("rewards", "discounts", 0, "currency"), "dollars", None),
        (("licenses", 0, "granted"), -0.5, None),
        (("billing_controls", "auto_topups", 0, "quantity"), -1, None),
        (("billing_controls", "auto_topups", 0, "purchase_limit", "interval_count"), 0, None),
        (
            ("subscriptions", 0, "plan", "items", 0, "price", "billing_units"),
            0,
            ("subscriptions", 0, "plan"),
        ),
        (("subscriptions", 0, "plan", "price", "interval_count"), 1.5, ("subscriptions", 0, "plan")),
        (
            ("subscriptions", 0, "plan", "items", 0, "price", "tiers", 1, "to"),
            100,
            ("subscriptions", 0, "plan"),
        ),
        (("invoices", 0, "hosted_invoice_url"), "javascript:alert(1)", ("invoices", 0, "hosted_invoice_url")),
        (("subscriptions", 0, "canceled_at"), "", ("subscriptions", 0, "canceled_at")),
        (("send_email_receipts",), "maybe", None),
        (("created_at",), "2025-02-30", None),
        (("created_at",), 10**14, None),
    ],
)
def test_what_cannot_be_read_costs_its_field_or_its_object(steps, value, empty):
    payload = changed(CUSTOMER, *steps, to=value)
    (remark, *_) = remarks(payload)
    assert remark.path == within("$", *steps)
    assert remark.kind in (RemarkKind.UNREADABLE, RemarkKind.UNKNOWN_WORD)
    assert value_at(parsed(payload), empty or steps) is None
    assert parsed(payload).email == CUSTOMER["email"]


@pytest.mark.parametrize(
    ("name", "items"),
    [
        ("subscriptions", [SUBSCRIPTION | {"id": "sub_2", "status": "paused"}, SUBSCRIPTION]),
        ("subscriptions", [SUBSCRIPTION | {"id": "sub_2", "expires_at": JANUARY - 1}, SUBSCRIPTION]),
        ("subscriptions", [SUBSCRIPTION | {"id": []}, SUBSCRIPTION]),
        ("purchases", [CUSTOMER["purchases"][0] | {"expires_at": JANUARY - 1}, CUSTOMER["purchases"][0]]),
        ("purchases", [None, CUSTOMER["purchases"][0]]),
    ],
)
def test_an_item_that_cannot_be_understood_is_left_out(name, items):
    payload = {"id": "a", name: items}
    assert sent(parsed(payload))[name] == [items[1]]
    (remark,) = remarks(payload)
    assert remark.path.startswith(f"$.{name}[0]")
    assert remark.text.endswith("left out.")


def test_an_alert_of_an_unknown_kind_is_left_out():
    known = {"feature_id": "a", "threshold": 90, "threshold_type": "usage_percentage"}
    alerts = [known | {"threshold_type": "tomorrow"}, known]
    payload = {"id": "a", "billing_controls": {"usage_alerts": alerts}}
    assert sent(parsed(payload))["billing_controls"] == {"usage_alerts": [known]}
    (remark,) = remarks(payload)
    assert remark.kind == RemarkKind.UNKNOWN_WORD
    assert remark.text == (
        "'tomorrow' is not one of remaining, remaining_percentage, usage, usage_percentage. $.billing_controls.usage_alerts[0] was left out."
    )


@pytest.mark.parametrize(
    ("payload", "path", "text"),
    [
        (
            with_balance(feature_id="other"),
            "$.balances.api_calls.feature_id",
            "Expected 'api_calls', the key of this object, got 'other'. The key was used.",
        ),
        (
            with_balance(feature=FEATURE | {"id": "x"}),
            "$.balances.api_calls.feature.id",
            "Expected 'api_calls', the ID of what contains it, got 'x'. $.balances.api_calls.feature was left empty.",
        ),
        (
            {"id": "a", "subscriptions": [SUBSCRIPTION | {"plan_id": "basic", "plan": PLAN}]},
            "$.subscriptions[0].plan.id",
            "Expected 'basic', the ID of what contains it, got 'pro'. $.subscriptions[0].plan was left empty.",
        ),
        (
            {"id": "a", "subscriptions": [SUBSCRIPTION | {"current_period_end": JANUARY}]},
            "$.subscriptions[0].current_period_end",
            "The period ends before it starts. The end was left empty.",
        ),
        (
            {
                "id": "a",
                "balances": {
                    "x": BALANCE
                    | {"feature_id": "x", "rollovers": [{"granted": 5, "balance": 6, "expires_at": 0}]}
                },
            },
            "$.balances.x.rollovers[0].granted",
            "Expected at least the balance 6, got 5. The balance was taken instead.",
        ),
    ],
)
def test_what_contradicts_itself_is_dropped(payload, path, text):
    assert (path, text) in [(remark.path, remark.text) for remark in remarks(payload)]


@pytest.mark.parametrize(
    ("steps", "value", "expected"),
    [
        (("created_at",), 1_700_000_000, 1_700_000_000_000),
        (("created_at",), "1700000000000", 1_700_000_000_000),
        (("created_at",), "2023-11-14T22:13:20Z", 1_700_000_000_000),
        (("created_at",), "2023-11-14 22:13:20 UTC", 1_700_000_000_000),
        (("created_at",), "/Date(1700000000000+0200)/", 1_700_000_000_000),
        (("created_at",), 1_700_000_000_000_000, 1_700_000_000_000),
        (("created_at",), "1700000000000000", 1_700_000_000_000),
        (("balances", "api_calls", "rollovers", 0, "expires_at"), 1_700_000_000, 1_700_000_000_000),
        (("metadata",), [], {}),
        (("flags",), [], {}),
        (("purchases",), {}, []),
        (("invoices", 0, "total"), "19.99", 19.99),
        (("subscriptions", 0, "quantity"), "2", 2),
        (("subscriptions", 0, "plan", "price", "interval"), "Semi-Annual", "semi_annual"),
        (("id",), 1001, "1001"),
        (("env",), "Live", "live"),
        (("send_email_receipts",), "false", False),
    ],
)
def test_what_can_only_mean_one_thing_is_read(steps, value, expected):
    payload = changed(CUSTOMER, *steps, to=value)
    assert value_at(parsed(payload), steps) == as_read(expected)
    assert (within("$", *steps), RemarkKind.CONVERTED) in [
        (each.path, each.kind) for each in remarks(payload)
    ]


@pytest.mark.parametrize("never", [0, 0.0])
def test_a_rollover_may_never_expire(never):
    payload = changed(CUSTOMER, "balances", "api_calls", "rollovers", 0, "expires_at", to=never)
    customer = parsed(payload)
    assert customer.balances
    assert customer.balances["api_calls"].rollovers
    assert customer.balances["api_calls"].rollovers[0].expiry is None
    assert remarks(payload) == []


@pytest.mark.parametrize(("key", "value"), [("plan_id", UNSET), ("plan_id", None), ("started_at", "")])
def test_what_another_key_says_too_is_taken_from_there(key, value):
    payload = changed(CUSTOMER, "subscriptions", 0, key, to=value)
    assert sent(parsed(payload))["subscriptions"][0][key] == CUSTOMER["subscriptions"][0][key]
    assert [remark.path for remark in remarks(payload)] == [f"$.subscriptions[0].{key}"]


def test_a_purchase_limit_of_nulls_is_none():
    nulls = {"interval": None, "interval_count": None, "limit": None, "count": 0, "next_reset_at": JANUARY}
    payload = changed(CUSTOMER, "billing_controls", "auto_topups", 0, "purchase_limit", to=nulls)
    (topup,) = sent(parsed(payload))["billing_controls"]["auto_topups"]
    assert "purchase_limit" not in topup


def test_null_stays_null_where_any_value_may_stand():
    payload = changed(CUSTOMER, "payment_method", to=None) | {"created_at": "?"}
    assert parsed(payload).payment_method is None
    assert [remark.path for remark in remarks(payload)] == ["$.created_at"]


def test_a_name_of_spaces_is_empty():
    customer, told = parse_customer({"id": "a", "name": "  ", "email": "a@example.com; b@example.com"})
    assert (customer.name, customer.email) == (None, "a@example.com")
    assert {remark.path for remark in told} == {"$.name", "$.email"}


def test_a_document_in_camel_case_is_the_same_document():
    camel = with_keys(BillingCustomer, as_read(CUSTOMER), "camel")
    assert "sendEmailReceipts" in camel
    assert "includedGrant" in camel["balances"]["api_calls"]["breakdown"][0]
    assert parse_customer(camel) == parse_customer(as_read(CUSTOMER))


def test_the_places_in_camel_case_are_those_of_the_file():
    payload = {"id": "a", "usageAlerts": 1, "billingControls": {"spendLimits": [{"featureId": []}]}}
    _, told = parse_customer(payload)
    assert [remark.path for remark in told] == ["$.billingControls.spendLimits[0].featureId"]
    assert told[0].text.endswith(" $.billingControls.spendLimits[0] was left out.")
    assert (
        json.loads(encode(parse_customer({"id": "a", "stripeId": "b", "stripe_id": "c"})[0]))["stripe_id"]
        == "b"
    )


@pytest.mark.parametrize("env", ["test", "staging", 5, ["live"]])
def test_an_unknown_environment_never_counts_as_live(env):
    customer, found = parse_customer(as_read(CUSTOMER | {"env": env}))
    assert customer.env == "sandbox"
    assert [remark.kind for remark in found if remark.path == "$.env"] == [RemarkKind.UNKNOWN_WORD]


@pytest.mark.parametrize(
    ("key", "value"),
    [("total", 19.995), ("total", "19,99"), ("currency", "usx"), ("created_at", 1), ("status", None)],
)
def test_an_invoice_of_an_unknown_amount_is_left_out(key, value):
    document = changed(CUSTOMER, "invoices", 0, key, to=value)
    assert [each["stripe_id"] for each in sent(parsed(document))["invoices"]] == [
        each["stripe_id"] for each in CUSTOMER["invoices"][1:]
    ]
    assert [remark.path for remark in remarks(document)] == [within("$.invoices", 0, key)]
