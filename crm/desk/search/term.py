"""The term that was typed into the search: words, or the digits of a phone number."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import IntEnum

import phonenumbers

from customers.lookup import is_searchable

#: Words of at least this many letters match anywhere; shorter ones only at the start of a word.
SHORTEST_INSIDE = 3

_MOST_WORDS = 8
_PHONE_NUMBER = re.compile(r"[0-9+()./\s-]+")
_NOT_A_DIGIT = re.compile(r"[^0-9]")
_FEWEST_DIGITS = 4
_WORD_BEGINS = re.compile(r"(?<![^\W_])")


class MatchRank(IntEnum):
    """How well a text matches; the lower, the better."""

    EXACT = 0
    BEGINS = 1
    WORD = 2
    INSIDE = 3


def folded(text: str) -> str:
    """`text` for comparisons: normalized Unicode, case folded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def digits_of(text: str) -> str:
    return _NOT_A_DIGIT.sub("", text)


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """A search term. `text` has single spaces, `words` are lowercase, `digits` is empty unless it is a phone number.

    The digits are those that a phone number has in every notation: without the country code (if given) and leading
    zeros.
    """

    text: str
    words: tuple[str, ...]
    digits: str

    @property
    def long_words(self) -> tuple[str, ...]:
        """The words that a trigram index finds."""
        return tuple(word for word in self.words if len(word) >= SHORTEST_INSIDE)

    def match(self, value: str) -> MatchRank | None:
        """How well `value` matches; None unless it has all words."""
        candidate = folded(" ".join(value.split()))
        whole = folded(self.text)
        if candidate == whole:
            return MatchRank.EXACT
        worst = MatchRank.BEGINS if candidate.startswith(whole) else MatchRank.WORD
        for word in map(folded, self.words):
            if any(candidate.startswith(word, start.start()) for start in _WORD_BEGINS.finditer(candidate)):
                continue
            if len(word) < SHORTEST_INSIDE or word not in candidate:
                return None
            worst = MatchRank.INSIDE
        return worst

    def match_phone(self, value: str) -> MatchRank | None:
        """How well a phone number in any notation matches; None if it doesn't."""
        candidate = digits_of(value)
        if not self.digits or self.digits not in candidate:
            return None
        return (
            MatchRank.EXACT
            # All but a country code or a trunk prefix.
            if candidate.endswith(self.digits) and len(self.digits) >= len(candidate) - 4
            else MatchRank.INSIDE
        )


def read_term(text: str) -> SearchTerm | None:
    """Parse what was typed; None if it can't match: empty, too long, or with characters that no database holds."""
    shown = " ".join(unicodedata.normalize("NFC", text).split())
    if not is_searchable(shown):
        return None
    words = tuple(dict.fromkeys(shown.lower().split()))[:_MOST_WORDS]
    return SearchTerm(shown, words, _phone_digits(shown))


def _phone_digits(text: str) -> str:
    if not _PHONE_NUMBER.fullmatch(text) or len(digits_of(text)) < _FEWEST_DIGITS:
        return ""
    international = f"+{text[2:]}" if text.startswith("00") else text
    if international.startswith("+"):
        try:
            return str(phonenumbers.parse(international).national_number)
        except phonenumbers.NumberParseException:
            pass
    return digits_of(text).lstrip("0")
