from datetime import UTC, datetime, timedelta

import pytest

from billing.document.renderer import render_customers
from billing.document.schema import EXPANDABLE
from tests.billing.payloads import sent
from tests.factories import (
    make_balance,
    make_customer,
    make_feature,
    make_flag,
    make_grant,
    make_plan,
    make_purchase,
    make_rollover,
    make_subscription,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2025, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def balance():
    return make_balance(customer=make_customer(), feature=make_feature(feature_id="api_calls"))


@pytest.fixture
def grant(balance):
    """Makes grants of the balance, which stand alone unless they have a plan."""

    def make(**fields):
        zero = {"included_grant": 0, "prepaid_grant": 0, "usage": 0, "plan": None}
        return make_grant(balance=balance, **{**zero, **fields})

    return make


def shown(balance, at=NOW):
    [document] = render_customers([balance.customer], EXPANDABLE, at=at)
    return sent(document)["balances"]["api_calls"]


def figures(balance, at=NOW):
    """granted, remaining, usage"""
    document = shown(balance, at)
    return document["granted"], document["remaining"], document["usage"]


def test_figures_are_sums_of_rows_and_rollovers(balance, grant):
    grant(included_grant=100, prepaid_grant=50, usage=30, next_reset_at=NOW, reset_interval="year")
    earlier = NOW - timedelta(days=1)
    grant(included_grant=10, usage=25, next_reset_at=earlier, reset_interval="month")
    make_rollover(balance=balance, granted=40, left=15, expires_at=None)
    document = shown(balance)
    assert figures(balance) == (200, 135, 80)
    assert [row["remaining"] for row in document["breakdown"]] == [120, 0]
    assert document["next_reset_at"] == 1_735_603_200_000
    assert document["rollovers"] == [{"granted": 40, "balance": 15, "expires_at": 0}]
    assert document["unlimited"] is False


def test_an_unlimited_row_makes_the_balance_unlimited(balance, grant):
    grant(included_grant=100, usage=30)
    grant(unlimited=True, usage=7)
    assert figures(balance) == (0, 0, 7)
    assert shown(balance)["unlimited"] is True


def test_ended_rows_do_not_count(balance, grant):
    grant(included_grant=1)
    grant(included_grant=10, ended_at=NOW - SECOND)
    assert figures(balance) == (1, 1, 0)


def test_rows_and_rollovers_count_until_they_expire(balance, grant):
    grant(included_grant=1)
    grant(included_grant=10, expires_at=NOW)
    make_rollover(balance=balance, granted=100, left=100, expires_at=NOW)
    assert figures(balance, NOW - SECOND) == (111, 111, 0)
    assert figures(balance, NOW) == (1, 1, 0)


@pytest.mark.parametrize(
    ("fields", "counts"),
    [({"status": "active"}, True), ({"status": "scheduled"}, False), ({"status": "ended"}, False)],
)
def test_a_row_of_a_plan_counts_while_its_subscription_is_active(balance, grant, fields, counts):
    plan = make_plan(plan_id="pro")
    make_subscription(customer=balance.customer, plan=plan, past_due=True, **fields)
    grant(included_grant=5, plan=plan)
    assert figures(balance) == ((5, 5, 0) if counts else (0, 0, 0))


def test_a_row_of_a_plan_counts_while_its_purchase_lasts(balance, grant):
    plan = make_plan(plan_id="pro")
    grant(included_grant=5, plan=plan)
    make_purchase(customer=balance.customer, plan=plan, removed_at=NOW)
    assert figures(balance) == (0, 0, 0)
    make_purchase(customer=balance.customer, plan=plan, expires_at=NOW)
    assert figures(balance) == (0, 0, 0)
    assert figures(balance, NOW - SECOND) == (5, 5, 0)


def test_a_row_that_its_source_lists_counts_without_a_subscription(balance, grant):
    grant(included_grant=5, plan=make_plan(plan_id="pro"), imported=True)
    assert figures(balance) == (5, 5, 0)
    assert shown(balance)["breakdown"][0]["plan_id"] == "pro"


def test_balances_come_by_position_then_feature_id():
    customer = make_customer()
    for position, feature_id in ((1, "a"), (0, "z"), (0, "b")):
        make_balance(customer=customer, position=position, feature=make_feature(feature_id=feature_id))
    [document] = render_customers([customer])
    assert list(sent(document)["balances"]) == ["b", "z", "a"]


def test_a_removed_balance_is_shown_while_something_in_it_counts(balance, grant):
    balance.removed_at = NOW
    balance.save()
    [document] = render_customers([balance.customer])
    assert document.balances == {}
    grant(included_grant=5)
    assert figures(balance) == (5, 5, 0)


def test_a_flag_of_a_person():
    flag = make_flag(feature=make_feature(feature_id="sso"), plan=None, flag_id="f", expires_at=NOW)
    [document] = render_customers([flag.customer])
    assert sent(document)["flags"] == {
        "sso": {"id": "f", "feature_id": "sso", "plan_id": None, "expires_at": 1_735_689_600_000}
    }
