"""What records say, and since when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from customers.ingest.precedence import Statement, changed_columns, column, ranked, updated_claims

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TUESDAY = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


def test_what_is_said_again_is_said_since_the_first_time() -> None:
    said = {"name": "Jo", "custom_data": {"a": 1}, "created_at": MONDAY}
    claims = updated_claims({}, said, MONDAY)

    assert updated_claims(claims, {**said, "custom_data": {"a": 1.0}}, TUESDAY) == claims
    assert claims["created_at"] == {
        "value": "2026-03-02T09:00:00+00:00",
        "since": "2026-03-02T09:00:00.000000+00:00",
    }


@pytest.mark.parametrize(
    ("before", "after"), [("Jo", None), (None, "Jo"), ({"a": 1}, {"a": True}), ({}, None)]
)
def test_another_value_is_said_since_now_and_what_is_not_mentioned_stays(before: Any, after: Any) -> None:
    claims = updated_claims({}, {"custom_data": before, "name": "Jo"}, MONDAY)

    now = updated_claims(claims, {"custom_data": after}, TUESDAY)

    assert now["custom_data"] == {"value": after, "since": "2026-03-03T09:00:00.000000+00:00"}
    assert now["name"] == claims["name"]


class TestWhoDecides:
    payments = Statement("payments", updated_claims({}, {"name": "P"}, MONDAY), "1")
    billing = Statement("billing", updated_claims({}, {"name": "B", "phone": None}, TUESDAY), "2")
    second = Statement("payments", updated_claims({}, {"name": "P2"}, TUESDAY), "3")
    empty = Statement("payments", updated_claims({}, {"name": ""}, TUESDAY), "4")

    def test_in_order(self) -> None:
        everybody = [self.empty, self.billing, self.payments, self.second]
        assert ranked("name", everybody) == [self.second, self.payments, self.billing, self.empty]

    def test_nothing_is_decided_while_the_verdict_stays(self) -> None:
        assert changed_columns([self.payments], [self.payments, self.billing], ["name"]) == {}
        assert changed_columns([], [self.payments], ["name", "email"]) == {"name": "P"}
        assert changed_columns([self.payments], [self.payments, self.second], ["name"]) == {"name": "P2"}
        assert changed_columns([self.second, self.payments], [self.empty, self.payments], ["name"]) == {
            "name": "P"
        }

    def test_columns_take_what_they_can_hold(self) -> None:
        assert changed_columns([], [self.billing], ["phone"]) == {"phone": ""}
        assert (column("stripe_id", None), column("custom_data", {})) == (None, {})
        assert column("created_at", "2026-03-02T09:00:00+00:00") == MONDAY
