"""The marks of a customer: duplicates share one of them, so only customers that share a mark are compared.

A mark that too many share (a switchboard, a large organisation's domain) tells nothing: its customers are not
compared because of it, only because of it together with a word of their names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from enum import IntEnum
from itertools import chain

from crm.dedupe.duplicates.names import Name, is_everyday, name_keys
from crm.dedupe.duplicates.phones import tail_of
from crm.dedupe.duplicates.profile import Profile
from crm.dedupe.duplicates.text import sound

_SHORTEST_LOCAL = 6
_EDGE = 4


class Mark(IntEnum):
    """The kinds of marks."""

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
    #: Only counted.
    WORD = 20
    CITY = 21
    POSTAL = 22
    WORD_IN_CITY = 23


#: How many customers may share a mark of a kind and still be compared because of it.
LIMITS = {
    Mark.MAILBOX: 30,
    Mark.MAILBOX_NAME: 10,
    Mark.PHONE: 30,
    Mark.PHONE_WORD: 30,
    Mark.FINGERPRINT: 30,
    Mark.NAMED_ELSEWHERE: 2,
    Mark.TAX_ID: 30,
    Mark.COMPANY_NUMBER: 30,
    Mark.DOMAIN: 30,
    Mark.DOMAIN_WORD: 30,
    Mark.NAME: 12,
    Mark.NAME_CITY: 40,
    Mark.WORD_CITY: 40,
    Mark.WORD_POSTAL: 40,
    Mark.EDGE_CITY: 30,
    Mark.INITIALS_POSTAL: 30,
    Mark.STREET: 30,
    Mark.METHOD: 10,
    Mark.PHONE_TAIL: 30,
}


def digest(mark: Mark, env: str, key: str) -> int:
    """A number for a mark that no other is likely to have. Marks that cross environments have `env` empty."""
    text = f"{mark.value}\0{env}\0{key}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def marks_of(profile: Profile) -> Iterator[tuple[Mark, str]]:
    """The marks of a customer; some may come twice."""
    words = list(dict.fromkeys(chain.from_iterable(name.sounds for name in profile.names)))
    names = [*profile.names, *(contact.name for contact in profile.contacts if contact.name is not None)]
    yield from _of_contact_points(profile, words)
    for domain in profile.domains:
        yield Mark.DOMAIN, domain
        for word in dict.fromkeys(chain.from_iterable(name.sounds for name in names)):
            yield Mark.DOMAIN_WORD, f"{domain} {word}"
    yield from _of_numbers(profile)
    for word in words:
        yield Mark.WORD, word
    for name in names:
        for key in name_keys(name):
            yield Mark.NAME, key
    yield from _of_places(profile, names)


def _of_contact_points(profile: Profile, words: list[str]) -> Iterator[tuple[Mark, str]]:
    for box in profile.boxes | profile.contact_boxes:
        yield Mark.MAILBOX, box
    for mailbox in profile.mailboxes:
        if len(mailbox.name) >= _SHORTEST_LOCAL and not mailbox.is_office:
            yield Mark.MAILBOX_NAME, mailbox.name
    for phone in dict.fromkeys(chain(profile.phones, *(contact.phones for contact in profile.contacts))):
        yield Mark.PHONE, phone
        yield Mark.PHONE_TAIL, tail_of(phone)
        for word in words:
            yield Mark.PHONE_WORD, f"{tail_of(phone)} {word}"


def _of_numbers(profile: Profile) -> Iterator[tuple[Mark, str]]:
    if profile.fingerprint:
        yield Mark.FINGERPRINT, profile.fingerprint
    for identifier in profile.named_elsewhere:
        yield Mark.NAMED_ELSEWHERE, identifier
    for tax_id in profile.tax_ids:
        yield Mark.TAX_ID, tax_id.number
    for number in profile.company_numbers:
        yield Mark.COMPANY_NUMBER, number
    for method in profile.methods:
        yield Mark.METHOD, method


def _of_places(profile: Profile, names: list[Name]) -> Iterator[tuple[Mark, str]]:
    spoken = list(dict.fromkeys(chain.from_iterable(map(_telling, profile.names))))
    edges = list(dict.fromkeys(chain.from_iterable(map(_edges, profile.names))))
    for place in profile.places:
        if place.city:
            yield Mark.CITY, place.city
            for word in dict.fromkeys(chain.from_iterable(name.sounds for name in profile.names)):
                yield Mark.WORD_IN_CITY, f"{word} {place.city}"
            for words_and_initials in spoken:
                yield Mark.WORD_CITY, f"{words_and_initials} {place.city}"
            for edge in edges:
                yield Mark.EDGE_CITY, f"{edge} {place.city}"
            for name in names:
                for key in name_keys(name):
                    yield Mark.NAME_CITY, f"{key} {place.city}"
        if place.postal:
            yield Mark.POSTAL, f"{place.country} {place.postal}"
            for words_and_initials in spoken:
                yield Mark.WORD_POSTAL, f"{words_and_initials} {place.postal}"
            for name in profile.names:
                initials = "".join(sorted(word[0] for word in name.words))
                yield Mark.INITIALS_POSTAL, f"{initials} {place.postal}"
        if place.street and place.house and (place.city or place.postal):
            yield Mark.STREET, f"{place.street} {place.house} {place.city or place.postal}"


def _telling(name: Name) -> Iterator[str]:
    """The words that tell a name from others; one that many names have, with the initials of the rest."""
    for place, word in enumerate(name.words):
        if len(name.words) > 1 and is_everyday(word):
            rest = sorted(other[0] for number, other in enumerate(name.words) if number != place)
            yield f"{sound(word)} {''.join(rest)}"
        else:
            yield sound(word)


def _edges(name: Name) -> Iterator[str]:
    """How the longest words begin and end: a typo leaves one of the two.

    Of the telling ones two, for a typo makes one of an everyday word; and the longest of all.
    """
    telling = sorted((word for word in name.words if not is_everyday(word)), key=len, reverse=True)
    for word in dict.fromkeys(map(sound, (*telling[:2], max(name.words, key=len)))):
        if len(word) > _EDGE:
            yield f"{word[:_EDGE]}-"
            yield f"-{word[-_EDGE:]}"
