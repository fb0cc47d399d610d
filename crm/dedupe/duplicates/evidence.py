"""Evidence for and against a pair, by name, each with its weight.

Weights are natural log-odds: 2.3 makes a match ten times likelier, -2.3 ten times less likely.
"""

from __future__ import annotations

from math import log

from msgspec import Struct

from customers.formats import percent

#: The default score from which a pair counts as a possible duplicate.
DEFAULT_SCORE = 0.75

#: The log-odds of two customers that share a blocking key, before any other evidence.
BEFORE = -2.0

WEIGHTS = {
    # Numbers that belong to one customer.
    "same tax id": 16.0,
    "another tax id": -13.0,
    "a tax id of another kind": -6.0,
    "a tax id that may be mistyped": -5.0,
    "same company number": 6.0,
    "another company number": -8.0,
    "same id in another environment": 7.5,
    "same short id in another environment": 3.5,
    "same payment method": 3.0,
    # Mailboxes, phones, devices, domains.
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
    "a part of a company in one place": 5.0,
    "family": -6.0,
    "another company of a group": -9.0,
    "another family name": -4.5,
    "unrelated names": -4.0,
    "unrelated names of companies": -9.0,
    "a person and a company": -3.5,
    "a contact's name": 1.0,
    "the domain is the name": 2.0,
    # Evidence against.
    "another country": -4.0,
    "another city": -2.5,
    "another address": -3.5,
    "another postal code": -0.8,
    "another mailbox": -0.4,
    "another phone": -0.4,
    "another domain": -1.0,
    # Traps: shown to people, but never counted in favor.
    "look-alike name": 0.0,
    "look-alike domain": -6.0,
    "look-alike mailbox": -6.0,
    "another environment": 0.0,
}

#: The weight that a shared mailbox, phone, … loses each time the number of customers that share it doubles.
CROWDED = {
    "same tax id": 4.0,
    "same company number": 3.0,
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
#: From this many customers on, the reason says how many share it.
_CROWD = 3


class Evidence(Struct, frozen=True):
    """What a rule found: its name in `WEIGHTS`, the reason in words, and its weight in this case."""

    rule: str
    words: str
    weight: float


def found(rule: str, words: str, factor: float = 1.0) -> Evidence:
    """Evidence of `rule`, scaled by `factor`."""
    return Evidence(rule, words, WEIGHTS[rule] * factor)


def shared(rule: str, words: str, count: int) -> Evidence:
    """Something that `count` customers share. The more share it, the less it weighs, down to 0."""
    if count >= _CROWD:
        words = f"{words}, shared by {count} customers"
    return Evidence(rule, words, max(0.0, WEIGHTS[rule] - CROWDED[rule] * log(count - 1)))


_ALMOST_CERTAIN = 0.995


def likelihood(score: float) -> str:
    """A score in words: `97%`, `over 99%`."""
    return f"over {percent(0.99)}" if score >= _ALMOST_CERTAIN else percent(score)
