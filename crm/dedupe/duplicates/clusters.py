"""Connected pairs: if A may be B and B may be C, the three form a group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TypeVar

P = TypeVar("P")

#: The most customers of a group that are offered as one merge.
_FEW = 4


def is_one(members: int, pairs: int) -> bool:
    """Whether a group may be offered as one merge: it is small, and every two of its members are a pair.

    In a chain, A may be B and B may be C although A is not C.
    """
    return members <= _FEW and pairs == members * (members - 1) // 2


def connected(pairs: Iterable[P], sides: Callable[[P], tuple[str, str]]) -> list[tuple[list[str], list[P]]]:
    """The groups that `pairs` form: members and pairs of each, in order of appearance."""
    parents: dict[str, str] = {}

    def root(member: str) -> str:
        while parents[member] != member:
            parents[member] = parents[parents[member]]
            member = parents[member]
        return member

    kept = list(pairs)
    for pair in kept:
        one, other = sides(pair)
        parents.setdefault(one, one)
        parents.setdefault(other, other)
        parents[root(other)] = root(one)
    members: dict[str, list[str]] = defaultdict(list)
    together: dict[str, list[P]] = defaultdict(list)
    for member in parents:
        members[root(member)].append(member)
    for pair in kept:
        together[root(sides(pair)[0])].append(pair)
    return [(members[each], together[each]) for each in members]
