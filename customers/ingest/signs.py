"""Signs that two records are of one customer, or of two: names, mailboxes, phones, domains, tax numbers.

An ID that two systems may have given independently, such as `1001`, joins records only with a second sign beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from customers.readings.mailboxes import company_domains, read_mailbox
from customers.readings.names import Name, Relation, compare, is_everyday, read_name
from customers.readings.phones import is_same_phone
from customers.readings.tax_ids import TaxId, is_of_one_kind, is_same_tax_id
from customers.readings.text import visible

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_TOKEN = re.compile(r"(?:[A-Za-z]{2,12}[_-])?([A-Za-z0-9]{10,})")
_SHORTEST_TOKEN = 16
#: The fewest different characters of a random token: `acmeacmeacme2024` is a name.
_FEWEST_CHARACTERS = 9
#: Names that people enter for want of a real one.
_NO_NAMES = re.compile(
    r"(?:n/?a|none|null|undefined|unknown|no name|unnamed|untitled|anonymous|test(?:ing)?|test (?:user|customer|account)"
    r"|customer|new customer|user|guest|client|company|name|company name|your name|placeholder|default|example|demo)"
)
_OF_OTHERS = {Relation.UNRELATED, Relation.KIN, Relation.GROUP, Relation.LOOKS_ALIKE}


@dataclass(frozen=True, slots=True)
class Signs:
    """What a record, or all records of a customer, say. `mailboxes` are in canonical form, `phones` in E.164."""

    names: frozenset[str] = frozenset()
    mailboxes: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    tax_ids: frozenset[TaxId] = field(default_factory=frozenset)

    @classmethod
    def from_json(cls, stored: dict[str, Any], *mailboxes: str) -> Self:
        """The signs that `as_json` stored."""
        return cls(
            names=frozenset(stored.get("names", ())),
            mailboxes=frozenset(filter(None, mailboxes)),
            phones=frozenset(stored.get("phones", ())),
            domains=frozenset(stored.get("domains", ())),
            tax_ids=frozenset(TaxId(*each) for each in stored.get("tax_ids", ())),
        )

    def as_json(self) -> dict[str, Any]:
        """The signs without the mailboxes, in a stable order."""
        stored: dict[str, Any] = {
            "names": sorted(self.names),
            "phones": sorted(self.phones),
            "domains": sorted(self.domains),
            "tax_ids": sorted([each.number, each.country, each.is_valid] for each in self.tax_ids),
        }
        return {name: values for name, values in stored.items() if values}

    def __or__(self, other: Signs) -> Signs:
        return Signs(
            self.names | other.names,
            self.mailboxes | other.mailboxes,
            self.phones | other.phones,
            self.domains | other.domains,
            self.tax_ids | other.tax_ids,
        )

    @property
    def companies(self) -> frozenset[str]:
        """The domains of organizations: those listed, and those of the mailboxes."""
        hosts = {*self.domains, *(mailbox.rpartition("@")[2] for mailbox in self.mailboxes)}
        return frozenset(domain for host in hosts for domain in company_domains(host))

    def agree_with(self, other: Signs) -> bool:
        """Whether both share a mailbox, company domain, tax number, phone or name, and no tax numbers differ."""
        return not self._tax_ids_differ(other) and (
            bool(self.mailboxes & other.mailboxes or self.companies & other.companies)
            or any(is_same_tax_id(mine, theirs) for mine in self.tax_ids for theirs in other.tax_ids)
            or any(is_same_phone(mine, theirs) for mine in self.phones for theirs in other.phones)
            or Relation.ALIKE in self._relations(other)
        )

    def share_name_and_domain(self, other: Signs) -> bool:
        """Whether both have a name and a company's domain in common, and nothing contradicts it."""
        shares_both = bool(self.companies & other.companies) and Relation.ALIKE in self._relations(other)
        return shares_both and not self.contradict(other)

    def contradict(self, other: Signs) -> bool:
        """Whether names, company domains or tax numbers, where both have them, are of different customers."""
        relations = self._relations(other)
        # A name that no rule can read may seem unlike itself.
        share_a_name = bool(self.names & other.names)
        names_differ = bool(relations) and relations <= _OF_OTHERS and not share_a_name
        domains_differ = bool(self.domains and other.domains) and not self.companies & other.companies
        return names_differ or domains_differ or self._tax_ids_differ(other)

    def _relations(self, other: Signs) -> set[Relation]:
        pairs = [(mine, theirs) for mine in _read(self.names) for theirs in _read(other.names)]
        return {compare(mine, theirs, is_everyday).relation for mine, theirs in pairs}

    def _tax_ids_differ(self, other: Signs) -> bool:
        pairs = [(mine, theirs) for mine in self.tax_ids for theirs in other.tax_ids]
        comparable = [pair for pair in pairs if is_of_one_kind(*pair) and all(each.is_valid for each in pair)]
        return bool(comparable) and not any(is_same_tax_id(*pair) for pair in pairs)


def mailbox_of(email: str) -> str:
    """The canonical form of an email address. Empty for a placeholder, an office (`info@`), and for text that isn't an address."""
    mailbox = read_mailbox(email)
    if mailbox is None or mailbox.is_office:
        return ""
    # Most providers deliver `jo+x@` to `jo@`, but not all.
    return visible(email.strip()).casefold() if mailbox.is_tagged else mailbox.box


def is_globally_unique(identifier: str) -> bool:
    """Whether no two systems give this ID by chance: a UUID, or a long token of letters and digits."""
    if _UUID.fullmatch(identifier):
        # All zeros, or a pattern that a person typed.
        return len(set(identifier)) >= _FEWEST_CHARACTERS
    token = _TOKEN.fullmatch(identifier)
    if token is None:
        return False
    letters = token[1]
    is_long = len(letters) >= _SHORTEST_TOKEN or (identifier != letters and "_" in identifier)
    is_mixed = any(map(str.isdigit, letters)) and any(map(str.isalpha, letters))
    return is_long and is_mixed and len(set(letters)) >= _FEWEST_CHARACTERS


def _read(names: Iterable[str]) -> list[Name]:
    telling = [
        text for text in names if not _NO_NAMES.fullmatch(" ".join(text.casefold().split()).strip(" .-"))
    ]
    return [name for text in telling if (name := read_name(text)) is not None]
