"""Compare all customers in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from msgspec import Struct

from crm.dedupe.duplicates.evidence import Term
from crm.dedupe.duplicates.index import CardIndex, card_index
from crm.dedupe.duplicates.profile import Profile
from crm.dedupe.duplicates.read_profile import changed_since, read_profiles
from crm.dedupe.duplicates.score import Verdict, judge
from crm.dedupe.duplicates.weights import DEFAULT_SCORE
from customers.models import Customer
from customers.models.customer import CustomerQuerySet

Step = Callable[[str, int], Callable[[int], object]]


class FoundPair(Struct, array_like=True, frozen=True):
    """Two customers that may be duplicates, `a` with the smaller ID, with their names and identifiers.

    `terms` are what the score was computed from.
    """

    a: str
    b: str
    score: float
    reasons: list[str]
    a_ids: list[str]
    b_ids: list[str]
    a_name: str = ""
    b_name: str = ""
    terms: tuple[Term, ...] = ()


class Sweep:
    """The result of a sweep, kept in a file until the sweep is closed."""

    def __init__(self, index: CardIndex) -> None:
        self._index = index

    def pairs(self, min_score: float = DEFAULT_SCORE) -> Iterator[FoundPair]:
        """Pairs with at least `min_score`, likeliest first."""
        return self._index.kept(FoundPair, min_score)


def to_be_swept(env: str | None = None) -> CustomerQuerySet:
    """The customers to compare: neither merged nor archived, of one environment or all."""
    customers = Customer.objects.current()
    return customers.filter(env=env) if env else customers


@contextmanager
def swept(
    *,
    since: datetime | None = None,
    min_score: float = DEFAULT_SCORE,
    env: str | None = None,
    step: Step | None = None,
) -> Iterator[Sweep]:
    """Compare all customers that share a blocking key. Pairs below `min_score` are dropped.

    With `since`, only pairs with a customer that was created, changed or received at that time or later. `step` is called with
    a label and a total and returns a callback for progress. Memory does not grow with the number of customers.
    """
    step = step or _untold
    with card_index() as index:
        _fill(index, to_be_swept(env), since, step)
        tell = step("comparing", index.complete(only_fresh=since is not None))
        for mine, theirs in index.candidates():
            tell(1)
            verdict = judge(mine, theirs, index)
            if verdict.score >= min_score:
                index.keep(verdict.score, found_pair(mine, theirs, verdict))
        yield Sweep(index)


def found_pair(a: Profile, b: Profile, verdict: Verdict) -> FoundPair:
    a_name, b_name = (profile.names[0].text if profile.names else "" for profile in (a, b))
    return FoundPair(
        a.id, b.id, verdict.score, verdict.reasons, list(a.ids), list(b.ids), a_name, b_name, verdict.terms
    )


def _fill(index: CardIndex, customers: CustomerQuerySet, since: datetime | None, step: Step) -> None:
    tell = step("reading", customers.count())
    for piece in read_profiles(customers):
        fresh = None if since is None else changed_since([profile.id for profile in piece], since)
        index.add(piece, fresh)
        tell(len(piece))


def _untold(what: str, number: int) -> Callable[[int], object]:
    return lambda done: None
