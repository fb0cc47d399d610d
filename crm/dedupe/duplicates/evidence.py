"""Evidence for and against a pair, by the name of the rule that found it."""

from __future__ import annotations

from math import log

from msgspec import Struct

from crm.dedupe.duplicates.weights import CURRENT, Weights
from customers.formats import percent

#: From this many customers on, the reason says how many share it.
_CROWD = 3


class Term(Struct, array_like=True, frozen=True):
    """Evidence as a number: the rule, a factor of its weight, and how crowded it is (0 for two customers)."""

    rule: str
    factor: float = 1.0
    crowd: float = 0.0

    def weigh(self, weights: Weights) -> float:
        """The log-odds that it adds. Shared evidence is never against a pair, however many share it."""
        weight = weights.rules[self.rule]
        if self.crowd:
            weight = max(0.0, weight - weights.crowded[self.rule] * self.crowd)
        return weight * self.factor


class Evidence(Struct, frozen=True):
    """What a rule found: the reason in words, its term, and the weight of that in the current table."""

    words: str
    term: Term
    weight: float

    @property
    def rule(self) -> str:
        return self.term.rule


def found(rule: str, words: str, factor: float = 1.0) -> Evidence:
    """Evidence of `rule`, scaled by `factor`."""
    return _weighed(words, Term(rule, factor))


def shared(rule: str, words: str, count: int) -> Evidence:
    """Something that `count` customers share. The more share it, the less it weighs, down to 0."""
    if count >= _CROWD:
        words = f"{words}, shared by {count} customers"
    return _weighed(words, Term(rule, crowd=log(count - 1)))


def _weighed(words: str, term: Term) -> Evidence:
    return Evidence(words, term, term.weigh(CURRENT))


_ALMOST_CERTAIN = 0.995


def likelihood(score: float) -> str:
    """A score in words: `97%`, `over 99%`."""
    return f"over {percent(0.99)}" if score >= _ALMOST_CERTAIN else percent(score)
