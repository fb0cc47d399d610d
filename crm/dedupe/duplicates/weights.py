"""The weights of the evidence: the one table that a score comes from.

Weights are natural log-odds: 2.3 makes a match ten times likelier, -2.3 ten times less likely.
`fit_duplicate_weights` fits them to planted duplicates and people's decisions. A new table gets a new version.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

#: The default score from which a pair counts as a possible duplicate.
DEFAULT_SCORE = 0.75


class Weights(Struct, frozen=True):
    """What each rule adds to the log-odds of a pair.

    `before` are the log-odds of two customers that share a blocking key, before any evidence. `crowded` is what evidence loses each
    time that the number of the customers sharing it is multiplied by e.
    """

    version: int
    before: float
    rules: Mapping[str, float]
    crowded: Mapping[str, float]


#: Rules against traps. A fit never changes them, because it forgets traps that its examples don't have.
FIXED = frozenset(
    {
        "another tax id",
        "a tax id of another kind",
        "a tax id that may be mistyped",
        "another company number",
        "family",
        "another family name",
        "another company of a group",
        "unrelated names of companies",
        "look-alike name",
        "look-alike domain",
        "look-alike mailbox",
        "another environment",
    }
)

CURRENT = Weights(
    version=2,
    before=-2.0,
    rules={
        # Numbers that belong to one customer.
        "same tax id": 16.0,
        "another tax id": -13.0,
        "a tax id of another kind": -6.0,
        "a tax id that may be mistyped": -5.0,
        "same company number": 6.0,
        "another company number": -8.0,
        "same id in another environment": 7.65,
        "same short id in another environment": 3.5,
        "same payment method": 3.0,
        # Mailboxes, phones, devices, domains.
        "same mailbox": 7.66,
        "same mailbox, tagged": 6.5,
        "same office mailbox": 5.11,
        "mistyped mailbox": 4.11,
        "same phone": 6.54,
        "same phone, without its country": 5.17,
        "same fingerprint": 7.52,
        "a contact's mailbox": 5.55,
        "a contact's phone": 4.0,
        "same domain": 2.65,
        # Names.
        "same name in the same place": 1.02,
        "namesakes in the same place": -1.15,
        "part of the name": 0.01,
        "a part of a company": -2.63,
        "a part of a company in one place": 4.99,
        "family": -6.0,
        "another company of a group": -9.0,
        "another family name": -4.5,
        "unrelated names": -5.52,
        "unrelated names of companies": -9.0,
        "a person and a company": -4.68,
        "a contact's name": 0.83,
        "the domain is the name": 2.0,
        # Evidence against.
        "another country": -2.54,
        "another city": -2.78,
        "another address": -4.55,
        "another postal code": -0.82,
        "another mailbox": -1.84,
        "another phone": -1.09,
        "another domain": -1.54,
        # Traps: shown to people, but never counted in favor.
        "look-alike name": 0.0,
        "look-alike domain": -6.0,
        "look-alike mailbox": -6.0,
        "another environment": 0.0,
    },
    crowded={
        "same tax id": 4.0,
        "same company number": 3.0,
        "same mailbox": 1.59,
        "same mailbox, tagged": 1.5,
        "same office mailbox": 1.5,
        "same phone": 2.56,
        "same phone, without its country": 2.0,
        "same fingerprint": 2.31,
        "a contact's mailbox": 3.45,
        "a contact's phone": 2.0,
        "same domain": 1.12,
        "same payment method": 2.0,
    },
)
