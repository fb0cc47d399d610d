"""One spelling for texts that mean the same: scripts, accents, romanizations, and look-alike letters.

`plain` is how a text is read, `sound` joins spellings of one sound, `looks` is how a text looks. Two texts that look the same and
are read differently are a trap, not a match.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from customers.readings.word_files import lines, spellings


def _letters(name: str) -> dict[str, str]:
    """Latin letters for each letter of `words/NAME.txt`. None for a silent one."""
    return {line[0]: line[1:].strip() for line in lines(name)}


_GREEK_PAIRS = (("ου", "ou"), ("μπ", "b"), ("γκ", "g"), ("γγ", "ng"), ("αυ", "av"), ("ευ", "ev"))
_FIRST = str.maketrans(_letters("cyrillic") | _letters("latin"))
_LAST = str.maketrans(_letters("greek"))
_SILENT = re.compile("[.'`´\u2018\u2019\u02bb\u02bc]")
_GAP = re.compile(r"[\W_]+")

#: Spellings of one sound, applied in this order to both sides of a comparison.
_SPELLINGS = (
    ("tsch", "ch"), ("sch", "sh"), ("shch", "sh"), ("ae", "a"), ("oe", "o"), ("ue", "u"), ("aa", "a"), ("ou", "u"),
    ("ph", "f"), ("kh", "h"), ("th", "t"), ("ck", "k"), ("dj", "j"), ("zh", "j"), ("y", "i"), ("j", "i"), ("w", "v"),
    ("x", "ks"), ("tz", "ts"), ("q", "k"),
)  # fmt: skip
#: ё and what follows a soft sign, as some write them: Solovyov, Soloviev and Solovev; Yefimov and Efimov.
_SOFTENED = re.compile(r"(?<=[bdflmnpstvz])(?:yo(?!u)|[yi][eo](?=v))|^ye(?=[bcdfghjklmnprstvz])")
#: What Greek writes for b, d and g at the beginning of a word.
_GREEK_BEGINNINGS = (("mp", "b"), ("nt", "d"), ("gk", "g"))
_HARD_C = re.compile(r"c(?!h)")
_TWICE = re.compile(r"(.)\1+")

_LOOKS = str.maketrans(spellings("lookalikes"))
_LOOK_TOGETHER = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("nn", "m"))
_SCRIPTS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})
_WORD = re.compile(r"[^\W\d_]+")
#: Invisible characters of other categories: joiners, fillers, variation selectors.
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u2800\u3164\uffa0") | frozenset(
    map(chr, range(0xFE00, 0xFE10))
)


@lru_cache(maxsize=1 << 16)
def plain(text: str) -> str:
    """`text` as lower-case Latin letters and digits, one space between words.

    Letters of scripts without a table (Arabic, Han, Kana, …) stay.
    """
    text = text.replace("&", " and ")
    if text.isascii():
        lowered = text.lower()
    else:
        lowered = visible(text).casefold().translate(_FIRST)
        lowered = _without_marks(lowered)
        if not lowered.isascii():
            for pair, letters in _GREEK_PAIRS:
                lowered = lowered.replace(pair, letters)
            lowered = lowered.translate(_LAST)
    return _GAP.sub(" ", _SILENT.sub("", lowered)).strip()


@lru_cache(maxsize=1 << 16)
def sound(word: str) -> str:
    """One form for spellings of a sound: Müller and Mueller, Юлия and Julia, Nicolas and Nikolas.

    `word` is in the form of `plain`.
    """
    if not word.isalpha():
        return word
    word = _SOFTENED.sub("e", word)
    for beginning, letter in _GREEK_BEGINNINGS:
        if word.startswith(beginning):
            word = letter + word[len(beginning) :]
    for spelling, letters in _SPELLINGS:
        word = word.replace(spelling, letters)
    return _TWICE.sub(r"\1", _HARD_C.sub("k", word))


def visible(text: str) -> str:
    """`text` in composed form, without invisible characters."""
    composed = unicodedata.normalize("NFKC", text)
    return "".join(letter for letter in composed if unicodedata.category(letter) != "Cf")


def without_invisible(text: str) -> str:
    """`text` without characters that take no room; spaces, tabs and line breaks stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        letter
        for letter in text
        if letter.isspace() or (unicodedata.category(letter) not in ("Cf", "Cc") and letter not in _UNSEEN)
    )


@lru_cache(maxsize=1 << 14)
def looks(text: str) -> str:
    """One form for texts that look alike."""
    # Twice: what looks like i also looks like l.
    seen = _without_marks(visible(text).casefold()).translate(_LOOKS).translate(_LOOKS)
    for pair, letter in _LOOK_TOGETHER:
        seen = seen.replace(pair, letter)
    return seen


@lru_cache(maxsize=1 << 14)
def mixes_scripts(text: str) -> bool:
    """Whether a word mixes letters of look-alike alphabets, as no language does."""
    if text.isascii():
        return False
    return any(len(_scripts(word)) > 1 for word in _WORD.findall(unicodedata.normalize("NFKC", text)))


def _scripts(word: str) -> set[str]:
    return {unicodedata.name(letter, "").partition(" ")[0] for letter in word} & _SCRIPTS


def _without_marks(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in apart if not unicodedata.combining(letter))
