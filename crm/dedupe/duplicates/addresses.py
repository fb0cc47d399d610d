"""Addresses in one form, and how near two of them are."""

from __future__ import annotations

import re
from enum import IntEnum
from functools import cache, lru_cache

from babel import Locale
from msgspec import Struct
from rapidfuzz.distance import OSA

from customers.readings.countries import COUNTRY_CODES
from customers.readings.countries import country as read_country
from customers.readings.text import plain, sound
from customers.readings.word_files import lines, spellings, words

_STREETS = spellings("streets")
_GLUED = re.compile(r"(\w{3,})(?:strasse|str)")
_UNITS = words("units")
_POSTAL_PREFIX = re.compile(r"^[a-z]{1,2}(?=[0-9]{4,}$)")
_SHORTEST_CITY = 6
_SHORTEST_POSTAL = 4
_LONGEST = 200
_LANGUAGES = (
    "bg", "cs", "da", "de", "el", "es", "fi", "fr", "hu", "it", "ja", "nb", "nl", "pl", "pt", "ro", "ru", "sv", "sw", "tr",
    "uk", "zh",
)  # fmt: skip


class Place(Struct, array_like=True, frozen=True, omit_defaults=True):
    """An address in one form. Unknown parts are empty. `country` is alpha-2."""

    country: str = ""
    city: str = ""
    postal: str = ""
    street: str = ""
    house: str = ""

    @property
    def is_known(self) -> bool:
        """Whether it has more than the country."""
        return bool(self.city or self.postal)


class Nearness(IntEnum):
    """How near two places are. A greater value is nearer."""

    OTHER_COUNTRY = 0
    OTHER_CITY = 1
    UNKNOWN = 2
    SAME_COUNTRY = 3
    SAME_CITY = 4
    SAME_POSTAL = 5
    SAME_STREET = 6


def read_place(
    *, line1: str = "", line2: str = "", city: str = "", postal: str = "", country: str = ""
) -> Place:
    code = country_code(country)
    street, house = _street(line1[:_LONGEST]) if line1 else ("", "")
    if not street and line2:
        street, house = _street(line2[:_LONGEST])
    plain_postal = _POSTAL_PREFIX.sub("", plain(postal[:_LONGEST]).replace(" ", ""))
    if len(plain_postal) < _SHORTEST_POSTAL:
        plain_postal = ""
    if code == "US":
        plain_postal = plain_postal[:5]
    return Place(code, city_name(city[:_LONGEST]), plain_postal, street, house)


def read_location(text: str) -> Place:
    """A place in free text, such as “Munich, Germany”: a city, and at the end a country."""
    parts = [part.strip() for part in text[:_LONGEST].split(",") if part.strip()]
    if not parts:
        return Place()
    # “Boston, MA” names no country, “Boston, MA, US” does.
    is_named = len(parts[-1]) > 2 or len(parts) > 2
    country = country_code(parts[-1]) if is_named else ""
    if country and len(parts) == 1:
        return Place(country)
    # “100 Main St, Springfield, IL, US”: a part that begins with a number is the street.
    city = next((part for part in parts if not any(map(str.isdigit, part))), "")
    return Place(country, city_name(city))


def nearness(one: Place, other: Place) -> Nearness:
    if one.country and other.country and one.country != other.country:
        return Nearness.OTHER_COUNTRY
    is_same_postal = bool(one.postal) and one.postal == other.postal
    is_same_city = _is_same_city(one.city, other.city)
    is_same_house = bool(one.street and one.house) and (one.street, one.house) == (other.street, other.house)
    if is_same_house and (is_same_postal or is_same_city):
        return Nearness.SAME_STREET
    if is_same_postal:
        return Nearness.SAME_POSTAL
    if is_same_city:
        return Nearness.SAME_CITY
    if one.city and other.city:
        return Nearness.OTHER_CITY
    if one.postal and other.postal:
        return Nearness.OTHER_CITY
    return Nearness.SAME_COUNTRY if one.country and one.country == other.country else Nearness.UNKNOWN


def is_other_address(one: Place, other: Place) -> bool:
    """Whether both have a street and a house number, and they differ."""
    return bool(one.street and other.street) and (one.street, one.house) != (other.street, other.house)


def is_other_postal(one: Place, other: Place) -> bool:
    """Whether both have a postal code, and they differ by more than a typo."""
    return bool(one.postal and other.postal) and OSA.distance(one.postal, other.postal, score_cutoff=1) > 1


@lru_cache(maxsize=1 << 12)
def city_name(text: str) -> str:
    """One name for a city that has several."""
    name = plain(text)
    spoken = _by_sound(name)
    return _BY_NAME.get(name) or _BY_NAME.get(spoken) or spoken


def _is_same_city(one: str, other: str) -> bool:
    if not one or not other:
        return False
    if one == other:
        return True
    is_long = min(len(one), len(other)) >= _SHORTEST_CITY
    return is_long and OSA.distance(one, other, score_cutoff=1) <= 1


def _street(line: str) -> tuple[str, str]:
    """The words of the street in any order, and the house number."""
    words = plain(line).split()
    house = next((word for word in words if word[0].isdigit()), "")
    kept: list[str] = []
    for word in words:
        if kept and (word == house or word in _UNITS):
            break
        if word == house:
            continue
        glued = _GLUED.fullmatch(word)
        kept.extend(map(sound, [glued[1], "st"] if glued else [_STREETS.get(word, word)]))
    return " ".join(sorted(set(kept))), house


@lru_cache(maxsize=1 << 10)
def country_code(text: str) -> str:
    """The alpha-2 code of a country by its code or its name in one of several languages. Empty if unknown."""
    text = text.strip()
    if not text:
        return ""
    code, _ = read_country(text)
    return code if code in COUNTRY_CODES else _names_of_countries().get(plain(text), "")


@cache
def _names_of_countries() -> dict[str, str]:
    return {
        plain(name): code
        for language in _LANGUAGES
        for code, name in Locale(language).territories.items()
        if code in COUNTRY_CODES
    }


def _by_name() -> dict[str, str]:
    names: dict[str, str] = {}
    for line in lines("cities"):
        first, *others = line.split("|")
        for name in (first, *others):
            names[name] = names[_by_sound(name)] = first
    return names


def _by_sound(name: str) -> str:
    return " ".join(map(sound, name.split()))


_BY_NAME = _by_name()
