"""Words in company names: legal forms, trades, parts of companies.

All in the form of `text.plain`.
"""

from __future__ import annotations

from rapidfuzz.distance import OSA

from customers.readings.word_files import lines, words

#: Words that an organization may drop or add: fillers, trades, parts of it.
PADDING = words("padding")
TRADES = words("trades")
BRANCHES = words("branches")
#: Trades that are also family names.
ALSO_FAMILY_NAMES = words("also_family_names")

#: Legal forms at an end of a name in scripts without spaces.
UNSPACED_LEGAL_FORMS = (
    "株式会社",
    "有限会社",
    "合同会社",
    "股份有限公司",
    "有限公司",
    "주식회사",
    "(株)",
    "㈱",
)


def _legal_forms() -> dict[tuple[str, ...], str]:
    forms: dict[tuple[str, ...], str] = {}
    for line in lines("legal_forms"):
        spellings = line.split("|")
        for spelling in spellings:
            forms.setdefault(tuple(spelling.split()), spellings[0])
    return forms


_FORMS = _legal_forms()
_LONGEST_FORM = max(map(len, _FORMS))
_LONG_FORM = 7
_LONG_WORDS = tuple({form[-1]: None for form in _FORMS if len(form[-1]) >= _LONG_FORM})
#: Forms that stand before the name.
_BEFORE = frozenset({"ooo", "oao", "tov", "ip", "pt", "sia", "uab", "kk", "ao", "ad"})


def without_legal_form(words: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """`words` without the legal form, and the form in its first spelling (empty if there is none).

    A form stands at the end, in some countries at the beginning. At least one word is left.
    """
    found = ""
    words = (*words[:-1], _mended(words[-1])) if len(words) > 1 else words
    while (length := _length_of_form(words)) and length < len(words):
        form = _FORMS[words[-length:]]
        found = f"{form} {found}".strip()
        words = words[:-length]
    if not found and len(words) > 1 and _FORMS.get(words[:1]) in _BEFORE:
        return words[1:], _FORMS[words[:1]]
    return words, found


def _mended(word: str) -> str:
    """A long legal form, if `word` is one with a typo."""
    if len(word) < _LONG_FORM - 1 or word in _LONG_WORDS:
        return word
    return next((form for form in _LONG_WORDS if OSA.distance(word, form, score_cutoff=1) <= 1), word)


def _length_of_form(words: tuple[str, ...]) -> int:
    for length in range(min(_LONGEST_FORM, len(words)), 0, -1):
        if words[-length:] in _FORMS:
            return length
    return 0
