"""What somebody typed to find a customer: words, or the digits of a phone number."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import IntEnum

import phonenumbers

from customers.lookup import is_searchable

#: Words are found in the middle of others from so many letters on; shorter ones where a word begins.
SHORTEST_INSIDE = 3

_MOST_WORDS = 8
_LOOKS_DIALLED = re.compile(r"[0-9+()./\s-]+")
_NOT_A_DIGIT = re.compile(r"[^0-9]")
_FEWEST_DIGITS = 4
_WORD_BEGINS = re.compile(r"(?<![^\W_])")


class MatchRank(IntEnum):
    """How well something matches, the best first."""

    EXACT = 0
    BEGINS = 1
    WORD = 2
    INSIDE = 3


def folded(text: str) -> str:
    """`text` for comparing: in one form of Unicode, without case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def digits_of(text: str) -> str:
    """The digits in `text`, 0 to 9."""
    return _NOT_A_DIGIT.sub("", text)


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """What is looked for. `text` has single spaces; `words` are in small letters; `digits` are empty for no number.

    The digits are those that a phone number has in every notation: without country code, where it is given, and
    without leading zeros.
    """

    text: str
    words: tuple[str, ...]
    digits: str

    @property
    def long_words(self) -> tuple[str, ...]:
        """The words that an index of three letters finds."""
        return tuple(word for word in self.words if len(word) >= SHORTEST_INSIDE)

    def match(self, value: str) -> MatchRank | None:
        """How well `value` matches: all words must be in it; None if it does not."""
        there = folded(" ".join(value.split()))
        whole = folded(self.text)
        if there == whole:
            return MatchRank.EXACT
        worst = MatchRank.BEGINS if there.startswith(whole) else MatchRank.WORD
        for word in map(folded, self.words):
            if any(there.startswith(word, begin.start()) for begin in _WORD_BEGINS.finditer(there)):
                continue
            if len(word) < SHORTEST_INSIDE or word not in there:
                return None
            worst = MatchRank.INSIDE
        return worst

    def match_phone(self, value: str) -> MatchRank | None:
        """How well a phone number matches, however it is written; None if it does not."""
        there = digits_of(value)
        if not self.digits or self.digits not in there:
            return None
        return (
            MatchRank.EXACT
            if there.endswith(self.digits) and len(self.digits) >= len(there) - 4
            else MatchRank.INSIDE
        )


def read_term(text: str) -> SearchTerm | None:
    """What was typed, None for what cannot be found: nothing, too much, or what no database holds."""
    shown = " ".join(unicodedata.normalize("NFC", text).split())
    if not is_searchable(shown):
        return None
    words = tuple(dict.fromkeys(shown.lower().split()))[:_MOST_WORDS]
    return SearchTerm(shown, words, _dialled(shown))


def _dialled(text: str) -> str:
    if not _LOOKS_DIALLED.fullmatch(text) or len(digits_of(text)) < _FEWEST_DIGITS:
        return ""
    international = f"+{text[2:]}" if text.startswith("00") else text
    if international.startswith("+"):
        try:
            return str(phonenumbers.parse(international).national_number)
        except phonenumbers.NumberParseException:
            pass
    return digits_of(text).lstrip("0")
