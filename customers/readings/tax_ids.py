"""Tax and registration numbers without punctuation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from msgspec import Struct
from rapidfuzz.distance import OSA
from stdnum import get_cc_module

from customers.readings.countries import COUNTRY_CODES

#: VAT prefixes that differ from the country code.
_PREFIXES = {"EL": "GR", "XI": "GB", "CHE": "CH"}
_PREFIX = re.compile(r"(CHE|[A-Z]{2})(?=[A-Z0-9]*[0-9])")
_SWISS_ENDING = re.compile(r"(?:MWST|TVA|IVA|TPV)$")
_MARKS = re.compile(r"[^A-Z0-9]")
_SHORTEST = 5
#: Fewer digits in a row are a sequence by chance.
_FEWEST_DIGITS = 6


class TaxId(Struct, array_like=True, frozen=True):
    """A number and, if known, the country (ISO 3166-1 alpha-2) that issued it."""

    number: str
    country: str = ""
    is_valid: bool = False


@lru_cache(maxsize=1 << 12)
def read_tax_id(text: str, country: str = "") -> TaxId | None:
    """A tax number in its compact form, without its country's prefix. None if it cannot be one.

    `country` (alpha-2) is the holder's, for numbers without a prefix.
    """
    bare = _MARKS.sub("", text.upper())
    prefix = _PREFIX.match(bare)
    named = prefix[1] if prefix else ""
    named = _PREFIXES.get(named, named)
    given_by = named if named in COUNTRY_CODES and (named == country or _is_vat(named, bare)) else country
    number, is_valid = _compact(given_by, bare)
    if given_by == named and prefix:
        number = number.removeprefix(prefix[1])
    if given_by == "CH":
        number = _SWISS_ENDING.sub("", number.removeprefix("CHE"))
    if len(number) < _SHORTEST or not any(map(str.isdigit, number)) or len(set(number)) <= 1:
        return None
    return TaxId(number, given_by, is_valid)


def read_company_number(text: str) -> str:
    """A company register number without punctuation and leading zeros. Empty if it isn't one."""
    number = _MARKS.sub("", text.upper()).lstrip("0")
    return (
        number if len(number) >= _SHORTEST and any(map(str.isdigit, number)) and len(set(number)) > 1 else ""
    )


def is_placeholder(number: str) -> bool:
    """Whether a number is one that people enter for want of a real one: `000000000`, `123456789`, `987654321`.

    Such a number can be searched for, but it isn't a sign that two customers are one.
    """
    digits = [int(each) for each in number if each.isdigit()]
    steps = {(after - before) % 10 for before, after in pairwise(digits)}
    return len(digits) >= _FEWEST_DIGITS and steps in ({0}, {1}, {9})


def is_same_tax_id(one: TaxId, other: TaxId) -> bool:
    """Whether two numbers are the same. An unknown country matches any."""
    return one.number == other.number and (
        not one.country or not other.country or one.country == other.country
    )


def is_of_one_kind(one: TaxId, other: TaxId) -> bool:
    """Whether two numbers are of a kind that a customer has once: same country, same length."""
    is_one_country = not one.country or not other.country or one.country == other.country
    return is_one_country and len(one.number) == len(other.number)


def may_be_a_slip(ones: Sequence[TaxId], others: Sequence[TaxId]) -> bool:
    """Whether one number may be the other with a typo: close, and not both with a valid check digit."""
    return any(
        not (one.is_valid and other.is_valid) and OSA.distance(one.number, other.number, score_cutoff=1) <= 1
        for one in ones
        for other in others
    )


def _compact(country: str, bare: str) -> tuple[str, bool]:
    module = _module(country)
    if module is None:
        return bare, False
    try:
        return module.compact(bare).upper(), bool(module.is_valid(bare))
    except (ValueError, IndexError):
        return bare, False


@lru_cache
def _module(country: str) -> Any:
    if not country:
        return None
    return get_cc_module(country.lower(), "vat") or get_cc_module(country.lower(), "tin")


def _is_vat(country: str, bare: str) -> bool:
    """Whether a text that begins with a country code is likely a number of that country."""
    module = _module(country)
    if module is not None and module.is_valid(bare):
        return True
    return sum(map(str.isdigit, bare)) >= len(bare) - 4
