"""Phone numbers in one form."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers

_ZEROS = re.compile(r"^\s*00(?=\s*[1-9])")
_LETTERS = re.compile(r"^[^\d+(]+")
_SHORTEST, _TAIL = 7, 7
_FEW_DIGITS = 2
_WITH_ZERO = (39,)
_COUNTING = "01234567890123456789"


@lru_cache(maxsize=1 << 14)
def read_phone(text: str, region: str = "") -> str:
    """A number in E.164, whether or not it exists. `…` and its digits if the country is unknown.

    `region` (ISO 3166-1 alpha-2) applies to numbers without a country code. Empty for text that isn't a number, and for
    placeholders (0000000, 1234567890). An extension follows after a semicolon.
    """
    plain = _LETTERS.sub("", _ZEROS.sub("+", text)).strip()
    try:
        number = phonenumbers.parse(plain, region or None)
    except phonenumbers.NumberParseException:
        digits = "".join(filter(str.isdecimal, text)).lstrip("0")
        return "" if len(digits) < _SHORTEST or _is_placeholder(digits) else f"…{digits}"
    national = str(number.national_number)
    code = f"{number.country_code}{national}"
    if len(national) < _SHORTEST - 1 or _is_placeholder(national) or _is_placeholder(code):
        return ""
    # Leading zeros are a national dialing prefix, except in Italy.
    zero = "0" if number.italian_leading_zero and number.country_code in _WITH_ZERO else ""
    form = f"+{number.country_code}{zero}{national}"
    return f"{form};{number.extension}" if number.extension else form


@lru_cache(maxsize=1 << 12)
def in_groups(phone: str) -> str:
    """A number in E.164 as people write it, such as +1 503-555-0126. Any other text as it is."""
    if not phone.startswith("+") or not phone[1:].isdecimal():
        return phone
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return phone
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def tail_of(phone: str) -> str:
    """The last digits of a number from `read_phone`, equal in every form of it."""
    return phone.partition(";")[0].lstrip("+…")[-_TAIL:]


def is_same_phone(one: str, other: str) -> bool:
    """Whether two numbers are the same. One may lack its country."""
    if one == other:
        return True
    if one.startswith("…") == other.startswith("…"):
        return False
    national, full = (one, other) if one.startswith("…") else (other, one)
    return full.partition(";")[0].endswith(national[1:])


def _is_placeholder(digits: str) -> bool:
    few = len(set(digits)) <= _FEW_DIGITS and len(set(digits[-_SHORTEST:])) == 1
    return few or digits in _COUNTING or digits in _COUNTING[::-1]
