"""Variants of the reported faults: the whole kind is to be right. The figures are worked out by hand.

January 2026 has 31 days, so noon of the 16th is its middle, and 06:00 of the 24th the middle of what is left then.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.billing.cases.story import Step, Story, catalog
from tests.billing.cases.test_reported import FILE
from tests.billing.subscriptions.timeline import document

pytestmark = pytest.mark.django_db

THREE = FILE["catalogs"]["three plans"]
MIDDLE = "2026-01-16T12:00:00Z"
START = "2026-01-01T00:00:00Z"
TRIAL = {"duration_length": 14, "duration_type": "day", "card_required": False}
FEATURES = [
    {"id": "calls", "type": "metered", "consumable": True},
    {"id": "seats", "type": "metered", "consumable": False},
]


def day(text: str) -> str:
    return f"{text}T00:00:00Z"


def run(*words: str) -> Step:
    return {"run": list(words)}


def renewed(text: str) -> list[Step]:
    """The clock shows the start of a day, and what is due is done."""
    return [{"now": day(text)}, run("renew", "--now", day(text))]


def used(text: str, feature: str, amount: str) -> Step:
    return run("record_usage", "--at", day(text), "--", "c", feature, amount)


def monthly(amount: float) -> dict[str, Any]:
    return {"amount": amount, "interval": "month"}


def plan(plan_id: str, price: object, *items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": plan_id, "group": "main", "price": price, "items": list(items), **fields}


def item(feature: str, included: int, **fields: Any) -> dict[str, Any]:
    return {"feature_id": feature, "included": included, **fields}


def by_use(amount: float, interval: str = "month") -> dict[str, Any]:
    return {
        "amount": amount,
        "interval": interval,
        "billing_units": 1,
        "billing_method": "usage_based",
        "max_purchase": None,
    }


def tell(monkeypatch: pytest.MonkeyPatch, plans: dict[str, Any] | list[Any], *steps: Step) -> Story:
    """A story that begins on January 1. `plans` is a catalog or a list of plans."""
    story = Story(monkeypatch)
    wanted = {"features": FEATURES, "plans": plans} if isinstance(plans, list) else plans
    story.tell([{"now": START}, {"catalog": wanted}, {"import": "c"}, *steps])
    return story


def test_the_catalog_of_a_story_is_whole():
    assert catalog([], [plan("free", None)])["plans"][0]["version"] == 1


@pytest.mark.parametrize("undone", ["void", "credit"])
def test_an_invoice_that_nobody_pays_gives_nothing_back(monkeypatch, undone):
    story = tell(
        monkeypatch,
        THREE,
        run("attach_plan", "c", "basic"),
        {undone: 1},
        {"now": MIDDLE},
        run("change_plan", "c", "basic", "big"),
    )
    assert story.see("invoices")[1] == "2026-01-16T12:00:00Z 100 USD open: proration 100"


def test_a_half_that_is_credited_leaves_half_of_the_unused_time(monkeypatch):
    story = tell(monkeypatch, THREE, run("attach_plan", "c", "basic"))
    story.credit(1, 5000)
    story.tell([{"now": MIDDLE}, run("change_plan", "c", "basic", "big")])
    assert story.see("invoices")[1] == "2026-01-16T12:00:00Z 75 USD open: proration -25, proration 100"


def test_unused_time_has_the_tax_of_its_invoice(monkeypatch):
    story = tell(
        monkeypatch,
        THREE,
        {"tax": 20},
        run("attach_plan", "c", "basic"),
        {"now": MIDDLE},
        {"tax": 10},
        run("change_plan", "c", "basic", "big"),
    )
    assert story.see("invoices") == [
        "2026-01-01 120 USD open: base 100, tax 20",
        "2026-01-16T12:00:00Z 50 USD open: proration -50, proration 100, tax 10, tax -10",
    ]


def test_a_change_gives_back_what_the_change_before_it_billed(monkeypatch):
    story = tell(
        monkeypatch,
        THREE,
        run("attach_plan", "c", "basic"),
        {"now": MIDDLE},
        run("change_plan", "c", "basic", "big"),
        {"now": "2026-01-24T06:00:00Z"},
        run("change_plan", "c", "big", "small", "--at-once"),
        *renewed("2026-02-01"),
    )
    assert story.see("invoices") == [
        "2026-01-01 100 USD open: base 100",
        "2026-01-16T12:00:00Z 50 USD open: proration -50, proration 100",
        "2026-01-24T06:00:00Z 0 USD paid: proration -50, proration 2.5, credit 47.5",
        "2026-02-01 0 USD paid: base 10, credit -10",
    ]
    assert story.see("credits") == ["37.5 USD"]


def test_another_plan_keeps_past_due_and_the_discount_and_gets_no_more_until_paid(monkeypatch):
    half = {
        "name": "half",
        "type": "percentage_discount",
        "discount_value": 50,
        "duration_type": "forever",
    }
    story = tell(
        monkeypatch,
        THREE,
        run("attach_plan", "c", "basic"),
        {"discount": half},
        {"scope": 1},
        *renewed("2026-02-20"),
        run("change_plan", "c", "basic", "big"),
        *renewed("2026-03-01"),
    )
    assert story.see("subscriptions") == ["big x 1 active past due"]
    # 9 of February's 28 days are left: of 50, and of 200 less the half.
    assert story.see("invoices")[2:] == [
        "2026-02-20 16.08 USD open: proration -16.07, proration 64.29, discount -32.14",
        "2026-03-01 100 USD open: base 200, discount -100",
    ]
    assert story.see("remaining:calls") == "100"
    story.tell([{"pay": 1}, *renewed("2026-03-02")])
    assert story.see("remaining:calls") == "500"


@pytest.mark.parametrize("until", ["2026-01-16T12:00:00Z", "2026-02-01T00:00:00Z"])
def test_a_change_that_lies_ahead_is_made_when_it_is_due(monkeypatch, until):
    story = tell(monkeypatch, THREE, run("attach_plan", "c", "basic"))
    story.run("change_plan", "c", "basic", "big", "--at", until)
    assert story.see("subscriptions") == ["basic x 1 active", "big x 1 scheduled"]
    assert story.see("sum") == "100"
    story.tell(renewed("2026-02-01"))
    assert story.see("subscriptions") == ["big x 1 active"]
    # Half of the old month back and half of the new one, or the old month in full.
    assert story.see("sum") == ("350" if until == MIDDLE else "300")


def test_a_cancellation_that_lies_ahead_ends_it_then(monkeypatch):
    story = tell(monkeypatch, THREE, run("attach_plan", "c", "basic"))
    story.run("cancel_subscription", "c", "basic", "--at", "2026-03-10")
    story.tell(renewed("2026-04-01"))
    assert story.see("sum") == "300"
    assert story.see("remaining:calls") == "0"


@pytest.mark.parametrize(
    "words", [["cancel_subscription", "c", "basic", "--now"], ["change_plan", "c", "basic", "big"]]
)
def test_nothing_happens_before_the_open_period(monkeypatch, words):
    story = tell(monkeypatch, THREE, run("attach_plan", "c", "basic"), *renewed("2026-02-10"))
    story.step({"run": [*words, "--at", "2026-01-20"], "any": True})
    assert "Enter 2026-02-01 00:00 UTC or a later time" in story.said
    assert story.see("sum") == "200"


def test_a_plan_does_not_begin_before_another_one_ended(monkeypatch):
    story = tell(
        monkeypatch,
        THREE,
        run("attach_plan", "c", "basic"),
        {"now": day("2026-01-20")},
        run("cancel_subscription", "c", "basic", "--now"),
    )
    story.step({"run": ["attach_plan", "c", "big", "--at", "2026-01-10"], "any": True})
    assert "The customer had basic v1 until Jan 20, 2026" in story.said
    assert story.see("sum") == "100"


def test_a_one_off_plan_that_lies_ahead(monkeypatch):
    pack = plan("pack", {"amount": 30, "interval": "one_off"}, item("calls", 50), group=None)
    story = tell(monkeypatch, [pack])
    story.run("attach_plan", "c", "pack", "--at", "2026-01-15")
    assert (story.see("invoices"), story.see("remaining:calls")) == ([], "0")
    assert document(story.customer, story.now)["purchases"] == []
    story.tell(renewed("2026-01-16"))
    assert (story.see("invoices"), story.see("remaining:calls")) == (
        ["2026-01-15 30 USD open: base 30"],
        "50",
    )


def test_seats_stay_in_use_under_another_plan_and_are_billed_once_a_month(monkeypatch):
    story = tell(
        monkeypatch,
        [
            plan("team", monthly(50), item("seats", 3, price=by_use(10))),
            plan("corp", monthly(90), item("seats", 4, price=by_use(10))),
        ],
        run("attach_plan", "c", "team"),
        used("2026-01-02", "seats", "8"),
        {"now": MIDDLE},
        run("change_plan", "c", "team", "corp"),
        *renewed("2026-02-01"),
        used("2026-02-02", "seats", "-6"),
        *renewed("2026-03-01"),
    )
    assert story.see("invoices") == [
        "2026-01-01 50 USD open: base 50",
        "2026-01-16T12:00:00Z 20 USD open: proration -25, proration 45",
        "2026-02-01 130 USD open: usage 40, base 90",
        "2026-03-01 90 USD open: base 90",
    ]
    assert story.see("balance:seats") == "granted 4 remaining 2 usage 2 rollovers 0"


def test_seats_by_the_month_of_a_yearly_plan(monkeypatch):
    team = plan("team", {"amount": 100, "interval": "year"}, item("seats", 3, price=by_use(10)))
    story = tell(
        monkeypatch,
        [team],
        run("attach_plan", "c", "team"),
        used("2026-01-02", "seats", "5"),
        *renewed("2026-04-01"),
        run("cancel_subscription", "c", "team", "--now"),
    )
    # A cycle that has just begun bills nothing.
    assert story.see("totals") == [
        "2026-01-01 100 open",
        "2026-02-01 20 open",
        "2026-03-01 20 open",
        "2026-04-01 20 open",
    ]


def test_packs_by_the_year_of_a_monthly_plan(monkeypatch):
    packs = by_use(120, "year") | {"billing_method": "prepaid"}
    story = tell(
        monkeypatch,
        [plan("team", monthly(10), item("seats", 0, price=packs))],
        run("attach_plan", "c", "team", "--prepaid", "seats=2"),
        *renewed("2026-04-01"),
        run("change_plan", "c", "team", "team", "--prepaid", "seats=3"),
        *renewed("2027-01-01"),
    )
    totals = story.see("invoices")
    # 275 of 365 days are left of 240 and of 360. The base price goes on as it was billed.
    assert totals[4] == "2026-04-01 90.41 USD open: proration -180.82, proration 271.23"
    assert totals[-1] == "2027-01-01 370 USD open: prepaid 360, base 10"
    assert len(totals) == 14
    assert story.see("mrr") == {"USD": "40"}


def test_use_that_is_never_reset_is_billed_each_month_for_what_is_new(monkeypatch):
    story = tell(
        monkeypatch,
        [plan("p", monthly(5), item("calls", 10, price=by_use(1)))],
        run("attach_plan", "c", "p"),
        used("2026-01-05", "calls", "15"),
        *renewed("2026-02-01"),
        used("2026-02-05", "calls", "3"),
        *renewed("2026-04-01"),
    )
    assert story.see("totals") == [
        "2026-01-01 5 open",
        "2026-02-01 10 open",
        "2026-03-01 8 open",
        "2026-04-01 5 open",
    ]


def test_a_change_in_a_trial_begins_the_other_trial(monkeypatch):
    story = tell(
        monkeypatch,
        [
            plan("a", monthly(20), free_trial=TRIAL),
            plan("b", monthly(40), free_trial=TRIAL | {"duration_length": 7}),
        ],
        run("attach_plan", "c", "a"),
        {"now": day("2026-01-05")},
        run("attach_plan", "c", "b"),
        *renewed("2026-01-12"),
    )
    assert story.see("invoices") == ["2026-01-12 40 USD open: base 40"]


@pytest.mark.parametrize(
    ("plans", "attached", "left"),
    [
        ([plan("free", None, item("calls", 5))], ["free", "pro"], ["free x 1 active"]),
        (
            [plan("free", None, item("calls", 5), auto_enable=True)],
            ["pro"],
            ["pro x 1 ended", "free x 1 active"],
        ),
        ([], ["pro"], ["pro x 1 ended"]),
    ],
    ids=["to the plan before", "to the default plan", "to nothing"],
)
def test_a_trial_that_goes_back(monkeypatch, plans, attached, left):
    pro = plan("pro", monthly(20), item("calls", 100), free_trial=TRIAL | {"on_end": "revert"})
    story = tell(monkeypatch, [*plans, pro], *(run("attach_plan", "c", each) for each in attached))
    assert story.see("remaining:calls") == "100"
    story.tell(renewed("2026-01-20"))
    assert story.see("subscriptions") == left
    assert story.see("invoices") == []
    assert story.see("remaining:calls") == ("0" if len(left) == 1 and "ended" in left[0] else "5")


def test_the_default_plan_begins_when_a_plan_is_canceled_immediately(monkeypatch):
    story = tell(
        monkeypatch,
        [
            plan("free", None, item("calls", 5), auto_enable=True),
            plan("pro", monthly(20), item("calls", 100)),
        ],
        run("attach_plan", "c", "pro"),
        {"now": day("2026-01-10")},
        run("cancel_subscription", "c", "pro", "--now"),
    )
    assert story.see("subscriptions") == ["pro x 1 ended", "free x 1 active"]
    assert story.see("remaining:calls") == "5"


def test_a_lower_quantity_begins_at_period_end_with_what_rolled_over(monkeypatch):
    story = tell(
        monkeypatch,
        THREE,
        run("attach_plan", "c", "basic", "--quantity", "3"),
        used("2026-01-05", "calls", "250"),
        run("change_plan", "c", "basic", "basic", "--quantity", "1"),
    )
    assert story.see("balance:calls") == "granted 300 remaining 50 usage 250 rollovers 0"
    story.tell(renewed("2026-02-01"))
    assert story.see("subscriptions") == ["basic x 1 active"]
    assert story.see("balance:calls") == "granted 100 remaining 100 usage 0 rollovers 0"
    assert story.see("totals") == ["2026-01-01 300 open", "2026-02-01 100 open"]


def test_a_change_of_quantity_keeps_the_version(monkeypatch):
    basic, dearer = (plan("basic", monthly(amount), item("calls", 100)) for amount in (100, 150))
    story = tell(
        monkeypatch,
        [basic],
        run("attach_plan", "c", "basic"),
        {"catalog": {"features": FEATURES, "plans": [dearer | {"version": 2}]}},
        run("change_plan", "c", "basic", "basic", "--quantity", "2"),
        *renewed("2026-02-01"),
    )
    assert story.see("totals")[-1] == "2026-02-01 200 open"
    story.tell([run("change_plan", "c", "basic", "basic", "--newest-version"), *renewed("2026-03-01")])
    assert story.see("totals")[-1] == "2026-03-01 300 open"


def test_invoices_of_a_late_renewal_make_nobody_past_due_before_they_are_due(monkeypatch):
    story = tell(
        monkeypatch,
        [plan("p", monthly(5), item("calls", 10, price=by_use(1), reset={"interval": "month"}))],
        run("attach_plan", "c", "p"),
        {"pay": 1},
        used("2026-01-05", "calls", "15"),
        *renewed("2026-06-02"),
    )
    assert story.see("subscriptions") == ["p x 1 active"]
    assert story.see("balance:calls") == "granted 10 remaining 10 usage 0 rollovers 0"
    assert [due for due in story.see("due")[1:] if "by 2026-07-17 open" not in due] == []
    story.tell(renewed("2026-07-17"))
    assert story.see("subscriptions") == ["p x 1 active past due"]


def test_what_a_change_gave_back_is_not_credited_again(monkeypatch):
    """Half of $100 came back with the change, so a credit note has at most the other half, with its tax."""
    story = tell(
        monkeypatch,
        THREE,
        {"tax": 20},
        run("attach_plan", "c", "basic"),
        {"now": MIDDLE},
        run("change_plan", "c", "basic", "big"),
        {"credit": 1},
    )
    assert story.see("due")[0].startswith("INV-000001 due 60 ")
    story.step({"credit": 1, "any": True})
    assert "already credited in full" in story.said


def test_an_invoice_that_a_later_one_continues_from_is_not_voided_before_it(monkeypatch):
    """The upgrade billed the second half of January, and the downgrade gave a quarter of it back."""
    story = tell(
        monkeypatch,
        THREE,
        run("attach_plan", "c", "basic"),
        {"now": MIDDLE},
        run("change_plan", "c", "basic", "big"),
        {"now": "2026-01-24T06:00:00Z"},
        run("change_plan", "c", "big", "small", "--at-once"),
    )
    for place, named in ((1, "INV-000002"), (2, "INV-000003")):
        story.step({"void": place, "any": True})
        assert f"Void {named} first" in story.said
    story.tell([{"void": 3}, {"void": 2}, {"void": 1}])
    assert [each.split()[-1] for each in story.see("totals")] == ["void", "void", "void"]


def test_a_scheduled_purchase_is_canceled_before_it_starts(monkeypatch):
    pack = plan("pack", {"amount": 30, "interval": "one_off"}, item("calls", 50), group=None)
    story = tell(monkeypatch, [pack])
    story.run("attach_plan", "c", "pack", "--at", "2026-01-15")
    story.run("cancel_subscription", "c", "pack")
    assert "will not start" in story.said
    story.tell(renewed("2026-02-01"))
    assert (story.see("invoices"), story.see("sum")) == ([], "0")


def test_a_change_is_not_dated_before_the_change_before_it(monkeypatch):
    """From January 16 on, the time is billed at the price of the big plan, so a change on the 10th would bill it twice."""
    story = tell(
        monkeypatch,
        THREE,
        run("attach_plan", "c", "basic"),
        {"now": MIDDLE},
        run("change_plan", "c", "basic", "big"),
        {"now": day("2026-01-20")},
    )
    for words in (
        ["change_plan", "c", "big", "small", "--at-once"],
        ["cancel_subscription", "c", "big", "--now"],
    ):
        story.step({"run": [*words, "--at", "2026-01-10"], "any": True})
        assert "Enter 2026-01-16 12:00 UTC or a later time" in story.said
    assert story.see("sum") == "150"
