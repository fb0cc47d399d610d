"""The weights are fitted to examples, near the ones of today."""

from __future__ import annotations

from math import log

import pytest

from crm.dedupe.duplicates.evidence import Term
from crm.dedupe.duplicates.fit import Band, Example, fitted, quality, solved
from crm.dedupe.duplicates.weights import CURRENT, FIXED, Weights

START = Weights(
    version=7,
    before=-2.0,
    rules={"same phone": 6.0, "another city": -0.4, "same domain": 2.5, "another tax id": -13.0},
    crowded={"same phone": 2.0},
)


def examples(duplicates: int, others: int, *terms: Term) -> list[Example]:
    """Pairs with these terms."""
    return [Example(terms, True)] * duplicates + [Example(terms, False)] * others


def test_a_rule_alone_comes_to_the_log_odds_of_its_examples() -> None:
    fit = fitted(examples(300, 100, Term("same phone")), START, ridge=1e-6)
    assert fit.rules["same phone"] == pytest.approx(log(3) + 2.0, abs=0.01)
    assert (fit.version, fit.before) == (8, -2.0)


def test_crowding_is_fitted_beside_the_weight() -> None:
    pairs = examples(300, 100, Term("same phone")) + examples(200, 200, Term("same phone", crowd=1.0))
    fit = fitted(pairs, START, ridge=1e-6)
    assert fit.rules["same phone"] == pytest.approx(log(3) + 2.0, abs=0.01)
    assert fit.crowded["same phone"] == pytest.approx(log(3), abs=0.01)


def test_a_factor_counts_as_a_part() -> None:
    fit = fitted(examples(300, 100, Term("same phone", factor=0.5)), START, ridge=1e-6)
    assert fit.rules["same phone"] == pytest.approx(2 * (log(3) + 2.0), abs=0.02)


def test_few_examples_move_little() -> None:
    few = fitted(examples(3, 1, Term("same phone")), START)
    many = fitted(examples(3000, 1000, Term("same phone")), START)
    assert 5.5 < few.rules["same phone"] < 6.0
    assert 3.0 < many.rules["same phone"] < 3.5


def test_no_weight_changes_its_sign() -> None:
    fit = fitted(
        examples(0, 500, Term("same phone")) + examples(500, 0, Term("another city")), START, ridge=0.1
    )
    assert fit.rules["same phone"] == 0.0
    assert fit.rules["another city"] == 0.0


def test_traps_and_rules_without_an_example_stay() -> None:
    fit = fitted(examples(500, 0, Term("same phone"), Term("another tax id")), START)
    assert fit.rules["another tax id"] == -13.0
    assert fit.rules["same domain"] == 2.5


def test_nothing_moves_without_examples() -> None:
    fit = fitted([], START)
    assert (fit.rules, fit.crowded) == (START.rules, START.crowded)


def test_the_quality_at_the_default_score() -> None:
    """6.0 - 2.0 are 0.982, 2.5 - 2.0 are 0.622, -2.0 is 0.119."""
    pairs = [
        *examples(3, 1, Term("same phone")),
        *examples(1, 1, Term("same domain")),
        *examples(0, 4),
    ]
    measured = quality(pairs, START, bands=(0.9, 0.5, 0.0))
    assert (measured.precision, measured.recall) == (0.75, 0.75)
    assert measured.bands == (Band(0.9, 4, 3), Band(0.5, 2, 1), Band(0.0, 4, 0))


def test_a_system_of_equations() -> None:
    """x + 2y = 5 and 3x - y = 1: x = 1, y = 2."""
    assert solved([[1.0, 2.0], [3.0, -1.0]], [5.0, 1.0]) == pytest.approx([1.0, 2.0])


def test_the_table_has_each_rule_that_is_fixed_or_crowded() -> None:
    assert set(FIXED) <= set(CURRENT.rules)
    assert set(CURRENT.crowded) <= set(CURRENT.rules)
