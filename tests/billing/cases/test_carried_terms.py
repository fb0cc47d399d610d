"""What plans and controls of the document carry is acted on: proration of seats, billing thresholds, free overage.

The figures are worked out by hand. January 2026 has 31 days, so noon of the 16th is its middle, and 06:00 of the 24th leaves a quarter.
"""

from __future__ import annotations

from typing import Any

import pytest

from billing.models import InvoiceLine
from tests.billing.cases.story import Step
from tests.billing.cases.test_variants import (
    MIDDLE,
    by_use,
    day,
    item,
    monthly,
    plan,
    renewed,
    run,
    tell,
    used,
)
from tests.billing.subscriptions.timeline import document

pytestmark = pytest.mark.django_db

QUARTER_LEFT = "2026-01-24T06:00:00Z"
PRORATED = {"on_increase": "prorate_immediately", "on_decrease": "prorate"}


def seats(name: str, price: float, included: int, each: float, proration: dict[str, str] | None) -> Any:
    terms = {} if proration is None else {"proration": proration}
    return plan(name, monthly(price), item("seats", included, price=by_use(each), **terms))


def taken(at: str, number: str) -> list[Step]:
    return [{"now": at}, run("record_usage", "--", "c", "seats", number)]


@pytest.mark.parametrize(
    ("proration", "bill"),
    [
        # 2 for the month, 2 more for its second half, 4 fewer for its last quarter.
        (PRORATED, 20 + 10 - 10),
        # What was given up stays paid.
        ({"on_increase": "prorate", "on_decrease": "none"}, 20 + 10),
        # What was taken costs the whole month, and nothing of it is given back.
        ({"on_increase": "bill_immediately", "on_decrease": "none"}, 20 + 20),
        ({"on_increase": "bill_next_cycle", "on_decrease": "no_prorations"}, 20 + 20),
        # What was taken costs the whole month, until it is given up.
        ({"on_increase": "bill_immediately", "on_decrease": "prorate"}, 20 + 20 - 10),
        # Without proration, the count at the end of the period decides.
        (None, 0),
    ],
)
def test_seats_of_a_part_of_the_month(monkeypatch, proration, bill):
    story = tell(
        monkeypatch,
        [seats("team", 50, 3, 10, proration)],
        run("attach_plan", "c", "team"),
        *taken(day("2026-01-01"), "5"),
        *taken(MIDDLE, "2"),
        *taken(QUARTER_LEFT, "-4"),
        *renewed("2026-02-01"),
    )
    wanted = f"usage {bill}, base 50" if bill else "base 50"
    assert story.see("invoices")[1] == f"2026-02-01 {50 + bill} USD open: {wanted}"


def test_the_line_of_seats_says_how_many_there_were_and_since_when(monkeypatch):
    tell(
        monkeypatch,
        [seats("team", 50, 3, 10, PRORATED)],
        run("attach_plan", "c", "team"),
        *taken(day("2026-01-01"), "5"),
        *taken(MIDDLE, "2"),
        *taken(QUARTER_LEFT, "-4"),
        *renewed("2026-02-01"),
        *[step for number in range(2, 7) for step in taken(day(f"2026-02-0{number}"), "1")],
        *renewed("2026-03-01"),
    )
    january, february = InvoiceLine.objects.filter(kind="usage").order_by("invoice__created_at")
    assert january.description == "seats above 3 included: 2; 4 from Jan 16, 2026; 0 from Jan 24, 2026"
    # Two, and two more for half of the month, less four for its last quarter.
    assert january.quantity == 2
    assert february.description == "seats above 3 included: 0 to 5, in 5 changes"


def test_the_line_of_seats_says_the_last_count_of_a_day(monkeypatch):
    tell(
        monkeypatch,
        [seats("team", 50, 3, 10, PRORATED)],
        run("attach_plan", "c", "team"),
        *taken(day("2026-01-01"), "3"),
        *taken("2026-01-16T09:00:00Z", "1"),
        *taken(MIDDLE, "1"),
        *taken("2026-01-20T09:00:00Z", "1"),
        *taken("2026-01-20T09:30:00Z", "-1"),
        *renewed("2026-02-01"),
    )
    assert (
        InvoiceLine.objects.get(kind="usage").description == "seats above 3 included: 0; 2 from Jan 16, 2026"
    )


def test_seats_taken_after_an_end_that_is_dated_back_are_not_billed(monkeypatch):
    story = tell(
        monkeypatch,
        [seats("team", 50, 3, 10, PRORATED)],
        run("attach_plan", "c", "team"),
        *taken(day("2026-01-01"), "5"),
        *taken(day("2026-01-20"), "4"),
        {"now": day("2026-01-25")},
        run("cancel_subscription", "c", "team", "--now", "--at", MIDDLE),
    )
    # 2 seats above the 3 included, for the first half.
    assert "usage 10" in story.see("invoices")[1]


def test_prorated_seats_are_billed_by_each_of_two_plans_for_its_time(monkeypatch):
    story = tell(
        monkeypatch,
        [seats("team", 50, 3, 10, PRORATED), seats("corp", 90, 4, 8, PRORATED)],
        run("attach_plan", "c", "team"),
        *taken(day("2026-01-01"), "8"),
        {"now": MIDDLE},
        run("change_plan", "c", "team", "corp"),
        *renewed("2026-02-01"),
        *taken("2026-02-08T00:00:00Z", "1"),
        {"now": "2026-02-15T00:00:00Z"},
        run("cancel_subscription", "c", "corp", "--now"),
    )
    assert story.see("invoices")[1:] == [
        # Half of 5 for $10 each; then half of 4 for $8 each.
        "2026-01-16T12:00:00Z 45 USD open: usage 25, proration -25, proration 45",
        "2026-02-01 106 USD open: usage 16, base 90",
        # Half of February: 4 for all of it, and the fifth from its second quarter on.
        "2026-02-15 18 USD open: usage 18",
    ]


def test_another_version_goes_on_with_the_seats_and_bills_them_once(monkeypatch):
    story = tell(
        monkeypatch,
        [seats("team", 50, 3, 10, None)],
        run("attach_plan", "c", "team"),
        *taken(day("2026-01-02"), "5"),
        {"catalog": {"features": [], "plans": [seats("team", 50, 3, 12, None) | {"version": 2}]}},
        {"now": MIDDLE},
        run("change_plan", "c", "team", "team", "--newest-version"),
        *renewed("2026-02-01"),
    )
    assert story.see("invoices")[-1] == "2026-02-01 74 USD open: usage 24, base 50"
    assert story.see("balance:seats") == "granted 3 remaining 0 usage 5 rollovers 0"


def test_overage_is_billed_as_soon_as_it_reaches_the_threshold(monkeypatch):
    calls = item(
        "calls", 10, price=by_use(1), reset={"interval": "month"}, threshold_billing={"threshold": 20}
    )
    story = tell(
        monkeypatch,
        [plan("p", monthly(5), calls)],
        run("attach_plan", "c", "p"),
        {"now": day("2026-01-20")},
        used("2026-01-05", "calls", "15"),
        used("2026-01-10", "calls", "25"),
    )
    assert story.see("invoices")[1:] == ["2026-01-10 20 USD open: usage 20"]
    line = {"customer": "c", "feature": "calls", "amount": 50}
    story.tell([{"uses": [line | {"at": day("2026-01-12")}]}, *renewed("2026-02-01")])
    # 80 are above the 10 included: 20, then 60 in steps of 20, and nothing is left for the end of the month.
    assert story.see("invoices")[2:] == [
        "2026-01-12 60 USD open: usage 60",
        "2026-02-01 5 USD open: base 5",
    ]
    assert document(story.customer, story.now, "subscriptions.plan")["subscriptions"][0]["plan"]["items"][0][
        "threshold_billing"
    ] == {"threshold": 20}


def test_free_overage_is_counted_and_not_billed(monkeypatch):
    calls = item("calls", 10, price=by_use(1), reset={"interval": "month"})
    free = {"feature_id": "calls", "enabled": True, "skip_overage_billing": True}
    customer = {"id": "c", "name": "C", "env": "live", "created_at": 1704067200000}
    story = tell(
        monkeypatch,
        [plan("p", monthly(5), calls)],
        {"import": [customer | {"billing_controls": {"spend_limits": [free]}}]},
        run("attach_plan", "c", "p"),
        used("2026-01-05", "calls", "15"),
    )
    assert story.see("balance:calls") == "granted 10 remaining 0 usage 15 rollovers 0"
    assert document(story.customer, story.now)["billing_controls"]["spend_limits"] == [free]
    story.tell(renewed("2026-02-01"))
    assert story.see("invoices") == ["2026-01-01 5 USD open: base 5", "2026-02-01 5 USD open: base 5"]
    assert story.see("balance:calls") == "granted 10 remaining 10 usage 0 rollovers 0"
