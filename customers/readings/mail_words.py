"""Mail domains and mailbox names: free providers, disposable mail, office and placeholder mailboxes."""

from __future__ import annotations

import re

from customers.readings.word_files import words

#: Domains where anyone can have a mailbox.
_FREE = words("free_mail")
#: Providers with one such domain per country.
_FREE_EVERYWHERE = re.compile(
    r"(?:yahoo|ymail|hotmail|live|outlook|msn|gmx|yandex|aol|windowslive)\.(?:com?\.)?[a-z]{2}"
)

_DISPOSABLE = words("disposable_mail")

#: Providers with several domains for one set of mailboxes, and the domain used for all.
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

#: Providers that ignore dots in a mailbox name (Proton: hyphens and underscores too).
IGNORED_MARKS = {"gmail.com": ".", "proton.me": ".-_"}

_TAGGED = words("tagged_mail")
_TAGGED_EVERYWHERE = re.compile(r"(?:hotmail|live|outlook|msn|windowslive)\.(?:com?\.)?[a-z]{2}")

#: Mailboxes of an office, not of a person.
_OFFICES = words("offices")
#: A shorter word before a dot is more likely a person's: `dev.patel@`, `it.smith@`.
_SHORTEST_OFFICE = 4
#: Placeholders.
_NOBODY = re.compile(
    r"(?:no[-_]?reply|do[-_]?not[-_]?reply|none|no-?e?mail|na|n-a|unknown|nobody|null|undefined|test|testing"
    r"|tester|example|dummy|fake|asdf+|qwe(?:rty)?|xxx+|aaa+|placeholder|deleted|invalid|anonymous|customer|user|guest"
    r"|no|n\.a\.?|not-?(?:provided|available|given|applicable)|no-?e?mail-?(?:provided|given|address)"
    r"|your-?(?:name|e?mail)?|name|some(?:one|body)|hidden|redacted|removed|blank|mailer-?daemon|bounces?"
    r"|tbd|tba|unbekannt|kein|keine-?e?mail|pas-?de-?mail|sans-?e?mail|inconnu|sin-?(?:correo|e?mail)|desconocido"
    r"|sem-?e?mail|desconhecido|senza-?e?mail|sconosciuto|geen-?e?mail|onbekend|brak|yok)"
)
#: What is typed on both sides of the @ for want of an address.
_TYPED = frozenset({"abc@abc", "foo@bar", "foo@foo", "email@email", "mail@mail"})


def is_free(domain: str) -> bool:
    """Whether anyone can have a mailbox at `domain`."""
    return domain in _FREE or _FREE_EVERYWHERE.fullmatch(domain) is not None


def is_disposable(domain: str) -> bool:
    """Whether `domain` gives disposable mailboxes."""
    return domain in _DISPOSABLE


def ignores_tags(domain: str) -> bool:
    """Whether `jane+shop@` and `jane@` are the same mailbox at `domain`."""
    return domain in _TAGGED or _TAGGED_EVERYWHERE.fullmatch(domain) is not None


def is_office(name: str) -> bool:
    """Whether `name@` belongs to an office, such as info or billing."""
    first = re.split(r"[._+-]", name)[0]
    return name.rstrip("0123456789") in _OFFICES or (len(first) >= _SHORTEST_OFFICE and first in _OFFICES)


def is_placeholder(name: str, host: str) -> bool:
    """Whether `name@host` is a placeholder, such as noreply@, test@, a@a.com or x@y.z."""
    label = host.partition(".")[0]
    # Not ibm@ibm.com.
    is_repeated = name == label and (name.isdigit() or len(set(name)) == 1)
    return (
        _NOBODY.fullmatch(name) is not None
        or f"{name}@{label}" in _TYPED
        or is_repeated
        or len(name) == len(label) == 1
    )
