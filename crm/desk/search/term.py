"""The term that was typed into the search: words in several spellings, a phone number, a tax or company number."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import phonenumbers

from customers.lookup import is_searchable
from customers.readings.folding import (
    compact,
    folded,
    has_ideographs,
    in_one_letter,
    in_two_letters,
)
from customers.readings.hosts import host_in_ascii, host_in_unicode
from customers.readings.mailboxes import domain, is_domain
from customers.readings.tax_ids import is_same_tax_id, read_company_number, read_tax_id
from customers.readings.text import without_invisible

#: Words of at least this many letters match anywhere; shorter ones only at the start of a word.
SHORTEST_INSIDE = 3

_MOST_WORDS = 8
_PHONE_NUMBER = re.compile(r"[0-9+()./\s\u2010-\u2015\u2212-]+")
_NOT_A_DIGIT = re.compile(r"[^0-9]")
_FEWEST_DIGITS = 4
_WORD_BEGINS = re.compile(r"(?<![^\W_])")
#: Around addresses and names that were copied: Jane Doe <jane@example.com>, "Globex";
_AROUND = '<>",;\u201c\u201d\u201e\u00ab\u00bb'
_SCHEME = re.compile(r"^(?:mailto|tel):", re.IGNORECASE)
#: What a link has and a name lacks. `@acme.example` and `*.acme.example` are read like links.
_LINK = re.compile(r"^(?:www\.|@|\*\.)|[/:\u3002]", re.IGNORECASE)
#: In shorter words (Noel, Joe), `oe` seldom stands for an umlaut.
_SHORTEST_IN_TWO_LETTERS = 5
#: The fewest digits and characters of a tax or company number; the fewest characters to find it within another.
_NUMBER_DIGITS, _NUMBER_LENGTH, _NUMBER_WITHIN = 3, 5, 7


class MatchRank(IntEnum):
    """How well a text matches; the lower, the better."""

    EXACT = 0
    BEGINS = 1
    WORD = 2
    INSIDE = 3


def digits_of(text: str) -> str:
    return _NOT_A_DIGIT.sub("", text)


@dataclass(frozen=True, slots=True)
class Spelling:
    """One spelling of a term: the folded text, and its words. A word may have spaces: each ideograph is a word."""

    whole: str
    words: tuple[str, ...]

    @property
    def long_words(self) -> tuple[str, ...]:
        """The words that a trigram index finds anywhere in a text."""
        return tuple(word for word in self.words if len(word) >= SHORTEST_INSIDE or has_ideographs(word))

    def match(self, candidate: str) -> MatchRank | None:
        """How well a folded text matches; None unless it has all words."""
        if candidate == self.whole:
            return MatchRank.EXACT
        worst = MatchRank.BEGINS if candidate.startswith(self.whole) else MatchRank.WORD
        for word in self.words:
            if any(candidate.startswith(word, start.start()) for start in _WORD_BEGINS.finditer(candidate)):
                continue
            if len(word) < SHORTEST_INSIDE or word not in candidate:
                return None
            worst = MatchRank.INSIDE
        return worst


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """A search term.

    `text` has single spaces. `spellings` has at least one; any of them may match. `loose` are spellings of which the
    database returns too much: `match` sorts it out. `digits` is empty unless the term is a phone number: the digits
    that it has in every notation, without the country code (if given) and leading zeros. `number` is empty unless the
    term may be a tax or company number, else its letters and digits.
    """

    text: str
    spellings: tuple[Spelling, ...]
    loose: tuple[Spelling, ...]
    digits: str
    number: str

    @property
    def identifiers(self) -> tuple[str, ...]:
        """The text as an ID: as typed, in lower case and in upper case."""
        return tuple(dict.fromkeys((self.text, self.text.lower(), self.text.upper())))

    @property
    def numbers(self) -> tuple[str, ...]:
        """The forms of the tax or company number to search for, without punctuation."""
        if not self.number:
            return ()
        tax_id = read_tax_id(self.number)
        forms = (
            self.number,
            tax_id.number.lower() if tax_id else "",
            read_company_number(self.number).lower(),
            digits_of(self.number),
        )
        return tuple(dict.fromkeys(form for form in forms if len(form) >= _NUMBER_LENGTH))

    def match(self, value: str) -> MatchRank | None:
        """How well `value` matches; None unless it has all words."""
        candidates = {folded(value), folded(in_two_letters(value))}
        matches = (each.match(text) for each in self.spellings for text in candidates)
        return min((match for match in matches if match is not None), default=None)

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

    def match_number(self, value: str) -> MatchRank | None:
        """How well a tax or company number matches; None if it doesn't. Either may lack its country's prefix."""
        candidate = compact(value)
        if not self.number or not candidate:
            return None
        if candidate == self.number:
            return MatchRank.EXACT
        this, other = read_tax_id(self.number), read_tax_id(candidate)
        if this and other and is_same_tax_id(this, other):
            return MatchRank.EXACT
        if read_company_number(self.number) and read_company_number(self.number) == read_company_number(
            value
        ):
            return MatchRank.EXACT
        if self.number in candidate or (len(candidate) >= _NUMBER_WITHIN and candidate in self.number):
            return MatchRank.INSIDE
        return None

    def match_postal_code(self, value: str) -> MatchRank | None:
        """`EXACT` if a postal code is the same, ignoring punctuation."""
        return MatchRank.EXACT if compact(value) == compact(self.text) else None


def read_term(text: str) -> SearchTerm | None:
    """Parse what was typed; None if it can't match: empty, too long, or with characters that no database holds."""
    composed = unicodedata.normalize("NFC", text).strip()
    if not is_searchable(composed):
        return None
    shown = " ".join(without_invisible(composed).split())
    words = [_word(word) for word in shown.split()]
    spellings = _spellings(words)
    if not spellings:
        return None
    written = _SCHEME.sub("", unicodedata.normalize("NFKC", shown))
    number = compact(shown)
    is_number = len(digits_of(number)) >= _NUMBER_DIGITS and len(number) >= _NUMBER_LENGTH
    return SearchTerm(
        shown, spellings, _loose(spellings[0]), _phone_digits(folded(written)), number if is_number else ""
    )


def _word(word: str) -> str:
    bare = _SCHEME.sub("", word.strip(_AROUND)) or word
    host = domain(bare)[0] if _LINK.search(bare) else ""
    return host if is_domain(host) else bare


def _spellings(words: list[str]) -> tuple[Spelling, ...]:
    ways: list[Callable[[str], str]] = [str, host_in_unicode, in_two_letters]
    # Names have no spelling in punycode, domains and addresses do.
    if len(words) == 1 or any("@" in word or "." in word for word in words):
        ways.append(host_in_ascii)
    found = (_spelling([way(word) for word in words]) for way in ways)
    return tuple(dict.fromkeys(each for each in found if each.words))


def _spelling(words: list[str]) -> Spelling:
    every = [word for word in map(folded, words) if word]
    # An & between words and the dot of an abbreviation are optional.
    telling = [word.strip(".") for word in every if any(map(str.isalnum, word))] or every
    return Spelling(" ".join(every), tuple(dict.fromkeys(telling))[:_MOST_WORDS])


def _loose(spelling: Spelling) -> tuple[Spelling, ...]:
    """The spelling with Mueller as Muller, which Müller is folded to."""
    words = tuple(
        in_one_letter(word) if len(word) >= _SHORTEST_IN_TWO_LETTERS and word.isalpha() else word
        for word in spelling.words
    )
    return () if words == spelling.words else (Spelling(" ".join(words), words),)


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
