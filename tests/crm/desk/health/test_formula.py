"""What each part of a score is worth, by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.desk.health.facts import HealthFacts, UsageTrend
from crm.desk.health.formula import SIGNALS, allowance, contact, issues, payments, tenure, usage
from crm.desk.health.scoring import WEIGHTS as SETTINGS
from crm.desk.health.scoring import score

WEIGHTS = {"payments": 30, "usage": 25, "allowance": 15, "contact": 10, "tenure": 10, "issues": 10}


def facts(**known: Any) -> HealthFacts:
    return HealthFacts(since=date(2025, 1, 31), **known)


def use(latest: float, before: float, feature: str = "API calls") -> UsageTrend:
    return UsageTrend(feature=feature, latest=Decimal(str(latest)), before=Decimal(str(before)))


@pytest.mark.parametrize(
    ("known", "share", "words"),
    [
        ({}, None, "Nothing billed yet."),
        ({"is_billed": True}, Fraction(1), "Nothing is past due."),
        ({"is_billed": True, "is_past_due": True}, Fraction(1, 2), "A subscription is past due."),
        ({"overdue": 1, "overdue_days": 0}, Fraction(1, 2), "1 invoice is past due, since today."),
        (
            {"overdue": 2, "overdue_days": 18},
            Fraction(7, 20),
            "2 invoices are past due, the oldest for 18 days.",
        ),
        ({"overdue": 1, "overdue_days": 61}, Fraction(0), "1 invoice is past due, the oldest for 61 days."),
    ],
)
def test_payments(known: dict[str, Any], share: Fraction | None, words: str) -> None:
    assert payments(facts(**known)) == (share, words)


@pytest.mark.parametrize(
    ("uses", "share", "words"),
    [
        ([], None, "No usage in the last 60 days."),
        ([use(5, 0)], Fraction(1), "Usage began in the last 30 days."),
        (
            [use(1500, 2000)],
            Fraction(3, 4),
            "API calls: 1,500 used in the last 30 days, 2,000 in the 30 before.",
        ),
        ([use(0, 8)], Fraction(0), "API calls: 0 used in the last 30 days, 8 in the 30 before."),
        ([use(-3, 8)], Fraction(0), "API calls: -3 used in the last 30 days, 8 in the 30 before."),
        ([use(9, 8)], Fraction(1), "API calls: 9 used in the last 30 days, 8 in the 30 before."),
        (
            [use(9, 8), use(1, 4, "Credits")],
            Fraction(5, 8),
            "Credits: 1 used in the last 30 days, 4 in the 30 before. 1 other feature fell less.",
        ),
    ],
)
def test_usage(uses: list[UsageTrend], share: Fraction | None, words: str) -> None:
    assert usage(facts(trends=uses)) == (share, words)


@pytest.mark.parametrize(
    ("silent", "share", "words"),
    [
        (None, None, "No contact logged yet."),
        (0, Fraction(1), "Last contact today."),
        (14, Fraction(1), "Last contact 14 days ago."),
        (52, Fraction(1, 2), "Last contact 52 days ago."),
        (90, Fraction(0), "Last contact 90 days ago."),
        (900, Fraction(0), "Last contact 900 days ago."),
    ],
)
def test_contact(silent: int | None, share: Fraction | None, words: str) -> None:
    assert contact(facts(silent_days=silent)) == (share, words)


@pytest.mark.parametrize(
    ("known", "share", "words"),
    [
        ({}, None, "No balance with an allowance."),
        ({"balances": 3}, Fraction(1), "3 balances have something left."),
        ({"balances": 3, "exhausted": ["Credits"]}, Fraction(1, 2), "Credits is at zero."),
        (
            {"balances": 3, "exhausted": ["Calls"], "over": [("Storage", Decimal("4.5"))]},
            Fraction(0),
            "Calls is at zero and Storage is 4.5 over.",
        ),
        (
            {"balances": 4, "exhausted": ["A", "B", "C", "D"]},
            Fraction(0),
            "A is at zero, B is at zero and 2 more.",
        ),
    ],
)
def test_allowance(known: dict[str, Any], share: Fraction | None, words: str) -> None:
    assert allowance(facts(**known)) == (share, words)


def test_one_call_does_not_turn_a_score_around() -> None:
    for silent in (None, 200):
        known = {
            "is_billed": True,
            "overdue": 1,
            "overdue_days": 0,
            "late_tasks": 1,
            "tenure_days": 365,
            "balances": 1,
        }
        before, after = (score(facts(**known, silent_days=days), WEIGHTS) for days in (silent, 0))
        assert before is not None
        assert after is not None
        # Of 75 known points, contact has 10.
        assert 0 < after.score - before.score <= 14


def test_tenure() -> None:
    assert tenure(facts(tenure_days=1)) == (
        Fraction(1, 730),
        "Customer since Jan 31, 2025 (1 day).",
    )
    assert tenure(facts(tenure_days=730))[0] == tenure(facts(tenure_days=4000))[0] == Fraction(1)


@pytest.mark.parametrize(
    ("known", "share", "words"),
    [
        ({}, Fraction(1), "No open issues."),
        ({"late_tasks": 1}, Fraction(1, 2), "1 task is late."),
        (
            {"canceled": 1, "is_suspended": True},
            Fraction(0),
            "1 subscription was canceled, the customer is suspended.",
        ),
        ({"late_tasks": 9}, Fraction(0), "9 tasks are late."),
    ],
)
def test_issues(known: dict[str, Any], share: Fraction, words: str) -> None:
    assert issues(facts(**known)) == (share, words)


def test_the_score_adds_up() -> None:
    found = score(
        facts(
            is_billed=True,
            overdue=1,
            overdue_days=18,
            trends=[use(1500, 2000)],
            balances=2,
            exhausted=["Credits"],
            silent_days=52,
            tenure_days=365,
            canceled=1,
        ),
        WEIGHTS,
    )
    assert found is not None
    # 0.35 of 30 are 10.5, 0.75 of 25 are 18.75; halves of 15 and of 10. A half goes to the even neighbour.
    assert [part.points for part in found.parts] == [10, 19, 8, 5, 5, 5]
    assert found.score == 52
    assert found.words == "based on 6 of 6 signals"


def test_what_cannot_be_known_is_not_counted() -> None:
    found = score(facts(is_billed=True, balances=1, tenure_days=73), WEIGHTS)
    assert found is not None
    # 30 of 30, 15 of 15, 1 of 10, 10 of 10: 56 of 65.
    assert [part.points for part in found.parts] == [30, None, 15, None, 1, 10]
    assert (found.score, found.words) == (86, "based on 4 of 6 signals")


def test_some_signals_alone_are_not_enough() -> None:
    assert score(facts(silent_days=0, tenure_days=730), WEIGHTS) is None
    # 50 of 100 points.
    assert score(facts(is_billed=True, tenure_days=730), WEIGHTS) is None


def test_a_part_without_weight_is_left_out() -> None:
    found = score(facts(is_billed=True), {"payments": 7})
    assert found is not None
    assert [(part.name, part.points) for part in found.parts] == [("Payments", 7)]
    assert found.score == 100
    assert score(facts(), {"usage": 25}) is None
    assert score(facts(), {}) is None


@given(
    overdue=st.integers(0, 9),
    days=st.integers(0, 5000),
    silent=st.none() | st.integers(0, 5000),
    tenure=st.integers(0, 9000),
    opened=st.integers(0, 50),
    amounts=st.lists(st.tuples(st.integers(-(10**15), 10**15), st.integers(-(10**15), 10**15)), max_size=4),
    weights=st.fixed_dictionaries(dict.fromkeys(WEIGHTS, st.integers(0, 999_999_999))),
)
def test_a_score_lies_from_0_to_100_and_no_part_has_more_than_its_most(
    overdue: int,
    days: int,
    silent: int | None,
    tenure: int,
    opened: int,
    amounts: list[tuple[int, int]],
    weights: dict[str, int],
) -> None:
    known = facts(
        is_billed=True,
        overdue=overdue,
        overdue_days=days,
        silent_days=silent,
        tenure_days=tenure,
        late_tasks=opened,
        trends=[use(latest, before, str(place)) for place, (latest, before) in enumerate(amounts)],
    )
    found = score(known, weights)
    if found is None:
        known_by_now = sum(
            weight for name, weight in weights.items() if name not in ("usage", "allowance", "contact")
        )
        assert not weights["payments"] or 100 * known_by_now < 60 * sum(weights.values())
        return
    assert 0 <= found.score <= 100
    assert all(part.words.endswith(".") for part in found.parts)
    assert all(0 <= part.points <= part.most for part in found.parts if part.points is not None)


def test_each_signal_has_a_weight() -> None:
    assert set(SETTINGS) == set(SIGNALS)
