"""Fit the weights to pairs whose answer is known, by logistic regression.

The examples are few compared with what customers look like, so each weight is drawn toward the one of the current table
(a ridge). A weight never changes its sign. Some rules keep theirs (`weights.FIXED`), and so does `before`, because
examples are not as rare among each other as duplicates are among customers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from math import exp, log1p

from msgspec import Struct

from crm.dedupe.duplicates.evidence import Term
from crm.dedupe.duplicates.score import score_of
from crm.dedupe.duplicates.weights import DEFAULT_SCORE, FIXED, Weights

#: How much examples must disagree with a weight to move it: that of so many examples.
RIDGE = 30.0
_STEPS = 40
_HALVINGS = 12
_ENOUGH = 1e-6

_Name = tuple[str, str]
_Row = list[tuple[int, float]]


class Example(Struct, frozen=True):
    """A pair with its terms, and whether both are one customer. `kind` names how a planted one was made."""

    terms: tuple[Term, ...]
    is_duplicate: bool
    kind: str = ""


class Band(Struct, frozen=True):
    """Pairs with a score of at least `least`, and below the next band: how many there are, how many are duplicates."""

    least: float
    pairs: int
    duplicates: int


class Quality(Struct, frozen=True):
    """How well a table tells duplicates at the default score: the share of the found that are right, and of the right that are found."""

    precision: float
    recall: float
    bands: tuple[Band, ...]


def quality(
    examples: Iterable[Example],
    weights: Weights,
    bands: Sequence[float] = (0.99, 0.95, 0.9, 0.75, 0.5, 0.25, 0.0),
) -> Quality:
    """Score `examples` with `weights`."""
    scored = sorted(((score_of(each.terms, weights), each.is_duplicate) for each in examples), reverse=True)
    found = [is_duplicate for score, is_duplicate in scored if score >= DEFAULT_SCORE]
    every = sum(is_duplicate for _, is_duplicate in scored)
    counted = []
    for least, group in groupby(scored, lambda each: next(band for band in bands if each[0] >= band)):
        answers = [is_duplicate for _, is_duplicate in group]
        counted.append(Band(least, len(answers), sum(answers)))
    return Quality(
        sum(found) / len(found) if found else 1.0, sum(found) / every if every else 1.0, tuple(counted)
    )


def fitted(examples: Iterable[Example], start: Weights, *, ridge: float = RIDGE) -> Weights:
    """The table that fits `examples` best, near `start`. Weights without an example stay as they are."""
    counts = Counter((each.terms, each.is_duplicate) for each in examples)
    fit = _Fit(counts, start, ridge)
    values = fit.run()
    rules, crowded = dict(start.rules), dict(start.crowded)
    for (kind, rule), value in zip(fit.names, values, strict=True):
        table = rules if kind == "rule" else crowded
        table[rule] = round(value, 2)
    return Weights(start.version + 1, start.before, rules, crowded)


class _Fit:
    """Newton's method. Each step goes as far as the loss falls."""

    def __init__(self, counts: Counter[tuple[tuple[Term, ...], bool]], start: Weights, ridge: float) -> None:
        self._examples = [(terms, float(answer), number) for (terms, answer), number in counts.items()]
        self._start, self._ridge = start, ridge
        terms = [term for terms, _, _ in self._examples for term in terms if term.rule not in FIXED]
        rules = sorted({term.rule for term in terms})
        crowded = sorted({term.rule for term in terms if term.crowd})
        self.names: list[_Name] = [
            *(("rule", rule) for rule in rules),
            *(("crowded", rule) for rule in crowded),
        ]
        self._places = {name: place for place, name in enumerate(self.names)}
        self._prior = [
            *(start.rules[rule] for rule in rules),
            *(start.crowded[rule] for rule in crowded),
        ]

    def run(self) -> list[float]:
        values = self._prior
        loss = self._loss(values)
        for _ in range(_STEPS):
            step = solved(*self._slope(values))
            for halving in range(_HALVINGS):
                tried = self._with_signs(
                    [value - change / 2**halving for value, change in zip(values, step, strict=True)]
                )
                now = self._loss(tried)
                if now < loss:
                    break
            else:
                return values
            values, is_done, loss = tried, loss - now < _ENOUGH * loss, now
            if is_done:
                return values
        return values

    def _with_signs(self, values: list[float]) -> list[float]:
        kept = []
        for value, prior in zip(values, self._prior, strict=True):
            kept.append(max(0.0, value) if prior > 0 else min(0.0, value) if prior < 0 else value)
        return kept

    def _row(self, terms: tuple[Term, ...], values: list[float]) -> tuple[float, _Row]:
        """The log-odds, and by how much each value adds to them."""
        total = self._start.before
        row: _Row = []
        for term in terms:
            place = self._places.get(("rule", term.rule))
            if place is None:
                total += term.weigh(self._start)
                continue
            lost = 0.0
            if term.crowd:
                crowded = self._places["crowded", term.rule]
                lost = values[crowded] * term.crowd
                if values[place] <= lost:
                    continue
                row.append((crowded, -term.crowd * term.factor))
            row.append((place, term.factor))
            total += (values[place] - lost) * term.factor
        return total, row

    def _loss(self, values: list[float]) -> float:
        loss = (
            self._ridge
            / 2
            * sum((change / self._scale(place)) ** 2 for place, change in enumerate(self._changes(values)))
        )
        for terms, answer, number in self._examples:
            total, _ = self._row(terms, values)
            against = -total if answer else total
            loss += number * (max(0.0, against) + log1p(exp(-abs(against))))
        return loss

    def _slope(self, values: list[float]) -> tuple[list[list[float]], list[float]]:
        """The second and the first derivatives of the loss."""
        size = len(values)
        bend = [[0.0] * size for _ in range(size)]
        slope = [0.0] * size
        for place, change in enumerate(self._changes(values)):
            stiffness = self._ridge / self._scale(place) ** 2
            bend[place][place] = stiffness
            slope[place] = stiffness * change
        for terms, answer, number in self._examples:
            total, row = self._row(terms, values)
            likely = 1 / (1 + exp(-max(-30.0, min(30.0, total))))
            error, certainty = number * (likely - answer), number * likely * (1 - likely)
            for place, amount in row:
                slope[place] += error * amount
                for other, theirs in row:
                    bend[place][other] += certainty * amount * theirs
        return bend, slope

    def _changes(self, values: list[float]) -> list[float]:
        return [value - prior for value, prior in zip(values, self._prior, strict=True)]

    def _scale(self, place: int) -> float:
        """Large weights may move further than small ones, and crowding further than what it takes from."""
        return max(1.0, abs(self._prior[place]) / (1 if self.names[place][0] == "crowded" else 2))


def solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """The solution of a system of linear equations, by Gaussian elimination."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(rows[row][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for below in range(column + 1, size):
            ratio = rows[below][column] / rows[column][column]
            if ratio:
                rows[below] = [a - ratio * b for a, b in zip(rows[below], rows[column], strict=True)]
    found = [0.0] * size
    for row in reversed(range(size)):
        rest = sum(rows[row][column] * found[column] for column in range(row + 1, size))
        found[row] = (rows[row][size] - rest) / rows[row][row]
    return found
