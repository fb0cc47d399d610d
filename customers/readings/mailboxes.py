"""Email addresses and domains: which ones are the same, and which belong to an organization."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from urllib.parse import urlsplit

from msgspec import Struct
from publicsuffixlist import PublicSuffixList
from rapidfuzz.distance import OSA

from customers.readings.mail_words import (
    IGNORED_MARKS,
    SAME_PROVIDER,
    ignores_tags,
    is_disposable,
    is_free,
    is_office,
    is_placeholder,
)
from customers.readings.text import looks, visible

_HOST = re.compile(r"[^\s@/:?#,;<>()\[\]\\\"]+\.[^\s@/:?#,;<>()\[\]\\\"]+")
_WITHOUT_MARKS = re.compile(r"[._-]")
_LONGEST = 320
_SHORTEST_MISTYPED = 6


class Mailbox(Struct, array_like=True, frozen=True):
    """An address as its provider reads it. `box` is equal for all spellings of a mailbox.

    `is_tagged` if it had a tag at a provider that may or may not ignore tags. `box` is without the tag.
    """

    name: str
    host: str
    is_office: bool = False
    is_tagged: bool = False

    @property
    def box(self) -> str:
        return f"{self.name}@{self.host}"


@lru_cache(maxsize=1 << 14)
def read_mailbox(text: str) -> Mailbox | None:
    """The mailbox of an email address. None for other texts and for placeholders."""
    whole = visible(text.strip().removeprefix("mailto:")).casefold()
    name, _, host = whole.rpartition("@")
    host = read_host(host)
    name = name.strip('"')
    if not name or not host or len(whole) > _LONGEST or any(character.isspace() for character in name):
        return None
    host = SAME_PROVIDER.get(host, host)
    untagged = name.partition("+")[0] or name
    is_tagged = untagged != name and not ignores_tags(host)
    name = untagged
    if host in IGNORED_MARKS:
        name = "".join(character for character in name if character not in IGNORED_MARKS[host]) or name
    if is_placeholder(name):
        return None
    return Mailbox(name, host, is_office(name), is_tagged)


@lru_cache(maxsize=1 << 14)
def read_host(text: str) -> str:
    """The host in a domain, a link or part of an address, in Unicode and lower case. Empty if there is none."""
    text = visible(text.strip()).casefold()
    if "//" in text:
        try:
            text = urlsplit(text).hostname or ""
        except ValueError:
            return ""
    host = text.partition("/")[0].partition("?")[0].rstrip(".").removeprefix("www.")
    if "xn--" in host:
        try:
            host = host.encode("ascii").decode("idna").casefold()
        except UnicodeError:
            return host if _HOST.fullmatch(host) else ""
    return host if _HOST.fullmatch(host) else ""


@lru_cache(maxsize=1 << 14)
def company_domains(host: str) -> tuple[str, ...]:
    """The domains of `host` that identify an organization: the registered one, and the host itself below it.

    Empty for free and disposable mail domains.
    """
    registered = _registered(host)
    if not registered or any(is_free(each) or is_disposable(each) for each in (host, registered)):
        return ()
    return (registered,) if registered == host else (registered, host)


@lru_cache(maxsize=1 << 14)
def label_of(domain: str) -> str:
    """The chosen part of a registered domain: `acme` of acme.co.uk."""
    return (_registered(domain) or domain).partition(".")[0]


def is_mistyped(one: Mailbox, other: Mailbox) -> bool:
    """Whether one address may be the other with a typo: jane.deo@, or a provider that does not exist."""
    if one.is_office or other.is_office or min(len(one.name), len(other.name)) < _SHORTEST_MISTYPED:
        return False
    if one.host == other.host:
        is_numbered = _digits(one.name) != _digits(other.name)
        is_trap = looks_like(one, other)
        # Where jane_doe@ is taken, a namesake may well have jane.doe@.
        is_respelled = _WITHOUT_MARKS.sub("", one.name) == _WITHOUT_MARKS.sub("", other.name)
        return (
            not (is_numbered or is_trap or is_respelled)
            and OSA.distance(one.name, other.name, score_cutoff=1) == 1
        )
    if one.name != other.name or is_free(one.host) == is_free(other.host) or looks_like(one, other):
        return False
    return OSA.distance(one.host, other.host, score_cutoff=1) == 1


def looks_like(one: Mailbox, other: Mailbox) -> bool:
    """Whether two different addresses look the same: other alphabets, or a domain with 1 for l, rn for m."""
    if one.box == other.box or looks(one.box) != looks(other.box):
        return False
    return one.host != other.host or one.box.isascii() != other.box.isascii()


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


@cache
def _suffixes() -> PublicSuffixList:
    """The public suffix list. Loading it takes a tenth of a command's start, so it is loaded at first use."""
    return PublicSuffixList()


def _registered(host: str) -> str:
    try:
        ascii_host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return ""
    registered = _suffixes().privatesuffix(ascii_host)
    if not registered:
        return ""
    # As many labels as the registered domain has, in the host's own letters.
    return ".".join(host.split(".")[-len(registered.split(".")) :])
