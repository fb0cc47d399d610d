"""What is known of e-mail: where anybody gets a mailbox, where one throws it away, and which mailboxes are nobody's."""

from __future__ import annotations

import re

from crm.dedupe.duplicates.word_files import words

#: Domains under which anybody has a mailbox.
_FREE = words("free_mail")
#: Providers that have one such domain for each country.
_FREE_EVERYWHERE = re.compile(
    r"(?:yahoo|ymail|hotmail|live|outlook|msn|gmx|yandex|aol|windowslive)\.(?:com?\.)?[a-z]{2}"
)

_DISPOSABLE = words("disposable_mail")

#: Providers with several domains for one set of mailboxes: the domain that stands for the others.
SAME_PROVIDER = {
    "googlemail.com": "gmail.com",
    "protonmail.com": "proton.me",
    "protonmail.ch": "proton.me",
    "pm.me": "proton.me",
    "me.com": "icloud.com",
    "mac.com": "icloud.com",
    "ya.ru": "yandex.ru",
    "yandex.com": "yandex.ru",
}

#: Providers at which dots in a mailbox's name mean nothing (Proton: hyphens and underscores too).
IGNORED_MARKS = {"gmail.com": ".", "proton.me": ".-_"}

_TAGGED = words("tagged_mail")
_TAGGED_EVERYWHERE = re.compile(r"(?:hotmail|live|outlook|msn|windowslive)\.(?:com?\.)?[a-z]{2}")

#: Mailboxes that belong to an office, not to somebody.
_OFFICES = words("offices")
#: Shorter words before a dot are rather somebody's: `dev.patel@`, `it.smith@`.
_SHORTEST_OFFICE = 4
#: Mailboxes that stand for none.
_NOBODY = re.compile(
    r"(?:no-?reply|do-?not-?reply|donotreply|none|no-?e?mail|na|n-a|unknown|nobody|null|undefined|test|testing"
    r"|tester|example|dummy|fake|asdf+|xxx+|placeholder|deleted|invalid|anonymous|customer|user|guest)"
)


def is_free(domain: str) -> bool:
    """Whether anybody may have a mailbox under `domain`."""
    return domain in _FREE or _FREE_EVERYWHERE.fullmatch(domain) is not None


def is_disposable(domain: str) -> bool:
    """Whether mailboxes under `domain` are made to be thrown away."""
    return domain in _DISPOSABLE


def ignores_tags(domain: str) -> bool:
    """Whether `jane+shop@` and `jane@` are one mailbox under `domain`."""
    return domain in _TAGGED or _TAGGED_EVERYWHERE.fullmatch(domain) is not None


def is_office(name: str) -> bool:
    """Whether the mailbox `name@` is an office's, such as info or billing."""
    first = re.split(r"[._+-]", name)[0]
    return name.rstrip("0123456789") in _OFFICES or (len(first) >= _SHORTEST_OFFICE and first in _OFFICES)


def is_nobodys(name: str) -> bool:
    """Whether the mailbox `name@` stands for none, such as noreply or test."""
    return _NOBODY.fullmatch(name) is not None
