"""Blocking keys: only customers that share one are compared.

A key that too many customers share (a switchboard, the domain of a large organization) is useless alone. Its customers are compared
only where they also share a word of their names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from enum import IntEnum
from itertools import chain

from crm.dedupe.duplicates.profile import Profile
from customers.readings.names import Name, is_everyday, name_keys
from customers.readings.phones import tail_of
from customers.readings.text import sound

_SHORTEST_LOCAL = 6
_EDGE = 4


class KeyKind(IntEnum):
    """The kinds of blocking keys."""

    MAILBOX = 1
    MAILBOX_NAME = 2
    PHONE = 3
    PHONE_WORD = 4
    FINGERPRINT = 5
    NAMED_ELSEWHERE = 6
    TAX_ID = 7
    COMPANY_NUMBER = 8
    DOMAIN = 9
    DOMAIN_WORD = 10
    NAME = 11
    NAME_CITY = 12
    WORD_CITY = 13
    WORD_POSTAL = 14
    EDGE_CITY = 15
    INITIALS_POSTAL = 16
    STREET = 17
    METHOD = 18
    PHONE_TAIL = 19
    #: Counted, never used to compare.
    WORD = 20
    CITY = 21
    POSTAL = 22
    WORD_IN_CITY = 23


#: The most customers that may share a key of a kind and still be compared because of it.
LIMITS = {
    KeyKind.MAILBOX: 30,
    KeyKind.MAILBOX_NAME: 10,
    KeyKind.PHONE: 30,
    KeyKind.PHONE_WORD: 30,
    KeyKind.FINGERPRINT: 30,
    KeyKind.NAMED_ELSEWHERE: 2,
    KeyKind.TAX_ID: 30,
    KeyKind.COMPANY_NUMBER: 30,
    KeyKind.DOMAIN: 30,
    KeyKind.DOMAIN_WORD: 30,
    KeyKind.NAME: 12,
    KeyKind.NAME_CITY: 40,
    KeyKind.WORD_CITY: 40,
    KeyKind.WORD_POSTAL: 40,
    KeyKind.EDGE_CITY: 30,
    KeyKind.INITIALS_POSTAL: 30,
    KeyKind.STREET: 30,
    KeyKind.METHOD: 10,
    KeyKind.PHONE_TAIL: 30,
}


def digest(mark: KeyKind, env: str, key: str) -> int:
    """A number for a blocking key, practically unique. `env` is empty for keys that cross environments."""
    text = f"{mark.value}\0{env}\0{key}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def blocking_keys_of(profile: Profile) -> Iterator[tuple[KeyKind, str]]:
    """The blocking keys of a customer. Some may repeat."""
    words = list(dict.fromkeys(chain.from_iterable(name.sounds for name in profile.names)))
    names = [*profile.names, *(contact.name for contact in profile.contacts if contact.name is not None)]
    yield from _of_contact_points(profile, words)
    for domain in profile.domains:
        yield KeyKind.DOMAIN, domain
        for word in dict.fromkeys(chain.from_iterable(name.sounds for name in names)):
            yield KeyKind.DOMAIN_WORD, f"{domain} {word}"
    yield from _of_numbers(profile)
    for word in words:
        yield KeyKind.WORD, word
    for name in names:
        for key in name_keys(name):
            yield KeyKind.NAME, key
    yield from _of_places(profile, names)


def _of_contact_points(profile: Profile, words: list[str]) -> Iterator[tuple[KeyKind, str]]:
    for box in profile.boxes | profile.contact_boxes:
        yield KeyKind.MAILBOX, box
    for mailbox in profile.mailboxes:
        if len(mailbox.name) >= _SHORTEST_LOCAL and not mailbox.is_office:
            yield KeyKind.MAILBOX_NAME, mailbox.name
    for phone in dict.fromkeys(chain(profile.phones, *(contact.phones for contact in profile.contacts))):
        yield KeyKind.PHONE, phone
        yield KeyKind.PHONE_TAIL, tail_of(phone)
        for word in words:
            yield KeyKind.PHONE_WORD, f"{tail_of(phone)} {word}"


def _of_numbers(profile: Profile) -> Iterator[tuple[KeyKind, str]]:
    if profile.fingerprint:
        yield KeyKind.FINGERPRINT, profile.fingerprint
    for identifier in profile.named_elsewhere:
        yield KeyKind.NAMED_ELSEWHERE, identifier
    for tax_id in profile.tax_ids:
        yield KeyKind.TAX_ID, tax_id.number
    for number in profile.company_numbers:
        yield KeyKind.COMPANY_NUMBER, number
    for method in profile.methods:
        yield KeyKind.METHOD, method


def _of_places(profile: Profile, names: list[Name]) -> Iterator[tuple[KeyKind, str]]:
    spoken = list(dict.fromkeys(chain.from_iterable(map(_telling, profile.names))))
    edges = list(dict.fromkeys(chain.from_iterable(map(_edges, profile.names))))
    for place in profile.places:
        if place.city:
            yield KeyKind.CITY, place.city
            for word in dict.fromkeys(chain.from_iterable(name.sounds for name in profile.names)):
                yield KeyKind.WORD_IN_CITY, f"{word} {place.city}"
            for words_and_initials in spoken:
                yield KeyKind.WORD_CITY, f"{words_and_initials} {place.city}"
            for edge in edges:
                yield KeyKind.EDGE_CITY, f"{edge} {place.city}"
            for name in names:
                for key in name_keys(name):
                    yield KeyKind.NAME_CITY, f"{key} {place.city}"
        if place.postal:
            yield KeyKind.POSTAL, f"{place.country} {place.postal}"
            for words_and_initials in spoken:
                yield KeyKind.WORD_POSTAL, f"{words_and_initials} {place.postal}"
            for name in profile.names:
                initials = "".join(sorted(word[0] for word in name.words))
                yield KeyKind.INITIALS_POSTAL, f"{initials} {place.postal}"
        if place.street and place.house and (place.city or place.postal):
            yield KeyKind.STREET, f"{place.street} {place.house} {place.city or place.postal}"


def _telling(name: Name) -> Iterator[str]:
    """The distinctive words of a name. A common word comes with the initials of the others."""
    for place, word in enumerate(name.words):
        if len(name.words) > 1 and is_everyday(word):
            rest = sorted(other[0] for number, other in enumerate(name.words) if number != place)
            yield f"{sound(word)} {''.join(rest)}"
        else:
            yield sound(word)


def _edges(name: Name) -> Iterator[str]:
    """The beginnings and endings of the longest words, because a typo leaves one of the two intact.

    Two distinctive words, because a typo can turn one into a common word, and the longest word of all.
    """
    telling = sorted((word for word in name.words if not is_everyday(word)), key=len, reverse=True)
    for word in dict.fromkeys(map(sound, (*telling[:2], max(name.words, key=len)))):
        if len(word) > _EDGE:
            yield f"{word[:_EDGE]}-"
            yield f"-{word[-_EDGE:]}"
