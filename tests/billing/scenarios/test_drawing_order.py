"""Which row a use draws first."""

from decimal import Decimal

import pytest

from tests.billing.scenarios.steps import (
    JAN_1,
    attach,
    balance,
    carried,
    customer,
    document,
    explained,
    feature,
    figures,
    given,
    holder,
    item,
    missing,
    monthly,
    ms,
    plan,
    row,
    run,
    taken,
    usage_price,
    usages,
    use,
    use_refused,
)
from tests.billing.subscriptions.timeline import assert_adds_up

pytestmark = pytest.mark.django_db


def test_intervals_then_the_main_plan_then_add_ons_then_what_is_never_refilled():
    given(
        feature("calls"),
        plan("pro", item("calls", 100), price=20),
        plan("extra", item("calls", 50), add_on=True, price=5),
    )
    customer()
    attach("extra")
    attach("pro")
    run("grant", "acme", "calls", "30", "--at", JAN_1)
    run("grant", "acme", "calls", "20", "--interval", "day", "--at", JAN_1)
    assert figures() == (200, 200, 0)
    # Rows in the document: extra 50/month, pro 100/month, 30 for once, 20/day.
    # The day's 20, then the month's: 40 of the main plan's 100, though the add-on is older.
    use(60)
    assert usages() == [0, 40, 0, 20]
    # The other 60 of the main plan, then 40 of the add-on's 50.
    use(100)
    assert usages() == [40, 100, 0, 20]
    # The add-on's last 10, then 20 of what is never refilled.
    use(30)
    assert usages() == [50, 100, 20, 20]
    assert figures() == (200, 10, 190)
    assert missing(use_refused(11)) == 1
    assert figures() == (200, 10, 190)
    assert_adds_up()


def test_intervals_go_by_their_nominal_length():
    """A month is 30 days, a quarter 90, a half-year 182, a year 365."""
    given(feature("calls"))
    customer()
    shortest_first = [
        ("week", 4),  # 28 days
        ("month", 1),  # 30
        ("week", 5),  # 35
        ("month", 2),  # 60
        ("week", 13),  # 91, and a quarter 90
        ("month", 6),  # 180, and a half-year 182
        ("week", 52),  # 364
        ("year", 1),  # 365
    ]
    for interval, count in reversed(shortest_first):
        run(
            "grant",
            "acme",
            "calls",
            "1",
            "--interval",
            interval,
            "--interval-count",
            str(count),
            "--at",
            JAN_1,
        )
    run("grant", "acme", "calls", "1", "--interval", "quarter", "--at", JAN_1)
    run("grant", "acme", "calls", "1", "--interval", "semi_annual", "--at", JAN_1)
    # Rows: 0 year, 1 52 weeks, 2 6 months, 3 13 weeks, 4 2 months, 5 5 weeks, 6 month, 7 4 weeks, 8 quarter, 9 half-year.
    for drawn in (7, 6, 5, 4, 8, 3, 2, 9, 1, 0):
        before = usages()
        use(1)
        after = usages()
        assert [place for place in range(10) if after[place] != before[place]] == [drawn]


def test_of_the_same_interval_the_sooner_to_expire_and_what_never_expires_last():
    given(feature("calls"))
    customer()
    run("grant", "acme", "calls", "10", "--at", JAN_1)
    run("grant", "acme", "calls", "10", "--at", JAN_1, "--expires-at", "2026-06-01")
    run("grant", "acme", "calls", "10", "--at", JAN_1, "--expires-at", "2026-03-01")
    use(15)
    assert usages() == [0, 5, 10]
    # In April what expired in March counts no more, with what was used of it.
    assert figures(when="2026-04-01") == (20, 15, 5)


def test_of_rows_alike_the_oldest():
    given(feature("calls"))
    customer()
    run("grant", "acme", "calls", "10", "--at", "2026-01-02")
    run("grant", "acme", "calls", "10", "--at", "2026-01-01")
    use(12, when="2026-01-03")
    assert usages(when="2026-01-03") == [2, 10]


def test_rows_without_overage_before_those_with_it_which_then_go_below_zero():
    """Imported: the row with a price stands first in the document, and is older by that."""
    taken(
        holder(
            balance(
                "calls",
                row(100, id="paid", plan_id="pro", reset=monthly("2026-02-01"), price=usage_price(0.5)),
                row(40, id="free", plan_id="pro", reset=monthly("2026-02-01")),
                overage_allowed=True,
            ),
            subscriptions=[],
        )
    )
    use(30)
    assert usages() == [0, 30]
    # 10 of the free row, 100 of the paid one, and 60 more of it below zero; the free row stays at zero.
    use(170)
    assert usages() == [160, 40]
    shown = document()["balances"]["calls"]
    assert [each["remaining"] for each in shown["breakdown"]] == [0, 0]
    assert (shown["granted"], shown["remaining"], shown["usage"]) == (140, 0, 200)
    both = explained()["balances"][0]["figures"]
    assert (both["billable_overage"], both["displayed_overage"]) == ("60", "60")


def test_an_entity_draws_its_own_rows_first_and_nobody_elses():
    given(feature("calls"), feature("seats", consumable=False))
    customer(
        entities=[
            {"id": name, "name": name, "feature_id": "seats", "created_at": ms(JAN_1), "env": "live"}
            for name in ("a", "b")
        ]
    )
    run("grant", "acme", "calls", "100", "--at", JAN_1)
    run("grant", "acme", "calls", "20", "--entity", "a", "--at", JAN_1)
    run("grant", "acme", "calls", "5", "--entity", "b", "--at", JAN_1)
    # The customer's figures sum its entities' rows too.
    assert figures() == (125, 125, 0)
    use(30, "--entity", "a")
    assert usages() == [10, 20, 0]
    # Without an entity, the customer's row alone: of 90 left in it, 91 do not fit.
    assert missing(use_refused(91)) == 1
    use(85)
    assert usages() == [95, 20, 0]
    # For b: its own 5, and the 5 that the customer has left.
    assert missing(use_refused(11, "--entity", "b")) == 1
    shown = explained("--entity", "b", "--use", "8")
    of_b = shown["balances"][0]["figures"]
    assert (of_b["granted"], of_b["remaining"], of_b["usage"]) == ("105", "10", "95")
    assert [part["units"] for part in shown["use"]["parts"]] == ["5", "3"]
    use(8, "--entity", "b")
    assert usages() == [98, 20, 5]
    assert figures() == (125, 2, 123)
    assert_adds_up()


def test_an_unlimited_row_takes_everything_before_rollovers_and_the_limited_stay():
    taken(
        holder(
            balance(
                "calls",
                row(10, 4, id="limited", reset=monthly("2026-02-01")),
                row(0, 7, id="endless", unlimited=True),
                rollovers=[{"balance": 5, "granted": 5, "expires_at": ms("2026-03-01")}],
            )
        )
    )
    use(1000)
    assert usages() == [4, 1007]
    shown = document()["balances"]["calls"]
    assert (shown["unlimited"], shown["granted"], shown["remaining"], shown["usage"]) == (True, 0, 0, 1007)
    assert carried() == [(5, 5, ms("2026-03-01"))]
    # A refund goes where the use went.
    use(-1000)
    assert usages() == [4, 7]


def test_rollovers_before_rows_the_soonest_to_expire_first_and_never_expiring_last():
    taken(
        holder(
            balance(
                "calls",
                row(10, id="row", reset=monthly("2026-02-01")),
                rollovers=[
                    {"balance": 3, "granted": 5, "expires_at": 0},
                    {"balance": 4, "granted": 4, "expires_at": ms("2026-04-01")},
                    {"balance": 2, "granted": 2, "expires_at": ms("2026-03-01")},
                ],
            )
        )
    )
    # 10 + (3 + 4 + 2) are left; 10 + (5 + 4 + 2) are granted; 2 are used.
    assert figures() == (21, 19, 2)
    use(3)
    assert [left for left, _, _ in carried()] == [3, 3, 0]
    use(5)
    assert [left for left, _, _ in carried()] == [1, 0, 0]
    assert usages() == [0]
    use(4)
    assert [left for left, _, _ in carried()] == [0, 0, 0]
    assert usages() == [3]
    # One emptied by use stays until it expires, and counts in granted and usage.
    assert figures() == (21, 7, 14)
    assert figures(when="2026-03-01") == (19, 7, 12)


def test_fractions_are_exact():
    given(feature("calls"))
    customer()
    run("grant", "acme", "calls", "0.3", "--at", JAN_1)
    for _ in range(3):
        use("0.1")
    assert figures() == (Decimal("0.3"), 0, Decimal("0.3"))
    assert missing(use_refused("0.0000000001")) * 10**10 == 1
