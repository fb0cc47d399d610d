"""What speaks for two customers being one, and what against: all of it by name, each with its weight.

A weight is in natural log-odds: 2.3 makes it ten times as likely, -2.3 ten times less.
"""

from __future__ import annotations

from math import log

from msgspec import Struct

#: The score from which two customers are taken for one, unless another is asked for.
DEFAULT_SCORE = 0.75

#: The log-odds of two customers that share a mark, before anything else is known of them.
BEFORE = -2.0

WEIGHTS = {
    # Numbers that belong to one.
    "same tax id": 16.0,
    "another tax id": -13.0,
    "a tax id of another kind": -6.0,
    "a tax id that may be mistyped": -5.0,
    "same company number": 6.0,
    "another company number": -8.0,
    "same id in another environment": 7.5,
    "same short id in another environment": 3.5,
    "same payment method": 3.0,
    # Ways to reach somebody.
    "same mailbox": 8.0,
    "same mailbox, tagged": 6.5,
    "same office mailbox": 5.0,
    "mistyped mailbox": 4.0,
    "same phone": 6.0,
    "same phone, without its country": 5.0,
    "same fingerprint": 8.5,
    "a contact's mailbox": 7.5,
    "a contact's phone": 4.0,
    "same domain": 2.5,
    # Names.
    "same name in the same place": 1.0,
    "namesakes in the same place": -1.0,
    "part of the name": 0.0,
    "a part of a company": -4.0,
    "family": -6.0,
    "another company of a group": -9.0,
    "another family name": -4.5,
    "unrelated names": -4.0,
    "unrelated names of companies": -9.0,
    "a person and a company": -3.5,
    "a contact's name": 1.0,
    "the domain is the name": 2.0,
    # What tells them apart.
    "another country": -4.0,
    "another city": -2.5,
    "another address": -3.5,
    "another postal code": -0.8,
    "another mailbox": -0.4,
    "another phone": -0.4,
    "another domain": -1.0,
    # Traps: they are told, and never count in favour.
    "look-alike name": 0.0,
    "look-alike domain": -6.0,
    "look-alike mailbox": -6.0,
    "another environment": 0.0,
}

#: A shared way to reach somebody loses so much for each doubling (or so) of those who share it.
CROWDED = {
    "same mailbox": 1.5,
    "same mailbox, tagged": 1.5,
    "same office mailbox": 1.5,
    "same phone": 2.0,
    "same phone, without its country": 2.0,
    "same fingerprint": 2.0,
    "a contact's mailbox": 1.5,
    "a contact's phone": 2.0,
    "same domain": 1.0,
    "same payment method": 2.0,
}
#: From so many customers on, the reason says how many share it.
_CROWD = 3


class Evidence(Struct, frozen=True):
    """What a rule found: its name in `WEIGHTS`, what it says in words, and what it weighs in this case."""

    rule: str
    words: str
    weight: float


def found(rule: str, words: str, factor: float = 1.0) -> Evidence:
    """What `rule` found, for so many times its weight."""
    return Evidence(rule, words, WEIGHTS[rule] * factor)


def shared(rule: str, words: str, count: int) -> Evidence:
    """Something that `count` customers share: the more they are, the less it says, down to nothing."""
    if count >= _CROWD:
        words = f"{words}, as {count} customers have"
    return Evidence(rule, words, max(0.0, WEIGHTS[rule] - CROWDED[rule] * log(count - 1)))


_ALMOST_CERTAIN = 0.995


def likelihood(score: float) -> str:
    """A score as a person says it."""
    return "over 99%" if score >= _ALMOST_CERTAIN else f"{score:.0%}"
