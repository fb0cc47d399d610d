"""Email addresses and domains: which ones are the same, and which belong to an organization."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

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
from customers.readings.normalize import quoted
from customers.readings.text import looks, visible

_HOST = re.compile(r"[^\s@/:?#,;<>()\[\]\\\"]+\.[^\s@/:?#,;<>()\[\]\\\"]+")
_MAILTO = re.compile(r"^mailto:", re.IGNORECASE)
_SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//")
_AFTER_HOST = re.compile(r"[/?#]")
#: As in `@example.com`, `*.example.com` and `.example.com`.
_MARKS_BEFORE = "@*."
#: Around domains that were copied.
_MARKS_AROUND = "<>\"'\u201c\u201d,;"
_PORT = re.compile(r":[0-9]*$")
_WITHOUT_MARKS = re.compile(r"[._-]")
_LONGEST = 320
_LONGEST_DOMAIN, _LONGEST_LABEL = 253, 63
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
    whole = visible(_MAILTO.sub("", text.strip()))
    name, _, host = whole.rpartition("@")
    host = read_host(host)
    name = name.casefold().strip('"')
    if not name or not host or len(whole) > _LONGEST or any(character.isspace() for character in name):
        return None
    host = SAME_PROVIDER.get(host, host)
    untagged = name.partition("+")[0] or name
    is_tagged = untagged != name and not ignores_tags(host)
    name = untagged
    if host in IGNORED_MARKS:
        name = "".join(character for character in name if character not in IGNORED_MARKS[host]) or name
    if is_placeholder(name, host):
        return None
    return Mailbox(name, host, is_office(name), is_tagged)


@lru_cache(maxsize=1 << 14)
def read_host(text: str) -> str:
    """The host in a domain, a link or part of an address: in Unicode and lower case, without `www.`, port and final dot.

    Empty if there is none.
    """
    text = _lowered(visible(text.strip())).replace("\u3002", ".")
    rest = _SCHEME.sub("", text)
    host = _AFTER_HOST.split(rest, maxsplit=1)[0]
    if rest != text:
        host = host.rpartition("@")[2]
    host = _PORT.sub("", host).rstrip(".")
    host = ".".join(map(label_in_unicode, host.split(".")))
    while host.startswith("www.") and "." in host[4:]:
        host = host[4:]
    return host if _HOST.fullmatch(host) else ""


def domain(text: str) -> tuple[str, str | None]:
    """The domain in `text` in the form of `read_host`, and a remark if it was changed or isn't one.

    Text that isn't a domain is kept, without the spaces around it.
    """
    found = read_host(visible(text).strip().strip(_MARKS_AROUND).lstrip(_MARKS_BEFORE))
    if is_domain(found):
        return found, None if found == text else f"{quoted(text)} was changed to {found}."
    bare = text.strip()
    return bare, f"{quoted(bare)} is not a domain. It was kept." if bare else None


def is_domain(text: str) -> bool:
    """Whether `text` is a domain with a top-level domain, in letters of any script."""
    labels = text.split(".")
    top = labels[-1]
    return (
        len(labels) > 1
        and len(text) <= _LONGEST_DOMAIN
        and all(map(_is_label, labels))
        and len(top) > 1
        and not top.isdecimal()
    )


def in_ascii(host: str) -> str:
    """A host as DNS has it: with `xn--` for other letters. Empty if it isn't a host."""
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return ""


def label_in_unicode(label: str) -> str:
    """A label that begins with `xn--`, in its own letters. A malformed one stays."""
    if not label.startswith("xn--") or not label.isascii():
        return label
    try:
        own = label[4:].encode().decode("punycode")
    except UnicodeError:
        return label
    return own if _is_label(own) and not own.isascii() and own == _lowered(visible(own)) else label


@lru_cache(maxsize=1 << 14)
def company_domains(host: str) -> tuple[str, ...]:
    """The domains that identify the organization of `host`: the registered one, and `host` if it is a subdomain.

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


def _lowered(text: str) -> str:
    return unicodedata.normalize("NFKC", text.lower())


def _is_label(text: str) -> bool:
    # Marks too: vowels of many scripts are marks. Symbols, because some domains are emoji.
    return (
        0 < len(text) <= _LONGEST_LABEL
        and text[0] != "-" != text[-1]
        and all(letter == "-" or unicodedata.category(letter)[0] in "LMNS" for letter in text)
        and (not text.isascii() or text.replace("-", "0").isalnum())
    )


@cache
def _suffixes() -> PublicSuffixList:
    """The public suffix list. Loading it takes a tenth of a command's start, so it is loaded at first use."""
    return PublicSuffixList()


def _registered(host: str) -> str:
    registered = _suffixes().privatesuffix(in_ascii(host))
    if not registered:
        return ""
    # As many labels as the registered domain has, in the host's own letters.
    return ".".join(host.split(".")[-len(registered.split(".")) :])
