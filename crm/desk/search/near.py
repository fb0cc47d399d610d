"""Customers whose name is nearly the term: for a term with a typo, which matches nothing as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db.models import Q

from crm.desk.search.lookups import SearchHit
from crm.desk.search.patterns import has_words, search_text
from crm.desk.search.term import SHORTEST_INSIDE, MatchRank, SearchTerm, Spelling
from crm.desk.search.text_lookups import SCANNED
from customers.models import Customer
from customers.readings.folding import folded

#: Shorter words are near to too many others.
_SHORTEST = 4
#: A short word is looked for by so many of its first letters.
_FIRST_LETTERS = 2
#: From this length on a word may have two typos.
_LONG = 8


def by_near_name(term: SearchTerm) -> Iterator[SearchHit]:
    """Customers with a name in which each word of the term occurs, but for a typo or two. One query.

    One typo leaves the beginning or the end of a word as it is, so the database returns the names that contain the
    beginning or the end of the longest word.
    """
    words = [word for word in term.spellings[0].words if word.isalpha()]
    if not words or len(max(words, key=len)) < _SHORTEST or len(words) != len(term.spellings[0].words):
        return
    text, condition = search_text("name", "email"), Q(pk__in=())
    for part in _ends(max(words, key=len)):
        condition |= has_words(text, Spelling(part, (part,)), even_short=True) or Q(pk__in=())
    for key, name in Customer.objects.filter(condition).order_by().values_list("pk", "name")[:SCANNED]:
        if is_near(words, folded(name).split()):
            yield SearchHit(str(key), MatchRank.INSIDE, "Similar name")


def is_near(words: Iterable[str], others: Iterable[str]) -> bool:
    """Whether each word is one of the others, or begins one, but for a typo (two in a long word)."""
    candidates = list(others)
    return all(any(_near(word, other) for other in candidates) for word in words)


def _near(word: str, other: str) -> bool:
    allowed = 0 if len(word) < _SHORTEST else 1 if len(word) < _LONG else 2
    return any(
        edits(word, other[:length]) <= allowed
        for length in range(max(len(word) - allowed, 1), len(word) + allowed + 1)
    )


def edits(one: str, other: str) -> int:
    """How many letters must be added, left out, replaced, or swapped with the next to make `other` of `one`."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        former, before = before, row
        row = [place]
        for at, candidate in enumerate(other, 1):
            cost = min(before[at] + 1, row[at - 1] + 1, before[at - 1] + (letter != candidate))
            if at > 1 and place > 1 and letter == other[at - 2] and one[place - 2] == candidate:
                cost = min(cost, former[at - 2] + 1)
            row.append(cost)
    return row[-1]


def _ends(word: str) -> tuple[str, str]:
    # Two letters in the middle may be swapped: neither end has both.
    size = (len(word) - 1) // 2
    if size < SHORTEST_INSIDE:
        return word[:_FIRST_LETTERS], word[-SHORTEST_INSIDE:]
    return word[:size], word[-size:]
