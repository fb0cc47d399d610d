"""Scores: the points of the parts, added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from django.conf import settings

from crm.desk.health.facts import HealthFacts, facts_of
from crm.desk.health.formula import SIGNALS, points_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A part of a score: `points` of at most `most`, and why. A part of which nothing can be said has no points."""

    name: str
    points: int | None
    most: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How well a customer fares, from 0 to 100: the points of what can be said, as a percentage of the most."""

    score: int
    parts: tuple[Signal, ...]

    @property
    def words(self) -> str:
        """How the score comes from the points."""
        said = [part for part in self.parts if part.points is not None]
        points, most = sum(part.points or 0 for part in said), sum(part.most for part in said)
        return f"{points} of {most} points" + ("" if most == 100 else f", which is {self.score} of 100")


def health_of(customer_ids: Sequence[str], at: datetime) -> dict[str, Health]:
    """How well these customers fare at `at`, in a fixed number of queries. Who has no part with points is left out."""
    found = {key: score(facts, settings.HEALTH_WEIGHTS) for key, facts in facts_of(customer_ids, at).items()}
    return {key: health for key, health in found.items() if health is not None}


def score(facts: HealthFacts, weights: Mapping[str, int]) -> Health | None:
    """The score by `weights`, the most points of each part by its name; a part that weighs nothing is not there."""
    parts = []
    for name, (title, judge) in SIGNALS.items():
        most = weights.get(name, 0)
        if most:
            share, words = judge(facts)
            points = None if share is None else points_of(share, most)
            parts.append(Signal(name=title, points=points, most=most, words=words))
    most = sum(part.most for part in parts if part.points is not None)
    if not most:
        return None
    points = sum(part.points or 0 for part in parts)
    return Health(score=round(Fraction(100 * points, most)), parts=tuple(parts))
