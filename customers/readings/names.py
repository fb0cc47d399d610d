"""Names of people and organizations: the words without titles and legal forms, and how alike two names are."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from itertools import islice, product

from msgspec import Struct
from rapidfuzz.distance import OSA

from customers.readings.company_words import (
    ALSO_FAMILY_NAMES,
    BRANCHES,
    PADDING,
    TRADES,
    UNSPACED_LEGAL_FORMS,
    without_legal_form,
)
from customers.readings.person_words import (
    GENERATIONS,
    GIVEN_NAMES,
    PARTICLES,
    TITLES,
    full_names,
    is_given_name,
    is_same_given_name,
)
from customers.readings.text import looks, mixes_scripts, plain, sound

_MOST_WORDS = 12
_LONGEST = 200
_SHORTEST_TYPO, _SHORTEST_TWO_TYPOS = 4, 7
_MOST_TYPOS = 2
_SHORTEST_CUT = 3
_SHORT_FORM = 2
_MOST_KEYS = 6

TYPO, INITIAL, OTHER = "a typo", "an initial", "another word"


class NameKind(StrEnum):
    """Whether a name is of a person or an organization."""

    PERSON = "person"
    COMPANY = "company"
    UNKNOWN = "unknown"


class Name(Struct, array_like=True, frozen=True, omit_defaults=True):
    """A parsed name. `words` are in the form of `text.plain`, without titles and legal form."""

    text: str
    words: tuple[str, ...]
    kind: NameKind = NameKind.UNKNOWN
    form: str = ""
    generation: str = ""
    is_mixed: bool = False

    @property
    def sounds(self) -> tuple[str, ...]:
        """The words by their sound."""
        return tuple(map(sound, self.words))


class Relation(StrEnum):
    """How two names relate."""

    ALIKE = "alike"
    PART = "part"
    KIN = "kin"
    GROUP = "group"
    RENAMED = "renamed"
    UNRELATED = "unrelated"
    UNLIKE_KINDS = "unlike kinds"
    LOOKS_ALIKE = "looks alike"


class Likeness(Struct, frozen=True):
    """How alike two names are. `doubt` (0 and up) reduces it, `how` says it in words.

    `shared` are the words, by sound, that both have in some form. Where the forms differ, both.
    """

    relation: Relation
    how: str
    doubt: float = 0.0
    shared: tuple[tuple[str, ...], ...] = ()


def read_name(text: str, *, is_company: bool = False) -> Name | None:
    """Parse `text`. None if no word is left. `is_company` if it is known to be an organization's."""
    text = text[:_LONGEST].strip()
    shown = text
    form = ""
    for mark in UNSPACED_LEGAL_FORMS:
        if mark in text:
            text, form = text.replace(mark, " "), mark
    head, comma, tail = text.partition(",")
    words = tuple(plain(text).split())[:_MOST_WORDS]
    rest, legal = without_legal_form(words)
    if legal and _is_rather_a_person(words, text):
        rest, legal = words, ""
    form = form or legal
    if form and len(rest) > 1 and rest[-1] in ("and", "und", "et", "y", "e"):
        rest = rest[:-1]
    is_person = any(word in TITLES or word in GENERATIONS for word in (words[:1] + words[-1:]))
    if comma and not form and len(plain(tail).split()) in (1, 2) and len(plain(head).split()) <= _SHORT_FORM:
        is_person = is_person or any(map(is_given_name, words))
    generation = ""
    if not form and not is_company and len(rest) > 1:
        generation = GENERATIONS.get(rest[-1], "") if len(rest) > _SHORT_FORM else ""
        rest = rest[:-1] if generation else rest
        while len(rest) > 1 and rest[0] in TITLES:
            rest = rest[1:]
        while len(rest) > _SHORT_FORM and rest[-1] in TITLES:
            rest = rest[:-1]
    if not rest:
        return None
    kind = _kind_of(rest, text, is_company=is_company or bool(form), is_person=is_person)
    return Name(shown, rest, kind, form, generation, mixes_scripts(text))


def compare(one: Name, other: Name, is_usual: Callable[[str], bool]) -> Likeness:
    """Compare two names. `is_usual` tells whether many customers have a word, by its sound.

    Two common words are different words. A rare word may be the other with a typo.
    """
    trap = _trap(one, other)
    if trap is not None:
        return trap
    if one.words == other.words:
        same = tuple((each,) for each in one.sounds)
        return _graded(one, other, Likeness(Relation.ALIKE, "the same name", 0.0, same))
    if "".join(one.words) == "".join(other.words):
        joined = tuple((each,) for each in min(one.sounds, other.sounds, key=len))
        return Likeness(Relation.ALIKE, "the same name with different spacing", 0.3, joined)
    pairs, left, right = _aligned(one, other, is_usual)
    is_company = NameKind.COMPANY in (one.kind, other.kind)
    if is_company:
        return _as_companies(one, other, pairs, left, right)
    return _as_people(one, other, pairs, left, right)


class _WordPair(Struct, frozen=True):
    """Two matched words, their positions, and the cost."""

    first: int
    second: int
    cost: float
    how: str = ""


def _is_rather_a_person(words: tuple[str, ...], text: str) -> bool:
    """Whether the short last word is a family name, as in João Sá or Maria Co, and not a legal form.

    A legal form would be in capitals or have a period.
    """
    last = text.rsplit(maxsplit=1)[-1]
    return (
        len(words[-1]) == _SHORT_FORM and is_given_name(words[0]) and not last.isupper() and "." not in last
    )


def _kind_of(words: tuple[str, ...], text: str, *, is_company: bool, is_person: bool) -> NameKind:
    if is_company:
        return NameKind.COMPANY
    starts_given = is_given_name(words[0])
    has_given = starts_given or is_given_name(words[-1])
    if is_person and not any(word.isdigit() for word in words):
        return NameKind.PERSON
    trades = sum(word in TRADES for word in words)
    if trades and not (starts_given and len(words) == _SHORT_FORM and words[1] in ALSO_FAMILY_NAMES):
        return NameKind.COMPANY
    if not trades and has_given and 2 <= len(words) <= 5 and not any(map(_has_digit, words)):
        return NameKind.COMPANY if "&" in text else NameKind.PERSON
    if len(words) == 1 or "&" in text or any(map(_has_digit, words)):
        return NameKind.UNKNOWN if starts_given else NameKind.COMPANY
    return NameKind.UNKNOWN


def _has_digit(word: str) -> bool:
    return not word.isalpha() and any(map(str.isdigit, word))


def _trap(one: Name, other: Name) -> Likeness | None:
    """The likeness of two names that only look the same; None if they don't."""
    if one.is_mixed != other.is_mixed or one.words != other.words:
        seen = looks(one.text) == looks(other.text)
        is_read_alike = one.sounds == other.sounds and not (one.is_mixed or other.is_mixed)
        if seen and not is_read_alike and (one.is_mixed or other.is_mixed or _differs_in_look(one, other)):
            return Likeness(
                Relation.LOOKS_ALIKE, "the names look the same but are written in different characters"
            )
    if one.is_mixed or other.is_mixed:
        mixed = one if one.is_mixed else other
        return Likeness(Relation.LOOKS_ALIKE, f"“{mixed.text}” mixes letters of several alphabets")
    return None


def _differs_in_look(one: Name, other: Name) -> bool:
    """Whether the difference is letters of another alphabet, or digits for letters. Only `i` for `l` is not enough."""
    is_foreign = one.text.isascii() != other.text.isascii()
    return is_foreign or _has_digit("".join(one.words)) != _has_digit("".join(other.words))


def _aligned(
    one: Name, other: Name, is_usual: Callable[[str], bool]
) -> tuple[list[_WordPair], list[int], list[int]]:
    """The matching words of two names, surest first, and the words left over in each."""
    candidates = [
        pair
        for (first, mine), (second, theirs) in product(enumerate(one.words), enumerate(other.words))
        if (pair := _match(first, mine, second, theirs, is_usual)) is not None
    ]
    left, right = list(range(len(one.words))), list(range(len(other.words)))
    pairs: list[_WordPair] = []
    typos = 0
    for pair in sorted(candidates, key=lambda pair: (pair.cost, abs(pair.first - pair.second))):
        is_typo = pair.how == TYPO
        if pair.first in left and pair.second in right and not (is_typo and typos >= _MOST_TYPOS):
            pairs.append(pair)
            left.remove(pair.first)
            right.remove(pair.second)
            typos += is_typo
    return pairs, left, right


def _match(
    first: int, mine: str, second: int, theirs: str, is_usual: Callable[[str], bool]
) -> _WordPair | None:
    cost, how = _likeness_of_words(mine, theirs)
    if how == TYPO and is_usual(sound(mine)) and is_usual(sound(theirs)):
        return None
    return None if how == OTHER else _WordPair(first, second, cost, how)


@lru_cache(maxsize=1 << 16)
def _likeness_of_words(mine: str, theirs: str) -> tuple[float, str]:
    """The cost of matching two words, and how it is called."""
    if mine == theirs:
        return 0.0, ""
    if sound(mine) == sound(theirs):
        return 0.2, "another spelling"
    if is_same_given_name(mine, theirs):
        return 0.6, "a short form"
    if _is_cut_short(mine, theirs):
        return 0.9, "a short form"
    if 1 in (len(mine), len(theirs)):
        return (1.5, INITIAL) if mine[0] == theirs[0] else (0.0, OTHER)
    edits = _typos(mine, theirs)
    return (0.6 * edits + 0.2, TYPO) if edits else (0.0, OTHER)


def _is_cut_short(mine: str, theirs: str) -> bool:
    """Piet and Pieter, Steph and Stephanie: a given name and its beginning, unless that is another given name."""
    shorter, longer = sorted((mine, theirs), key=len)
    return (
        len(shorter) >= _SHORTEST_CUT
        and longer.startswith(shorter)
        and is_given_name(longer)
        and not is_given_name(shorter)
        and not _is_other_ending(mine, theirs)
    )


def _typos(mine: str, theirs: str) -> int:
    """Typing errors between two words. 0 if they are different words."""
    shorter = min(len(mine), len(theirs))
    if shorter < _SHORTEST_TYPO - (len(mine) != len(theirs)) or not mine.isalpha() or not theirs.isalpha():
        return 0
    is_long = shorter >= _SHORTEST_TWO_TYPOS and max(len(mine), len(theirs)) > _SHORTEST_TWO_TYPOS
    most = _MOST_TYPOS if is_long else 1
    edits = OSA.distance(mine, theirs, score_cutoff=most)
    if edits > 1 and OSA.distance(sound(mine), sound(theirs), score_cutoff=1) == 1:
        # One letter may stand for two: ß in Größe.
        edits = 1
    if edits > most or (edits > 1 and mine[0] != theirs[0]):
        return 0
    if _is_other_ending(mine, theirs) or (_is_word(mine) and _is_word(theirs)):
        return 0
    return edits


def _is_word(word: str) -> bool:
    return word in GIVEN_NAMES or word in TRADES or word in BRANCHES


def _is_other_ending(mine: str, theirs: str) -> bool:
    """Daniel and Daniela, Ivanov and Ivanova, Maria and Mario: different people, often of one family."""
    if len(mine) != len(theirs):
        longer, shorter = (mine, theirs) if len(mine) > len(theirs) else (theirs, mine)
        return longer[:-1] == shorter and longer[-1] == "a"
    return mine[:-1] == theirs[:-1] and {mine[-1], theirs[-1]} <= set("aeio")


def _graded(one: Name, other: Name, likeness: Likeness) -> Likeness:
    """The likeness after further differences, such as another generation or legal form."""
    if one.generation != other.generation:
        both = one.generation and other.generation
        return Likeness(
            Relation.KIN, "the same name, but a different generation (Jr, Sr)", 0.0 if both else 1.0
        )
    if one.form and other.form and one.form != other.form:
        return Likeness(
            likeness.relation,
            f"{likeness.how}, with a different legal form",
            likeness.doubt + 1.0,
            likeness.shared,
        )
    if one.form != other.form:
        return Likeness(
            likeness.relation,
            f"{likeness.how}, except for the legal form",
            likeness.doubt + 0.1,
            likeness.shared,
        )
    return likeness


def _in_words(pairs: list[_WordPair]) -> tuple[str, float]:
    hows = list(dict.fromkeys(pair.how for pair in sorted(pairs, key=lambda pair: pair.first) if pair.how))
    doubt = sum(pair.cost for pair in pairs)
    by_place = [pair.second for pair in sorted(pairs, key=lambda pair: pair.first)]
    if by_place != sorted(by_place):
        hows.append("the same words in a different order")
        doubt += 0.2
    return ("the same name" + (f" ({', '.join(hows)})" if hows else ""), doubt)


def _shared(one: Name, other: Name, pairs: list[_WordPair]) -> tuple[tuple[str, ...], ...]:
    mine, theirs = one.sounds, other.sounds
    return tuple(tuple(dict.fromkeys((mine[pair.first], theirs[pair.second]))) for pair in pairs)


def _as_people(one: Name, other: Name, pairs: list[_WordPair], left: list[int], right: list[int]) -> Likeness:
    left = [place for place in left if one.words[place] not in PARTICLES]
    right = [place for place in right if other.words[place] not in PARTICLES]
    how, doubt = _in_words(pairs)
    shared = _shared(one, other, pairs)
    full = [pair for pair in pairs if pair.how != INITIAL]
    if not left and not right and full:
        return _graded(one, other, Likeness(Relation.ALIKE, how, doubt, shared))
    if not left or not right:
        if len(full) > 1 or (len(pairs) > 1 and full):
            longer = Likeness(Relation.ALIKE, f"{how}, and one has more words", doubt + 0.7, shared)
            return _graded(one, other, longer)
        if full:
            return Likeness(Relation.PART, "one name is part of the other", doubt + 2.5, shared)
    if not full:
        return _strangers(one, other)
    counts = {sum(word not in PARTICLES for word in name.words) for name in (one, other)}
    if any(pair.first == 0 == pair.second for pair in full) and counts == {2}:
        return Likeness(Relation.RENAMED, "the same given name, but a different family name")
    if one.kind == other.kind == NameKind.UNKNOWN:
        return Likeness(Relation.KIN, "the names share a word but differ")
    return Likeness(Relation.KIN, "the same family name, but different given names")


def _as_companies(
    one: Name, other: Name, pairs: list[_WordPair], left: list[int], right: list[int]
) -> Likeness:
    mine = [one.words[place] for place in left]
    theirs = [other.words[place] for place in right]
    how, doubt = _in_words(pairs)
    shared = _shared(one, other, pairs)
    telling = [pair for pair in pairs if one.words[pair.first] not in PADDING and pair.how != INITIAL]
    if not telling:
        return _strangers(one, other)
    if not mine and not theirs:
        return _graded(one, other, Likeness(Relation.ALIKE, how, doubt, shared))
    is_padded = all(word in PADDING for word in (*mine, *theirs))
    if is_padded and not (mine and theirs):
        return _graded(one, other, Likeness(Relation.ALIKE, how, doubt + 0.4, shared))
    if is_padded or not (mine and theirs):
        extra = " ".join(mine or theirs)
        return Likeness(Relation.PART, f"one name adds “{extra}”", doubt + 2.0, shared)
    if all(one.words[pair.first] in TRADES | PADDING | BRANCHES for pair in telling):
        return Likeness(Relation.UNRELATED, "unrelated names")
    if {one.kind, other.kind} == {NameKind.PERSON, NameKind.COMPANY}:
        return _strangers(one, other)
    said = f"“{' '.join(mine)}” is not “{' '.join(theirs)}”"
    return Likeness(Relation.GROUP, f"the names share a word, but {said}")


def _strangers(one: Name, other: Name) -> Likeness:
    if {one.kind, other.kind} == {NameKind.PERSON, NameKind.COMPANY}:
        return Likeness(Relation.UNLIKE_KINDS, "one is a person, the other a company")
    return Likeness(Relation.UNRELATED, "unrelated names")


def is_everyday(word: str) -> bool:
    """Whether a word is common in names: a given name, a trade, a filler."""
    return is_given_name(word) or word in TRADES or word in PADDING or word in BRANCHES


@lru_cache(maxsize=1 << 14)
def name_keys(name: Name) -> tuple[str, ...]:
    """Keys that similar names share: all words by sound, in any order, in their full forms."""
    forms: list[tuple[str, ...]] = []
    for word in name.words:
        if word in PADDING and name.kind != NameKind.PERSON and len(name.words) > 1:
            continue
        whole = sorted(full_names(word))
        forms.append(tuple(dict.fromkeys(map(sound, whole or [word]))))
    return tuple(" ".join(sorted(chosen)) for chosen in islice(product(*forms), _MOST_KEYS))
