import pytest
from msgspec import UNSET

from tests.billing.payloads import (
    BALANCE,
    CUSTOMER,
    FEATURE,
    INVOICE,
    JANUARY,
    MARCH,
    PLAN,
    ROW,
    SUBSCRIPTION,
    changed,
    refused,
    with_balance,
)

TWO_INVOICES = [INVOICE, INVOICE | {"created_at": MARCH}]
ENTITY = CUSTOMER["entities"][0]


@pytest.mark.parametrize(
    ("payload", "path", "reason"),
    [
        (with_balance(feature_id="other"), "$.balances.api_calls.feature_id", "Expected 'api_calls'"),
        (
            with_balance(feature=FEATURE | {"id": "x"}),
            "$.balances.api_calls.feature.id",
            "Expected 'api_calls'",
        ),
        (
            {"id": "a", "flags": {"sso": {"id": "f", "feature_id": "x"}}},
            "$.flags.sso.feature_id",
            "Expected 'sso'",
        ),
        (
            {"id": "a", "subscriptions": [SUBSCRIPTION | {"plan_id": "basic", "plan": PLAN}]},
            "$.subscriptions[0].plan.id",
            "Expected 'basic'",
        ),
        (
            {"id": "a", "subscriptions": [SUBSCRIPTION, SUBSCRIPTION]},
            "$.subscriptions[1].id",
            "Duplicate of 'sub_1' in $.subscriptions[0].",
        ),
        (
            with_balance(granted=2000, remaining=800, usage=1200, breakdown=[ROW, ROW]),
            "$.balances.api_calls.breakdown[1].id",
            "Duplicate of 'row_1' in $.balances.api_calls.breakdown[0].",
        ),
        ({"id": "a", "invoices": TWO_INVOICES}, "$.invoices[1].stripe_id", "Duplicate of 'in_1'"),
        ({"id": "a", "entities": [ENTITY, ENTITY]}, "$.entities[1].id", "Duplicate of 'team_a'"),
        (
            {"id": "a", "subscriptions": [SUBSCRIPTION | {"current_period_end": JANUARY}]},
            "$.subscriptions[0].current_period_end",
            "The period ends before it starts.",
        ),
        (
            {"id": "a", "subscriptions": [SUBSCRIPTION | {"expires_at": JANUARY - 1}]},
            "$.subscriptions[0].expires_at",
            "It expires before it starts.",
        ),
        (
            {"id": "a", "purchases": [CUSTOMER["purchases"][0] | {"expires_at": JANUARY - 1}]},
            "$.purchases[0].expires_at",
            "It expires before it starts.",
        ),
        ({"id": "x" * 256}, "$.id", "256 characters are too many. Use at most 255."),
        (
            {"id": "a", "balances": {"x" * 256: BALANCE}},
            "$.balances",
            "256 characters are too many. Use at most 255.",
        ),
        (
            with_balance(rollovers=[{"granted": 5, "balance": 6, "expires_at": 0}]),
            "$.balances.api_calls.rollovers[0].granted",
            "Expected at least the balance 6, got 5.",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(payload, path, reason):
    where, why = refused(payload)
    assert where == path
    assert why.startswith(reason)


@pytest.mark.parametrize(
    ("steps", "value", "reason"),
    [
        (("env",), "test", "'test' is not one of live, sandbox."),
        (
            ("subscriptions", 0, "status"),
            "past_due",
            "'past_due' is not one of active, scheduled.",
        ),
        (
            ("balances", "api_calls", "feature", "type"),
            "ai_credit_system",
            "'ai_credit_system' is not one of boolean, credit_system, metered.",
        ),
        (
            ("rewards", "discounts", 0, "type"),
            "gift",
            ("'gift' is not one of fixed_discount, free_product, invoice_credits, percentage_discount."),
        ),
        (("subscriptions", 0, "quantity"), -1, "Expected a number that is 0 or more, got -1."),
        (("licenses", 0, "granted"), -0.5, "Expected a number that is 0 or more, got -0.5."),
        (
            ("billing_controls", "auto_topups", 0, "quantity"),
            -1,
            "Expected a number that is 0 or more, got -1.",
        ),
        (
            ("billing_controls", "auto_topups", 0, "purchase_limit", "interval_count"),
            0,
            "Expected a whole number from 1 to 2147483647, got 0.",
        ),
        (
            ("subscriptions", 0, "plan", "items", 0, "price", "billing_units"),
            0,
            "Expected a number above 0, got 0.",
        ),
        (
            ("subscriptions", 0, "plan", "price", "interval_count"),
            1.5,
            "Expected a whole number from 1 to 2147483647, got 1.5.",
        ),
        (
            ("subscriptions", 0, "plan", "items", 0, "included"),
            -1,
            "Expected a number that is 0 or more, got -1.",
        ),
        (
            ("subscriptions", 0, "plan", "items", 0, "price", "tiers", 1, "to"),
            100,
            "Expected a tier that ends after the one before it.",
        ),
        (
            ("subscriptions", 0, "plan", "items", 0, "price", "tiers", 0, "to"),
            "all",
            'Expected a number or "inf".',
        ),
        (
            ("invoices", 0, "total"),
            19.995,
            "19.995 has more digits than the currency: USD has 2 decimals.",
        ),
        (
            ("invoices", 0, "currency"),
            "usx",
            "'usx' is not a currency: expected an ISO 4217 code such as USD.",
        ),
        (
            ("rewards", "discounts", 0, "currency"),
            "dollars",
            "'dollars' is not a currency: expected an ISO 4217 code such as USD.",
        ),
        (
            ("invoices", 0, "hosted_invoice_url"),
            "javascript:alert(1)",
            "Expected a link that begins with http:// or https://.",
        ),
        (("balances", "api_calls", "granted"), True, "Expected `number`, got `bool`."),
        (
            ("balances", "api_calls", "granted"),
            1e15,
            "The number is out of range: at most 15 digits before the decimal point.",
        ),
        (("metadata",), [], "Expected `object`, got `array`."),
        (("send_email_receipts",), None, "Expected `bool`, got `null`."),
        (("created_at",), "2025-01-01", "Expected milliseconds since the epoch, got `str`."),
    ],
)
def test_a_value_that_cannot_be_is_refused_where_it_stands(steps, value, reason):
    path = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    assert refused(changed(CUSTOMER, *steps, to=value)) == (path, reason)


def test_a_key_that_is_missing_is_refused():
    payload = changed(CUSTOMER, "subscriptions", 0, "plan_id", to=UNSET)
    assert refused(payload) == ("$.subscriptions[0]", "Add the required key `plan_id`.")


def test_rows_whose_sum_is_out_of_range_are_refused():
    rows = [
        ROW | {"id": str(index), "included_grant": 6e14, "remaining": 6e14, "usage": 0} for index in (1, 2)
    ]
    path, reason = refused(with_balance(breakdown=rows))
    assert path == "$.balances.api_calls.granted"
    assert reason == "The sum of the rows has more than 15 digits before the decimal point."


@pytest.mark.parametrize("value", [[], "acme", None, 7])
def test_a_record_that_is_no_object_is_refused(value):
    path, reason = refused(value)
    assert path == "$"
    assert reason.startswith("Expected `object`")
