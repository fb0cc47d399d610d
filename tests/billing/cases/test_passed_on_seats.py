"""Seats that stay in use when a plan changes or ends cost what they would have cost without the change, and only once.

The figures are worked out by hand. January 2026 has 31 days, so noon of the 16th is its middle. 5 seats in use are 2 above
the 3 included, so they cost $20 a month.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from billing.balances import adjust
from billing.models import Grant, InvoiceLine
from tests.billing.cases.story import Step
from tests.billing.cases.test_carried_terms import QUARTER_LEFT, seats, taken
from tests.billing.cases.test_variants import MIDDLE, day, monthly, plan, renewed, run, tell

pytestmark = pytest.mark.django_db

START = day("2026-01-01")
THREE_QUARTERS_LEFT = "2026-01-08T18:00:00Z"
PAIRS = {
    "prorate, prorate": {"on_increase": "prorate", "on_decrease": "prorate"},
    "prorate, none": {"on_increase": "prorate", "on_decrease": "none"},
    "bill_immediately, none": {"on_increase": "bill_immediately", "on_decrease": "none"},
    "bill_immediately, prorate": {"on_increase": "bill_immediately", "on_decrease": "prorate"},
    "no proration": None,
}


def in_cents() -> list[int]:
    """What the lines of seats came to, in the order of their invoices."""
    lines = InvoiceLine.objects.filter(kind="usage").order_by("invoice__created_at")
    return list(lines.values_list("amount", flat=True))


def billed() -> list[int]:
    """The same in whole dollars."""
    return [amount // 100 for amount in in_cents()]


def changed(*steps: Step) -> list[Step]:
    """5 seats all month, and a change in its middle."""
    return [
        run("attach_plan", "c", "team"),
        *taken(START, "5"),
        *steps,
        {"now": MIDDLE},
        run("change_plan", "c", "team", "corp"),
        *renewed("2026-02-01"),
    ]


@pytest.mark.parametrize("old", PAIRS)
@pytest.mark.parametrize("new", PAIRS)
def test_a_change_of_plan_bills_seats_once(monkeypatch, old, new):
    tell(
        monkeypatch,
        [seats("team", 50, 3, 10, PAIRS[old]), seats("corp", 50, 3, 10, PAIRS[new])],
        *changed(),
    )
    # A new plan that counts at the end of the month bills all of it; any other bills its own half.
    assert billed() == ([20] if new == "no proration" else [10, 10])


def test_seats_taken_after_a_change_are_billed_as_the_new_item_says(monkeypatch):
    pair = PAIRS["bill_immediately, none"]
    tell(
        monkeypatch,
        [seats("team", 50, 3, 10, pair), seats("corp", 50, 3, 10, pair)],
        *changed()[:-2],
        *taken(day("2026-01-20"), "1"),
        *renewed("2026-02-01"),
    )
    # The seat that is taken under the new plan costs the whole month.
    assert billed() == [10, 10 + 10]


def test_what_was_given_up_before_a_change_stays_paid(monkeypatch):
    pair = PAIRS["bill_immediately, none"]
    tell(
        monkeypatch,
        [seats("team", 50, 3, 10, pair), seats("corp", 50, 3, 10, pair)],
        *changed(*taken(day("2026-01-10"), "-1")),
    )
    # Of the 2, one stays paid for the whole month, and one is passed on in its middle.
    assert billed() == [10 + 5, 5]


def test_a_plan_with_longer_periods_that_counts_at_their_end_leaves_the_old_plan_its_time(monkeypatch):
    corp = plan(
        "corp",
        {"amount": 700, "interval": "year"},
        seats("team", 50, 3, 10, None)["items"][0],
    )
    tell(
        monkeypatch,
        [seats("team", 50, 3, 10, PAIRS["prorate, prorate"]), corp],
        *changed(),
        *renewed("2026-02-17"),
    )
    # Half of January, and a month from its middle on.
    assert billed() == [10, 20]


@pytest.mark.parametrize("old", PAIRS)
def test_another_version_with_another_price_bills_seats_once(monkeypatch, old):
    tell(
        monkeypatch,
        [seats("team", 50, 3, 10, PAIRS[old])],
        run("attach_plan", "c", "team"),
        *taken(START, "5"),
        {"catalog": {"features": [], "plans": [seats("team", 50, 3, 12, PAIRS[old]) | {"version": 2}]}},
        {"now": MIDDLE},
        run("change_plan", "c", "team", "team", "--newest-version"),
        *renewed("2026-02-01"),
    )
    assert billed() == ([24] if old == "no proration" else [10, 12])


@pytest.mark.parametrize("pair", PAIRS)
def test_seats_that_an_adjustment_covers_stay_free_in_another_version(monkeypatch, pair):
    story = tell(monkeypatch, [seats("team", 50, 3, 10, PAIRS[pair])], run("attach_plan", "c", "team"))
    adjust.add(Grant.objects.get(), Decimal(2), reason="Agreed", done_by="ada")
    steps: list[Step] = [
        *taken(START, "5"),
        {"catalog": {"features": [], "plans": [seats("team", 50, 3, 11, PAIRS[pair]) | {"version": 2}]}},
        {"now": MIDDLE},
        run("change_plan", "c", "team", "team", "--newest-version"),
        *renewed("2026-02-01"),
    ]
    story.tell(steps)
    assert billed() == []


@pytest.mark.parametrize(
    ("pair", "is_given_up", "bill"),
    [
        *(
            (pair, is_given_up, bill)
            for pair, bill in (
                ("prorate, prorate", 10),
                ("prorate, none", 20),
                ("bill_immediately, none", 20),
                ("bill_immediately, prorate", 10),
            )
            for is_given_up in (False, True)
        ),
        # The count at the end decides. Given up, there is none to bill.
        ("no proration", False, 20),
    ],
)
def test_a_cancellation_bills_seats_as_if_they_were_given_up(monkeypatch, pair, bill, is_given_up):
    tell(
        monkeypatch,
        [seats("team", 50, 3, 10, PAIRS[pair])],
        run("attach_plan", "c", "team"),
        *taken(START, "5"),
        *(taken(MIDDLE, "-2") if is_given_up else []),
        {"now": MIDDLE},
        run("cancel_subscription", "c", "team", "--now"),
    )
    assert billed() == [bill]


@pytest.mark.parametrize("pair", PAIRS)
def test_seats_given_up_in_the_moment_in_which_they_are_taken_cost_nothing(monkeypatch, pair):
    tell(
        monkeypatch,
        [seats("team", 50, 3, 10, PAIRS[pair])],
        run("attach_plan", "c", "team"),
        *taken(MIDDLE, "5"),
        *taken(MIDDLE, "-2"),
        *renewed("2026-02-01"),
    )
    assert billed() == []


@pytest.mark.parametrize("is_late", [False, True])
def test_scheduled_changes_bill_seats_the_same_if_they_are_carried_out_late(monkeypatch, is_late):
    other, more = (plan(name, monthly(1), group="others") for name in ("other", "more"))
    pair = PAIRS["prorate, prorate"]
    tell(
        monkeypatch,
        [seats("team", 50, 3, 10, pair), seats("corp", 50, 3, 10, pair), other, more],
        run("attach_plan", "c", "team"),
        run("attach_plan", "c", "other"),
        *taken(START, "5"),
        # With `any`, the clock stays, so that these are ahead.
        {**run("attach_plan", "c", "corp", "--at", MIDDLE), "any": True},
        {**run("attach_plan", "c", "more", "--at", day("2026-01-20")), "any": True},
        *([] if is_late else renewed("2026-01-21")),
        *renewed("2026-02-02"),
    )
    assert billed() == [10, 10]


@pytest.mark.parametrize(
    "three",
    [
        ("prorate, prorate", "no proration", "prorate, none"),
        ("prorate, none", "no proration", "no proration"),
        ("no proration", "prorate, prorate", "no proration"),
        ("no proration", "no proration", "prorate, prorate"),
        ("bill_immediately, none", "no proration", "prorate, prorate"),
        ("bill_immediately, prorate", "prorate, none", "bill_immediately, none"),
        ("prorate, none", "bill_immediately, none", "prorate, prorate"),
    ],
)
def test_three_plans_in_a_month_bill_seats_once(monkeypatch, three):
    tell(
        monkeypatch,
        [
            seats(name, 50, 3, 10, PAIRS[pair])
            for name, pair in zip(("team", "corp", "last"), three, strict=True)
        ],
        run("attach_plan", "c", "team"),
        *taken(START, "5"),
        {"now": THREE_QUARTERS_LEFT},
        run("change_plan", "c", "team", "corp"),
        {"now": MIDDLE},
        run("change_plan", "c", "corp", "last"),
        *renewed("2026-02-01"),
    )
    # Whoever bills them: 2 for the whole month.
    assert sum(in_cents()) == 2000


@pytest.mark.parametrize(
    ("pair", "cents"),
    [
        # A quarter of 2 and a quarter of 1, twice.
        ("prorate, prorate", [750, 750]),
        # 2 for the month, without the half of the one that is passed on; then that half, and a quarter of another.
        ("prorate, none", [1500, 750]),
        # The one that is taken again costs the whole month.
        ("bill_immediately, none", [1500, 500 + 1000]),
        # It costs that also if what is given up is given back.
        ("bill_immediately, prorate", [750, 500 + 1000]),
        ("no proration", [2000]),
    ],
)
def test_a_seat_that_is_given_up_before_a_change_and_taken_again_after_it(monkeypatch, pair, cents):
    tell(
        monkeypatch,
        [seats("team", 50, 3, 10, PAIRS[pair]), seats("corp", 50, 3, 10, PAIRS[pair])],
        run("attach_plan", "c", "team"),
        *taken(START, "5"),
        *taken(THREE_QUARTERS_LEFT, "-1"),
        {"now": MIDDLE},
        run("change_plan", "c", "team", "corp"),
        *taken(QUARTER_LEFT, "1"),
        *renewed("2026-02-01"),
    )
    assert in_cents() == cents
