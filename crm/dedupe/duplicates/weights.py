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


#: Rules that a fit never changes: those against traps, because it forgets traps that its examples don't have, and those about
#: different ways to reach somebody, because planted customers have one mailbox and one phone where others have several.
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
        "another mailbox",
        "another phone",
        "another domain",
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
        "same id in another environment": 7.75,
        "same short id in another environment": 3.5,
        "same payment method": 3.0,
        # Mailboxes, phones, devices, domains.
        "same mailbox": 7.66,
        "same mailbox, tagged": 6.5,
        "same office mailbox": 5.41,
        "mistyped mailbox": 4.28,
        "same phone": 6.07,
        "same phone, without its country": 5.29,
        "same fingerprint": 6.84,
        "a contact's mailbox": 5.43,
        "a contact's phone": 4.0,
        "same domain": 2.53,
        # Names.
        "same name in the same place": 0.76,
        "namesakes in the same place": -1.22,
        "part of the name": 0.02,
        "a part of a company": -2.0,
        "a part of a company in one place": 4.85,
        "family": -6.0,
        "another company of a group": -9.0,
        "another family name": -4.5,
        "unrelated names": -6.39,
        "unrelated names of companies": -9.0,
        "a person and a company": -4.61,
        "a contact's name": 0.72,
        "the domain is the name": 2.0,
        # Evidence against.
        "another country": -2.92,
        "another city": -3.3,
        "another address": -5.13,
        "another postal code": -0.86,
        "another mailbox": -0.4,
        "another phone": -0.4,
        "another domain": -1.0,
        # Traps: shown to people, but never counted in favor.
        "look-alike name": 0.0,
        "look-alike domain": -6.0,
        "look-alike mailbox": -6.0,
        "another environment": 0.0,
    },
    crowded={
        "same tax id": 4.0,
        "same company number": 3.0,
        "same mailbox": 1.64,
        "same mailbox, tagged": 1.5,
        "same office mailbox": 1.5,
        "same phone": 2.83,
        "same phone, without its country": 2.0,
        "same fingerprint": 2.44,
        "a contact's mailbox": 3.9,
        "a contact's phone": 2.0,
        "same domain": 1.37,
        "same payment method": 2.0,
    },
)
