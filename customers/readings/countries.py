"""Countries by their codes and names, in every language of CLDR.

`words/countries.txt` has the names of all languages (`bin/country_names.py` writes it), `words/more_countries.txt`
those that CLDR lacks. The languages are loaded when the first name that isn't English is read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache

from babel import Locale
from django_countries.data import ALT_CODES, COUNTRIES

from customers.readings.normalize import quoted
from customers.readings.text import visible
from customers.readings.word_files import lines

#: Kosovo has no code in ISO 3166-1. Platforms use this one, from the range for private use.
COUNTRY_CODES = frozenset(COUNTRIES) | {"XK"}
#: Codes of the European Union that differ from ISO 3166-1.
_EUROPEAN_CODES = {"EL": "GR", "UK": "GB", "XI": "GB"}

#: Letters that Unicode does not decompose.
_LETTERS = str.maketrans(
    {"đ": "d", "ð": "d", "ø": "o", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
#: Accents of Latin, Greek and Cyrillic letters, and the vowel points of Hebrew and Arabic.
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u0652]")
_SILENT = re.compile("[.'`´\u2018\u2019\u02bb\u02bc]")
_BRACKETS = re.compile(r"\s*[(（]([^)）]*)[)）]\s*$")
#: ISO 3166-2: `US-CA`, `GB-ENG`.
_SUBDIVISION = re.compile(r"([A-Z]{2})-[A-Z0-9]{1,3}")
#: Between a code and a name of one country.
_PARTS = re.compile(r"\s*[-–—,;:/()\[\]]\s*")
#: Two letters of this alphabet are a flag.
_FIRST_FLAG_LETTER, _ALPHABET = 0x1F1E6, 26
_TWO = 2
#: “The”, “of” and “and”.
_EMPTY_WORDS = frozenset(
    {"the", "of", "and", "und", "et", "y", "e", "i", "og", "och", "en", "ja", "и", "і", "та"}
)
_ABBREVIATIONS = {"saint": "st", "sainte": "st", "is": "islands", "rep": "republic", "dem": "democratic"}
#: Umlauts as they are written without them.
_UMLAUTS = re.compile("(?<=[aou])e|(?<=a)a")
#: Not available, and that is to say: neither Namibia nor Ireland.
_NO_COUNTRIES = frozenset({"n.a", "i.e"})
#: Shorter ASCII names are read only as English: “man” and “mon” are countries in some language.
_SHORTEST_NAME = 4

#: What may stand before a country's own name, longest first: “Kingdom of Norway”, “United Republic of Tanzania”.
_STYLES = sorted(
    (
        "republic",
        "united republic",
        "federal republic",
        "federative republic",
        "federal democratic republic",
        "democratic republic",
        "democratic socialist republic",
        "socialist republic",
        "islamic republic",
        "oriental republic",
        "arab republic",
        "bolivarian republic",
        "co operative republic",
        "cooperative republic",
        "peoples republic",
        "peoples democratic republic",
        "kingdom",
        "hashemite kingdom",
        "grand duchy",
        "principality",
        "sultanate",
        "commonwealth",
        "independent state",
        "federation",
        "union",
    ),
    key=len,
    reverse=True,
)
#: The same in other languages: “Republik Österreich”, “Reino de España”, “Республика Беларусь”.
_FOREIGN_STYLES = re.compile(
    r"(?:bundesrepublik|republi(?:k|ka|ken|kken|c|ca|cii|que|ek)|repubblica|konigreich|koninkrijk|kongeriget|kongeriket"
    r"|konungariket|royaume|reino|regno|grossherzogtum|grand duche|республика|република|республіка|королевство)"
    r"(?: (?:de|del|della|di|du|des|d|da|do|dos|la|van|der))* "
)


_ARTICLES = re.compile(r"(?:die|der|la|le|les|los|las|il) ")


def country(text: str) -> tuple[str, str | None]:
    """The ISO 3166-1 alpha-2 code of a country given by a code or a name, and a remark if it was changed or is unknown.

    Names may be in any language of CLDR, with or without accents and capitals. A name that means two countries in two
    languages is unknown, unless it is English. An unknown country is kept.
    """
    if text in COUNTRY_CODES:
        return text, None
    code = _country_code(text)
    if code is None:
        return text, f"{quoted(text)} is not a country that we know. It was kept."
    return code, f"{quoted(text)} was changed to {code}."


def comparable(name: str) -> str:
    """The form in which names of countries are compared: lower case, without accents, marks and words such as “the”."""
    text = unicodedata.normalize("NFKD", _SILENT.sub("", visible(name))).casefold()
    text = unicodedata.normalize("NFC", _ACCENTS.sub("", text)).translate(_LETTERS)
    words = "".join(letter if _is_letter(letter) else " " for letter in text).split()
    return " ".join(_ABBREVIATIONS.get(word, word) for word in words if word not in _EMPTY_WORDS)


@lru_cache(maxsize=1 << 12)
def _country_code(text: str) -> str | None:
    bare = visible(text).strip()
    return _named(bare) or _in_parts(bare)


def _in_parts(text: str) -> str | None:
    """The country of `Germany (DE)`, `DE - Germany`, of a subdivision such as `US-CA`, or of a flag."""
    letters = [ord(character) - _FIRST_FLAG_LETTER for character in text]
    if len(letters) == _TWO and all(0 <= letter < _ALPHABET for letter in letters):
        return _named("".join(chr(ord("A") + letter) for letter in letters))
    if subdivision := _SUBDIVISION.fullmatch(text):
        return subdivision[1] if subdivision[1] in COUNTRY_CODES else None
    parts = [part for part in _PARTS.split(text) if part]
    codes = {_named(part) for part in parts}
    return codes.pop() if len(parts) == _TWO and len(codes) == 1 else None


def _named(bare: str) -> str | None:
    if bare.casefold().rstrip(".") in _NO_COUNTRIES:
        return None
    code = _SILENT.sub("", bare).upper()
    if code in COUNTRY_CODES:
        return code
    if code in _BY_OTHER_CODE:
        return _BY_OTHER_CODE[code]
    spellings = list(_spellings(bare))
    known = next(filter(None, map(_BY_NAME.get, spellings)), None)
    if known or not any(spellings) or (bare.isascii() and len(bare) < _SHORTEST_NAME):
        return known
    return next(filter(None, map(_by_foreign_name().get, _foreign(spellings))), None)


def _spellings(text: str) -> Iterable[str]:
    """Readings of a name: as it is, reordered (“Iran (Islamic Republic of)”), without words such as “Republic”."""
    name = comparable(text)
    yield name
    head, comma, tail = _BRACKETS.sub(r", \1", text).partition(",")
    turned = comparable(f"{tail} {head}") if comma else name
    yield turned
    while style := next((style for style in _STYLES if turned.startswith(style + " ")), None):
        turned = turned[len(style) + 1 :]
        yield turned


def _foreign(spellings: Iterable[str]) -> Iterable[str]:
    """The same, and without the styles and articles of other languages and the second letters of umlauts."""
    for name in spellings:
        style = _FOREIGN_STYLES.match(name) or _ARTICLES.match(name)
        bare = name[style.end() :] if style else name
        yield from dict.fromkeys((name, bare, _UMLAUTS.sub("", name), _UMLAUTS.sub("", bare)))


def _is_letter(character: str) -> bool:
    # Marks too: vowels of many scripts are marks.
    return unicodedata.category(character)[0] in "LMN"


def _by_name() -> dict[str, str]:
    names: dict[str, str] = {}
    for code, name in Locale("en").territories.items():
        if code in COUNTRY_CODES:
            names[comparable(name)] = code
            names[comparable(name.partition("(")[0])] = code
    for code, name in _listed("more_countries"):
        names[comparable(name)] = code
    return names


@cache
def _by_foreign_name() -> dict[str, str]:
    return {name: code for code, name in _listed("countries")} | _BY_NAME


def _listed(file: str) -> Iterable[tuple[str, str]]:
    """Each name in `words/FILE.txt` with its code: a line is a code and its names, with `|` between them."""
    for line in lines(file):
        code, _, names = line.partition(" ")
        for name in names.split("|"):
            yield code, name


_BY_NAME = _by_name()
_BY_OTHER_CODE = _EUROPEAN_CODES | {
    other: code for code, (alpha3, numeric) in ALT_CODES.items() for other in (alpha3, f"{numeric:03}")
}
