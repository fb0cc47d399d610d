"""One spelling for texts that a search takes for the same: without case, accents, apostrophes and invisible characters.

The search compares texts in this form, in Python and in the database. The tables below define it: SQLite calls
`folded`, PostgreSQL gets a function that `crm.desk.search.sql_functions` makes of the same tables. They don't depend
on the Unicode version of Python, because PostgreSQL's indexes hold the result.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from customers.readings.word_files import lines

#: Accents that decompose into a space and a mark. They stand for apostrophes.
ACCENTS = "\u00b4\u0384\u1fbd\u1fbf\u1ffe\u1ffd\u1fef"

#: Marks, apostrophes and invisible characters, as the inside of a bracket expression. The voiced sound marks of kana
#: and the vowel signs of Indic scripts are not among them: without these a word is another word.
SILENT = (
    # Marks of Latin, Greek and Cyrillic, of Hebrew and of Arabic.
    r"\u0300-\u036f\u0483-\u0487\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
    r"\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    r"\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
    # Apostrophes and primes.
    r"'`\u02b9-\u02bf\u02c8\u02ca\u02cb\u055a\u05f3\u2018-\u201b\u2032\u2035\ua78c"
    # Soft hyphen, joiners, directions, selectors, byte order mark, tags.
    r"\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    r"\U000e0000-\U000e01ef"
)

#: Letters of scripts without spaces between words, as the inside of a bracket expression. Each is folded to a word
#: of its own, so that any two of them are found inside a text.
IDEOGRAPHS = (
    r"\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u303b\u3041-\u3096\u309d-\u309f\u30a1-\u30fa"
    r"\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    r"\U00020000-\U000323af"
)
#: What may follow such a letter: the marks of が and ぱ.
SOUND_MARKS = r"\u3099\u309a"

#: Spaces, as the inside of a bracket expression: those at which `str.split` divides, apart from those that decompose.
SPACES = r"\u0009-\u000d\u001c-\u001f\u0020\u0085\u1680\u2028\u2029"

#: Where the letters of one alphabet have a capital that does not decompose. Capitals of rarer alphabets stay.
_WITH_CAPITALS = ((0x00C0, 0x052F), (0x0531, 0x0556), (0x1E00, 0x1FFF))
_GEORGIAN_CAPITALS = (*range(0x1C90, 0x1CBB), *range(0x1CBD, 0x1CC0))
_GEORGIAN_OFFSET = 0x1C90 - 0x10D0
#: Coca-Cola and Coca Cola are the same. The dash that doesn't break decomposes to another one.
DASHES = "-\u2010\u2012\u2013\u2014\u2015\u2212"
#: Persian forms of Arabic letters, and what many write for them.
_ARABIC = {"ی": "ي", "ى": "ي", "ک": "ك", "ہ": "ه", "ة": "ه"}
_DIGITS = ("٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९")


def _letters() -> dict[str, str]:
    plain = {line[0]: line[1:].strip() for line in lines("latin")}
    plain.pop("ĳ", None)  # decomposes
    table = {chr(letter): chr(letter + 32) for letter in range(ord("A"), ord("Z") + 1)}
    # Unicode 3.2 is the same in every version of Python.
    old = unicodedata.ucd_3_2_0
    for first, last in _WITH_CAPITALS:
        for letter in map(chr, range(first, last + 1)):
            is_known = old.category(letter) != "Cn" and old.normalize("NFKD", letter) == letter
            if is_known and letter.casefold() != letter:
                table[letter] = letter.casefold()
    table["ẞ"] = "ss"
    table |= {chr(code): chr(code - _GEORGIAN_OFFSET) for code in _GEORGIAN_CAPITALS}
    table = {letter: plain.get(small, small) for letter, small in table.items()}
    table |= {letter: small for letter, small in plain.items() if letter not in table}
    table |= _ARABIC | dict.fromkeys(DASHES, " ")
    return table | {digit: str(value) for digits in _DIGITS for value, digit in enumerate(digits)}


#: What stands for a letter, after decomposition.
LETTERS = _letters()

_ASCII = str.maketrans("-", " ", "'`")
_ACCENTS = re.compile(f"[{ACCENTS}]")
#: The silent characters, of the planes that have any.
_SILENT = re.findall(f"[{SILENT}]", "".join(map(chr, (*range(0x10000), *range(0xE0000, 0xE0200)))))
#: No ideograph comes before it.
_FIRST_IDEOGRAPH = "\u2e80"
_IDEOGRAPH = re.compile(f"[{IDEOGRAPHS}][{SOUND_MARKS}]*")
_LETTERS = str.maketrans(LETTERS | dict.fromkeys(_SILENT, ""))
#: What is written for a letter where a keyboard lacks it.
_IN_TWO_LETTERS = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"}
_TWO_LETTERS = str.maketrans(
    _IN_TWO_LETTERS | {letter.upper(): two for letter, two in _IN_TWO_LETTERS.items()}
)
_OF_TWO_LETTERS = re.compile("ae|oe|ue|aa")
_NEITHER_LETTER_NOR_DIGIT = re.compile("[^a-z0-9]")


@lru_cache(maxsize=1 << 16)
def folded(text: str) -> str:
    """`text` as the search compares it: small letters without marks, apostrophes and invisible characters, single spaces,
    also for dashes.

    Ideographs and kana are words of one letter. Hangul is decomposed, so that the beginning of a syllable is found.
    """
    if text.isascii():
        return " ".join(text.lower().translate(_ASCII).split())
    plain = unicodedata.normalize("NFKD", _ACCENTS.sub("", text)).translate(_LETTERS)
    if plain and max(plain) >= _FIRST_IDEOGRAPH:
        plain = _IDEOGRAPH.sub(r" \g<0> ", plain)
    return " ".join(plain.split())


def has_ideographs(text: str) -> bool:
    return _IDEOGRAPH.search(text) is not None


def begins_with_ideograph(text: str) -> bool:
    return _IDEOGRAPH.match(text) is not None


def in_two_letters(text: str) -> str:
    """`text` with ü as ue, and so on: Müller as Mueller."""
    return text if text.isascii() else unicodedata.normalize("NFC", text).translate(_TWO_LETTERS)


def in_one_letter(text: str) -> str:
    """The folded `text` with ue as u, and so on. It is what Müller is folded to if Mueller is given."""
    return _OF_TWO_LETTERS.sub(lambda two: two[0][0], text)


def compact(text: str) -> str:
    """`text` folded, without anything but Latin letters and digits, as numbers are compared."""
    return _NEITHER_LETTER_NOR_DIGIT.sub("", folded(text))
