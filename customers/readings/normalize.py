"""Normalize countries, phone numbers and choices that sources spell in different ways.

`country`, `phone` and `choice` return the text to store and, if they changed or doubt it, a remark for a person.
Texts that they don't recognize are kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable

import phonenumbers
from babel import Locale
from django_countries.data import ALT_CODES, COUNTRIES

from customers.json_types import JsonDocument, Remark, optional_keys, within

#: Kosovo has no code in ISO 3166-1. Platforms use this one, from the range for private use.
COUNTRY_CODES = frozenset(COUNTRIES) | {"XK"}

_SHOWN_LENGTH = 60
_SILENT = re.compile("[.'`\u2018\u2019\u02bc]")
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")
_BRACKETS = re.compile(r"\s*\(([^)]*)\)\s*$")
_EMPTY_WORDS = frozenset({"the", "of", "and"})
_ABBREVIATIONS = {"saint": "st", "sainte": "st", "is": "islands", "rep": "republic", "dem": "democratic"}
_FIRST_ZEROS = re.compile(r"^\s*00(?=\s*[1-9])")

#: Names that the English names of CLDR lack, in the form of `_words`.
_OTHER_NAMES = {
    "AE": ("uae", "emirates"),
    "AG": ("antigua",),
    "BN": ("brunei darussalam",),
    "BO": ("plurinational state bolivia",),
    "BQ": ("bonaire st eustatius saba", "bonaire sint eustatius saba"),
    "CC": ("cocos islands", "keeling islands"),
    "CD": (
        "congo kinshasa",
        "congo democratic republic",
        "democratic republic congo",
        "dr congo",
        "drc",
        "zaire",
    ),
    "CG": ("congo", "congo brazzaville", "congo republic", "republic congo"),
    "CI": ("ivory coast", "cote divoire", "cote d ivoire", "republic cote divoire"),
    "CV": ("cabo verde",),
    "CZ": ("czech republic",),
    "FK": ("malvinas", "falkland islands malvinas"),
    "FM": ("federated states micronesia",),
    "GB": (
        "uk",
        "great britain",
        "britain",
        "england",
        "scotland",
        "wales",
        "northern ireland",
        "united kingdom great britain northern ireland",
    ),
    "GM": ("gambia",),
    "GR": ("hellenic republic",),
    "GS": ("south georgia",),
    "HK": ("hong kong",),
    "HM": ("heard island mcdonald islands",),
    "IR": ("islamic republic iran",),
    "KG": ("kyrgyz republic",),
    "KN": ("st kitts nevis", "st christopher nevis"),
    "KP": ("democratic peoples republic korea", "dprk"),
    "KR": ("republic korea", "korea"),
    "KW": ("state kuwait",),
    "LA": ("lao", "lao peoples democratic republic"),
    "MF": ("st martin french part",),
    "MK": ("macedonia", "republic macedonia", "former yugoslav republic macedonia", "fyrom"),
    "MM": ("myanmar", "burma"),
    "MO": ("macau", "macao"),
    "NL": ("holland",),
    "NR": ("naoero",),
    "PN": ("pitcairn",),
    "PS": ("palestine", "state palestine"),
    "QA": ("state qatar",),
    "RU": ("russian federation",),
    "SA": ("ksa",),
    "SH": ("st helena ascension tristan da cunha",),
    "SJ": ("svalbard jan mayen islands",),
    "SK": ("slovak republic",),
    "ST": ("sao tome principe",),
    "SX": ("sint maarten dutch part",),
    "SY": ("syrian arab republic",),
    "SZ": ("swaziland",),
    "TL": ("east timor",),
    "TR": ("turkey", "turkiye"),
    "TW": ("taiwan province china", "republic china", "chinese taipei"),
    "UM": ("united states minor outlying islands",),
    "US": ("usa", "united states america", "america"),
    "VA": ("holy see", "vatican"),
    "VG": ("virgin islands british",),
    "VI": ("virgin islands us",),
    "VN": ("viet nam",),
    "ZA": ("rsa",),
}

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


def country(text: str) -> tuple[str, str | None]:
    """The ISO 3166-1 alpha-2 code of a country given by its code or its English name, in any case."""
    if text in COUNTRY_CODES:
        return text, None
    code = _country_code(text)
    if code is None:
        return text, f"{quoted(text)} is not a country that we know. It was kept."
    return code, f"{quoted(text)} was changed to {code}."


def phone(text: str, region: str | None) -> tuple[str, str | None]:
    """The E.164 form of a phone number; without a leading `+` it is read as one of `region` (alpha-2)."""
    international = _FIRST_ZEROS.sub("+", text)
    number = _valid_number(international, None) or (_valid_number(text, region) if region else None)
    if number is None:
        doubt = "is not a valid phone number"
        if not region and not international.lstrip().startswith("+"):
            doubt = "has no country code, and the country is unknown"
        return text, f"{quoted(text)} {doubt}. It was kept."
    if number.extension:
        return text, f"{quoted(text)} has an extension, which E.164 can't express. It was kept."
    standard = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return standard, None if standard == text else f"{quoted(text)} was changed to {standard}."


def choice(text: str, allowed: Collection[str]) -> tuple[str | None, str | None]:
    """The value of `allowed` that `text` means, ignoring case and with spaces for underscores; None if there is none."""
    if text in allowed:
        return text, None
    spelling = _spelling(text)
    for value in allowed:
        if _spelling(value) == spelling:
            return value, f"{quoted(text)} was changed to {value}."
    return None, None


def tidy_texts(path: str, thing: JsonDocument, *, trimmed: Collection[str]) -> list[Remark]:
    """Replace empty texts of `thing` at `path` by null, and trim those named in `trimmed`.

    Required keys keep an empty text.
    """
    remarks: list[Remark] = []
    optional = optional_keys(type(thing))
    for name in optional.union(trimmed):
        text = getattr(thing, name, None)
        if not isinstance(text, str):
            continue
        if name in trimmed and text != text.strip():
            text = text.strip()
            setattr(thing, name, text)
            remarks.append(Remark(within(path, name), "The spaces around it were removed."))
        if not text and name in optional:
            setattr(thing, name, None)
    return remarks


def quoted(text: str) -> str:
    """`text` in quotation marks for a message, shortened if it is long."""
    return f"“{text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + '…'}”"


def _spelling(text: str) -> str:
    return re.sub(r"[\s_-]+", "_", text.strip().casefold())


def _valid_number(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def _country_code(text: str) -> str | None:
    plain = text.strip()
    if plain.upper() in COUNTRY_CODES:
        return plain.upper()
    if plain.upper() in _BY_OTHER_CODE:
        return _BY_OTHER_CODE[plain.upper()]
    found = (_BY_NAME.get(name) for name in _spellings(plain))
    return next((code for code in found if code), None)


def _spellings(text: str) -> Iterable[str]:
    """Readings of a name: as it is, reordered (“Iran (Islamic Republic of)”), without words such as “Republic”."""
    name = _words(text)
    yield name
    head, comma, tail = _BRACKETS.sub(r", \1", text).partition(",")
    turned = _words(f"{tail} {head}") if comma else name
    yield turned
    while style := next((style for style in _STYLES if turned.startswith(style + " ")), None):
        turned = turned[len(style) + 1 :]
        yield turned


def _words(text: str) -> str:
    """`text` in lower case, without accents, punctuation and words such as “the”."""
    letters = unicodedata.normalize("NFKD", _SILENT.sub("", text)).casefold()
    letters = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = _NOT_A_WORD.sub(" ", letters).split()
    return " ".join(_ABBREVIATIONS.get(word, word) for word in words if word not in _EMPTY_WORDS)


def _by_name() -> dict[str, str]:
    names: dict[str, str] = {}
    for code, name in Locale("en").territories.items():
        if code in COUNTRY_CODES:
            names[_words(name)] = code
            names[_words(name.partition("(")[0])] = code
    for code, others in _OTHER_NAMES.items():
        for name in others:
            names[name] = code
    return names


_BY_NAME = _by_name()
_BY_OTHER_CODE = {
    other: code for code, (alpha3, numeric) in ALT_CODES.items() for other in (alpha3, f"{numeric:03}")
}
