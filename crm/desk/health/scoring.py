"""Health scores: the points of the signals, added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from crm.desk.health.facts import HealthFacts, facts_of
from crm.desk.health.formula import SIGNALS, points_of
from customers.configuration.table import (
    HEALTH_WEIGHT_ALLOWANCE,
    HEALTH_WEIGHT_CONTACT,
    HEALTH_WEIGHT_ISSUES,
    HEALTH_WEIGHT_PAYMENTS,
    HEALTH_WEIGHT_TENURE,
    HEALTH_WEIGHT_USAGE,
)
from customers.configuration.values import value_of

#: The setting of each signal's weight.
WEIGHTS = {
    "payments": HEALTH_WEIGHT_PAYMENTS,
    "usage": HEALTH_WEIGHT_USAGE,
    "allowance": HEALTH_WEIGHT_ALLOWANCE,
    "contact": HEALTH_WEIGHT_CONTACT,
    "tenure": HEALTH_WEIGHT_TENURE,
    "issues": HEALTH_WEIGHT_ISSUES,
}

#: Signals that say how a customer does. The others, such as tenure, are known of everyone.
DECISIVE = {"payments", "usage", "allowance"}
#: So many of all points must be known, in percent.
_ENOUGH_PERCENT = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One signal of a score: `points` of at most `most`, and why. `points` is None if nothing is known."""

    name: str
    points: int | None
    most: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A score from 0 to 100: the points of the known signals as a percentage of the most they could have."""

    score: int
    parts: tuple[Signal, ...]

    @property
    def words(self) -> str:
        """`based on 4 of 5 signals`."""
        known = sum(part.points is not None for part in self.parts)
        return f"based on {known} of {len(self.parts)} signals"


def weights_in_use() -> dict[str, int]:
    """The most points of each signal."""
    return {name: value_of(setting) for name, setting in WEIGHTS.items()}


def health_of(customer_ids: Sequence[str], at: datetime) -> dict[str, Health]:
    """The health of these customers at `at`, in a fixed number of queries; only of those with enough data."""
    weights = weights_in_use()
    found = {key: score(facts, weights) for key, facts in facts_of(customer_ids, at).items()}
    return {key: health for key, health in found.items() if health is not None}


def score(facts: HealthFacts, weights: Mapping[str, int]) -> Health | None:
    """The score, where `weights` has the most points of each signal; a signal without weight is left out.

    None if there is not enough data: none of `DECISIVE` is known, or too few of all points.
    """
    parts = []
    is_enough = False
    for name, (title, formula) in SIGNALS.items():
        most = weights.get(name, 0)
        if most:
            share, words = formula(facts)
            points = None if share is None else points_of(share, most)
            is_enough = is_enough or (name in DECISIVE and points is not None)
            parts.append(Signal(name=title, points=points, most=most, words=words))
    most = sum(part.most for part in parts if part.points is not None)
    if not is_enough or 100 * most < _ENOUGH_PERCENT * sum(part.most for part in parts):
        return None
    points = sum(part.points or 0 for part in parts)
    return Health(score=round(Fraction(100 * points, most)), parts=tuple(parts))
