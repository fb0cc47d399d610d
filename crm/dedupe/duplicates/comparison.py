"""Two customers side by side: what several rules ask about them, worked out once."""

from __future__ import annotations

from functools import cached_property
from itertools import product
from math import log
from typing import Protocol, TypeVar

from crm.dedupe.duplicates.addresses import Nearness, Place, is_other_address, nearness
from crm.dedupe.duplicates.blocking_keys import LIMITS, Mark
from crm.dedupe.duplicates.mailboxes import Mailbox
from crm.dedupe.duplicates.names import Kind, Likeness, Name, Relation, compare, name_keys
from crm.dedupe.duplicates.phones import is_same_phone
from crm.dedupe.duplicates.profile import Profile

T = TypeVar("T")

#: So many customers have a word that is usual: it is then no other word with a typo.
_USUAL = 5
#: What a word, a place that only two customers have is taken to be had by, for lack of knowing better.
_UNSEEN = 0.3
#: Small numbers of customers say little about how usual anything is.
_BACKGROUND = 100
#: Nor do few customers of one town.
_TOWNSPEOPLE = 20
_MOST_PAIRS = 40

_PREFERRED = [
    Relation.ALIKE,
    Relation.LOOKS_ALIKE,
    Relation.PART,
    Relation.KIN,
    Relation.GROUP,
    Relation.RENAMED,
    Relation.UNLIKE_KINDS,
    Relation.UNRELATED,
]


class Crowd(Protocol):
    """How many customers there are, and how many of them have a mark."""

    def total(self, env: str) -> int:
        """How many customers of an environment are known."""

    def count(self, mark: Mark, env: str, key: str) -> int:
        """How many of them have the mark; 0 or 1 where nobody counted, because it is rare."""

    @property
    def repetition(self) -> float:
        """How often a name comes again, compared with words put together by chance; 1 at most."""


class Comparison:
    """A pair of customers, and the crowd they are among."""

    def __init__(self, a: Profile, b: Profile, crowd: Crowd) -> None:
        self.a, self.b = a, b
        self._crowd = crowd
        self.is_across_envs = a.env != b.env

    def count(self, mark: Mark, key: str) -> int:
        """How many customers have a mark that both of these have: 2 at least."""
        return max(2, self._crowd.count(mark, self.a.env, key))

    @cached_property
    def likeness(self) -> Likeness | None:
        """How alike the names are: the best of what the two sides are called; None if one has no name."""
        found = [
            compare(mine, theirs, self.is_usual) for mine, theirs in self._pairs(self.a.names, self.b.names)
        ]
        if not found:
            return None
        best = min(found, key=lambda each: (_PREFERRED.index(each.relation), each.doubt))
        # Two people are not one because they have one company.
        first = found[0]
        is_people = self.a.names[0].kind == self.b.names[0].kind == Kind.PERSON
        is_apart = first.relation in (Relation.KIN, Relation.UNRELATED, Relation.RENAMED)
        return first if is_people and is_apart else best

    @property
    def relation(self) -> Relation | None:
        """How the names stand to each other; None if one side has no name."""
        return self.likeness.relation if self.likeness else None

    @cached_property
    def same_boxes(self) -> list[tuple[Mailbox, Mailbox]]:
        """The mailboxes that are one."""
        return [pair for pair in product(self.a.mailboxes, self.b.mailboxes) if pair[0].box == pair[1].box]

    @cached_property
    def same_phones(self) -> list[tuple[str, str]]:
        """The phone numbers that are one."""
        return [pair for pair in product(self.a.phones, self.b.phones) if is_same_phone(*pair)]

    @property
    def is_one_device(self) -> bool:
        """Whether both have one fingerprint."""
        return bool(self.a.fingerprint) and self.a.fingerprint == self.b.fingerprint

    @cached_property
    def same_domains(self) -> list[str]:
        """The domains of companies that both have, the rarest first."""
        shared = set(self.a.domains) & set(self.b.domains)
        return sorted(shared, key=lambda domain: (self.count(Mark.DOMAIN, domain), domain))

    @property
    def has_telling_domain(self) -> bool:
        """Whether both have a domain that so few have that it is one organisation's."""
        return bool(self.same_domains) and not self.is_crowded(self.same_domains[0])

    def is_crowded(self, domain: str) -> bool:
        """Whether so many customers have a domain that it tells little."""
        return self.count(Mark.DOMAIN, domain) > LIMITS[Mark.DOMAIN]

    @cached_property
    def nearest(self) -> tuple[Nearness, Place, Place] | None:
        """The two places nearest to each other; None if one side has none."""
        found = [
            (nearness(mine, theirs), mine, theirs)
            for mine, theirs in self._pairs(self.a.places, self.b.places)
        ]
        return max(found, key=lambda each: (each[0], not is_other_address(each[1], each[2])), default=None)

    @property
    def near(self) -> Nearness:
        """How near the nearest places are."""
        return self.nearest[0] if self.nearest else Nearness.UNKNOWN

    @property
    def is_at_other_address(self) -> bool:
        """Whether the nearest places are two addresses of one town."""
        return self.nearest is not None and is_other_address(self.nearest[1], self.nearest[2])

    def is_usual(self, word: str) -> bool:
        """Whether many customers have a word (by its sound) in their names."""
        return self._crowd.count(Mark.WORD, self.a.env, word) >= _USUAL

    def rarity(self, likeness: Likeness) -> float:
        """How much speaks against chance where a name like this comes twice in one place, in log-odds.

        By chance, one would expect as many more customers of this name there as their number, times the share of
        those who have each of its words (there, or anywhere, if that is more: names go with places), times the
        share of those in that place. A company that is called by one word has that word for a name.
        """
        total = max(2, self._crowd.total(self.a.env))
        expected = total * self._crowd.repetition
        is_one_word = len(likeness.shared) == 1 and Kind.COMPANY in (
            self.a.names[0].kind,
            self.b.names[0].kind,
        )
        for forms in likeness.shared:
            mark = Mark.NAME if is_one_word else Mark.WORD
            share = self._share(max(self.count(mark, form) for form in forms), total)
            expected *= share if is_one_word else max(share, self._share_in_city(forms))
        expected *= self._share_of_place(total)
        return -log(max(expected, 1e-9))

    def namesakes(self, names: tuple[Name, ...]) -> int:
        """How many others in the same town go by one of `names`."""
        if self.nearest is None or self.near < Nearness.SAME_CITY:
            return 0
        city = self.nearest[1].city
        keys = (f"{key} {city}" for name in names[:1] for key in name_keys(name))
        return max((self.count(Mark.NAME_CITY, key) - 2 for key in keys), default=0) if city else 0

    def _share_of_place(self, total: int) -> float:
        shares = [1.0]
        if self.has_telling_domain:
            shares.append(self._share(self.count(Mark.DOMAIN, self.same_domains[0]), total))
        if self.nearest is not None:
            near, place, _ = self.nearest
            city = self._share(self.count(Mark.CITY, place.city), total) if place.city else 1.0
            if near >= Nearness.SAME_CITY:
                shares.append(city)
            if near >= Nearness.SAME_POSTAL and place.postal:
                postal = self.count(Mark.POSTAL, f"{place.country} {place.postal}")
                shares.append(self._share(postal, total))
            if near == Nearness.SAME_STREET:
                street = f"{place.street} {place.house} {place.city or place.postal}"
                shares.append(self._share(self.count(Mark.STREET, street), total))
        return min(shares)

    def _share_in_city(self, forms: tuple[str, ...]) -> float:
        """The share of others in the town of both that have a word; 0 where they are of no one town."""
        if self.nearest is None or self.near < Nearness.SAME_CITY or not self.nearest[1].city:
            return 0.0
        city = self.nearest[1].city
        having = max(self.count(Mark.WORD_IN_CITY, f"{form} {city}") for form in forms)
        return max(0, having - 2) / (self.count(Mark.CITY, city) + _TOWNSPEOPLE)

    def _share(self, count: int, total: int) -> float:
        """The share of others that have what `count` have, these two among them."""
        return max(count - 2, _UNSEEN) / (total + _BACKGROUND)

    def _pairs(self, ones: tuple[T, ...], others: tuple[T, ...]) -> list[tuple[T, T]]:
        return list(product(ones, others))[:_MOST_PAIRS]
