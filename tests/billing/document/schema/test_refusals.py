import pytest

from customers.json_types import within
from tests.billing.payloads import (
    BALANCE,
    CUSTOMER,
    INVOICE,
    MARCH,
    ROW,
    SUBSCRIPTION,
    changed,
    parsed,
    refused,
    sent,
    with_balance,
)

TWO_INVOICES = [INVOICE, INVOICE | {"created_at": MARCH}]
ENTITY = CUSTOMER["entities"][0]


@pytest.mark.parametrize(
    ("payload", "path", "reason"),
    [
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
        ({"id": "x" * 256}, "$.id", "256 characters are too many. Use at most 255."),
        (
            {"id": "a", "balances": {"x" * 256: BALANCE}},
            "$.balances",
            "256 characters are too many. Use at most 255.",
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
        (("subscriptions", 0, "quantity"), -1, "Expected a number that is 0 or more, got -1."),
        (("purchases", 0, "quantity"), "two", "Expected `number`, got `str`."),
        (("balances", "api_calls", "breakdown", 0, "usage"), None, "Expected `number`, got `null`."),
        (("balances", "api_calls", "breakdown", 0), None, "Expected `object`, got `null`."),
        (
            ("balances", "api_calls", "rollovers", 0, "balance"),
            -1,
            "Expected a number that is 0 or more, got -1.",
        ),
    ],
)
def test_what_would_make_money_wrong_is_refused_where_it_stands(steps, value, reason):
    assert refused(changed(CUSTOMER, *steps, to=value)) == (within("$", *steps), reason)


def test_a_balance_without_rows_needs_its_figures():
    path, reason = refused({"id": "a", "balances": {"api_calls": BALANCE | {"breakdown": [], "usage": "?"}}})
    assert (path, reason) == ("$.balances.api_calls.usage", "Expected `number`, got `str`.")
    assert sent(parsed(with_balance(usage="?")))["balances"]["api_calls"]["usage"] == 600


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
