"""The score of a pair: the sum of all evidence, mapped to 0…1.

Mailboxes, phones and devices correlate (customers that share an address often share a phone), so the strongest counts
fully and the others in part.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import exp

from msgspec import Struct

from crm.dedupe.duplicates.comparison import Comparison, Crowd
from crm.dedupe.duplicates.contact_rules import WAYS
from crm.dedupe.duplicates.contacts import is_contact
from crm.dedupe.duplicates.evidence import Evidence, Term
from crm.dedupe.duplicates.profile import Profile
from crm.dedupe.duplicates.rules import NUMBERS, RULES
from crm.dedupe.duplicates.weights import CURRENT, Weights
from customers.readings.names import Relation

#: The factor of the strongest, second, … such evidence.
_FURTHER_WAYS = (1.0, 0.5, 0.25)
#: Families, colleagues and companies of a group share several, so only the strongest counts.
_ALONE = (1.0,)
_EXPLAINED = (Relation.KIN, Relation.GROUP, Relation.UNRELATED, Relation.RENAMED)
#: Relations of names that allow a match without shared identifiers.
_PROMISING = (Relation.ALIKE, Relation.PART, Relation.LOOKS_ALIKE)
_MOST = 30.0


class Verdict(Struct, frozen=True):
    """The probability that two customers are duplicates, 0 to 1, with the evidence and the terms that it was computed from."""

    score: float
    evidence: tuple[Evidence, ...]
    terms: tuple[Term, ...] = ()

    @property
    def reasons(self) -> list[str]:
        """The reasons in words, those in favor first."""
        return [each.words for each in sorted(self.evidence, key=lambda each: -each.weight)]


def judge(a: Profile, b: Profile, crowd: Crowd) -> Verdict:
    """Score a pair."""
    pair = Comparison(a, b, crowd)
    ways = [each for rule in WAYS for each in rule(pair)]
    numbers = [each for rule in NUMBERS for each in rule(pair)]
    if not ways and not numbers and pair.relation not in _PROMISING and not is_contact(pair):
        return Verdict(0.0, ())
    ways.sort(key=lambda each: each.weight, reverse=True)
    others = [*numbers, *(each for rule in RULES for each in rule(pair))]
    parts = _ALONE if pair.relation in _EXPLAINED else _FURTHER_WAYS
    in_part = (Term(way.rule, part, way.term.crowd) for way, part in zip(ways, parts, strict=False))
    terms = (*in_part, *(each.term for each in others))
    return Verdict(score_of(terms), (*ways, *others), terms)


def score_of(terms: Iterable[Term], weights: Weights = CURRENT) -> float:
    """The score of a pair with these terms."""
    total = weights.before + sum(term.weigh(weights) for term in terms)
    return round(1 / (1 + exp(-max(-_MOST, min(_MOST, total)))), 4)
