"""Words in names of people: short forms, titles, given names."""

from __future__ import annotations

from collections import defaultdict

from customers.readings.text import sound
from customers.readings.word_files import lines, words

#: A given name and its short forms. The first of each line is the full name.
#: Words that distinguish two people of one name.
GENERATIONS = {
    "jr": "jr", "jnr": "jr", "junior": "jr", "jun": "jr", "snr": "sr", "senior": "sr", "sen": "sr", "sr": "sr",
    "ii": "ii", "iii": "iii", "iv": "iv",
}  # fmt: skip

TITLES = words("titles")
PARTICLES = words("particles")
#: Words that are given names, in the form of `text.plain`.
GIVEN_NAMES = words("short_names") | words("given_names")


def _bearers() -> dict[str, frozenset[str]]:
    stands_for: dict[str, set[str]] = defaultdict(set)
    for line in lines("short_names"):
        forms = line.split()
        for form in forms:
            stands_for[sound(form)].add(forms[0])
    return {form: frozenset(names) for form, names in stands_for.items()}


_BEARERS = _bearers()
_NONE: frozenset[str] = frozenset()

_GIVEN_SOUNDS = frozenset(map(sound, GIVEN_NAMES))


def full_names(word: str) -> frozenset[str]:
    """The names that `word` is a form of: `bob` is robert, `alex` is alexander or alexandra."""
    return _BEARERS.get(sound(word), _NONE)


def is_given_name(word: str) -> bool:
    return sound(word) in _GIVEN_SOUNDS


def is_same_given_name(one: str, other: str) -> bool:
    """Whether one person may use both: Bob and Robert, Bob and Rob, but not Alexander and Alexandra."""
    return not full_names(one).isdisjoint(full_names(other))
