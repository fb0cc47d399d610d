from datetime import UTC, datetime

import pytest

from billing.document.schema import parse_customer, rows_of
from customers.json_types import Remark
from tests.billing.payloads import (
    BALANCE,
    FEBRUARY,
    MARCH,
    ROW,
    parsed,
    refused,
    remarks,
    sent,
    with_balance,
    with_row,
)
from tests.strategies_billing import as_read
from tests.strategies_catalog import Json


@pytest.mark.parametrize(
    ("name", "value", "shown", "taken"),
    [
        ("granted", 900, "900", "1000"),
        ("remaining", 399.5, "399.5", "400"),
        ("remaining", -5, "-5", "400"),
        ("usage", 0, "0", "600"),
        ("unlimited", True, "true", "false"),
        ("next_reset_at", MARCH, "2025-03-01T00:00:00.000Z", "2025-02-01T00:00:00.000Z"),
        ("next_reset_at", None, "null", "2025-02-01T00:00:00.000Z"),
    ],
)
def test_the_rows_win_over_the_aggregate(name, value, shown, taken):
    customer, told = parse_customer(as_read(with_balance(**{name: value})))
    assert told == [
        Remark(
            f"$.balances.api_calls.{name}",
            f"Imported as {taken} instead of {shown}, as computed from the rows.",
        )
    ]
    assert sent(customer)["balances"]["api_calls"] == BALANCE


def test_a_rows_grant_and_usage_win_over_its_remaining():
    customer, told = parse_customer(as_read(with_row(remaining=1)))
    path = "$.balances.api_calls.breakdown[0].remaining"
    assert told == [Remark(path, "Imported as 400 instead of 1, as computed from the row's grant and usage.")]
    assert sent(customer)["balances"]["api_calls"] == BALANCE


def test_rows_over_their_grant_agree_with_an_aggregate_of_what_others_have_left():
    over = ROW | {"id": "over", "included_grant": 100, "remaining": 0, "usage": 150}
    assert remarks(with_balance(granted=1100, remaining=400, usage=750, breakdown=[ROW, over])) == []


def test_an_unlimited_balance_shows_only_unlimited_usage():
    unlimited = ROW | {"id": "free", "included_grant": 0, "remaining": 0, "usage": 7, "unlimited": True}
    rows = [ROW, unlimited]
    assert remarks(with_balance(granted=0, remaining=0, usage=7, unlimited=True, breakdown=rows)) == []


def test_the_aggregates_own_facts_are_kept():
    customer, told = parse_customer(with_balance(overage_allowed=True, max_purchase=7))
    assert told == []
    assert customer.balances
    balance = customer.balances["api_calls"]
    assert balance.overage_allowed
    assert balance.max_purchase == 7


def test_an_aggregate_without_rows_is_one_standalone_row():
    payload = with_balance(
        granted=150,
        remaining=85,
        usage=65,
        rollovers=[{"granted": 50, "balance": 30, "expires_at": MARCH}, {"balance": 10, "expires_at": 0}],
    )
    del payload["balances"]["api_calls"]["breakdown"]
    customer, told = parse_customer(payload)
    assert customer.balances
    # 150 - (50 + 10) included, 65 - (20 + 0) used: 45 of it left, and 30 + 10 in the rollovers.
    assert told == []
    assert sent(rows_of(customer.balances["api_calls"])) == [
        {
            "plan_id": None,
            "included_grant": 90,
            "prepaid_grant": 0,
            "remaining": 45,
            "usage": 45,
            "unlimited": False,
            "reset": {"interval": "multiple", "resets_at": FEBRUARY},
            "price": None,
            "expires_at": None,
        }
    ]


def test_a_standalone_row_that_never_resets_or_ends():
    payload = with_balance(granted=0, remaining=0, usage=9, unlimited=True, next_reset_at=None)
    del payload["balances"]["api_calls"]["breakdown"]
    balances = parsed(payload).balances
    assert balances
    (row,) = rows_of(balances["api_calls"])
    assert row.unlimited
    assert row.usage == 9
    assert row.included_grant == 0
    assert row.reset is None


def test_one_row_cannot_be_over_its_grant_and_have_something_left():
    payload = with_balance(granted=100, remaining=10, usage=120)
    del payload["balances"]["api_calls"]["breakdown"]
    customer, told = parse_customer(payload)
    assert [remark.path for remark in told] == ["$.balances.api_calls.remaining"]
    assert parse_customer(sent(customer)) == (customer, [])


def test_an_empty_breakdown_stands_for_no_row_only_below_empty_figures():
    empty = with_balance(granted=0, remaining=0, usage=0, next_reset_at=None, breakdown=[])
    balances = parsed(empty).balances
    assert balances
    assert rows_of(balances["api_calls"]) == []

    balances = parsed(with_balance(breakdown=[])).balances
    assert balances
    (row,) = rows_of(balances["api_calls"])
    assert row.included_grant == 1000
    assert row.usage == 600
    assert row.plan_id is None

    only_rolled_over: Json = {
        "granted": 5,
        "remaining": 5,
        "usage": 0,
        "next_reset_at": None,
        "breakdown": [],
    }
    rollovers = [{"granted": 5, "balance": 5, "expires_at": 0}]
    balances = parsed(with_balance(**only_rolled_over, rollovers=rollovers)).balances
    assert balances
    assert rows_of(balances["api_calls"]) == []


def test_a_standalone_row_out_of_range_is_refused():
    rollovers = [{"granted": 9e14, "balance": 9e14, "expires_at": 0}] * 2
    path, reason = refused(with_balance(granted=0, rollovers=rollovers, breakdown=[]))
    assert path == "$.balances.api_calls"
    assert "more than 15 digits" in reason


def test_a_rollover_with_time_zero_never_expires():
    rollovers = [{"balance": 1, "expires_at": 0}, {"balance": 2, "expires_at": MARCH}]
    balances = parsed(with_balance(rollovers=rollovers)).balances
    assert balances
    kept = balances["api_calls"].rollovers
    assert kept
    assert [each.expiry for each in kept] == [None, datetime(2025, 3, 1, tzinfo=UTC)]
    assert [each["expires_at"] for each in sent(kept)] == [0, MARCH]


def test_an_empty_row_id_is_none():
    assert "id" not in sent(parsed(with_row(id="")))["balances"]["api_calls"]["breakdown"][0]
