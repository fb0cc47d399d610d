"""Two profiles side by side, with what several rules need, computed once."""

from __future__ import annotations

from functools import cached_property
from itertools import product
from math import log
from typing import Protocol, TypeVar

from crm.dedupe.duplicates.addresses import Nearness, Place, is_other_address, nearness
from crm.dedupe.duplicates.blocking_keys import LIMITS, KeyKind
from crm.dedupe.duplicates.profile import Profile
from customers.readings.mailboxes import Mailbox
from customers.readings.names import Likeness, Name, NameKind, Relation, compare, name_keys
from customers.readings.phones import is_same_phone

T = TypeVar("T")

#: A word that this many customers have is common, so it isn't a typo of another word.
_USUAL = 5
#: The count assumed for a word or place that only these two have.
_UNSEEN = 0.3
#: The lowest number of customers from which a share is estimated.
_BACKGROUND = 100
#: The same within one town.
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
    """How many customers there are, and how many share a blocking key."""

    def total(self, env: str) -> int:
        """Customers of an environment."""

    def count(self, mark: KeyKind, env: str, key: str) -> int:
        """Customers that share a key."""

    @property
    def repetition(self) -> float:
        """How often a name recurs, relative to chance. At most 1."""


class Comparison:
    """Two profiles, and the crowd they are in."""

    def __init__(self, a: Profile, b: Profile, crowd: Crowd) -> None:
        self.a, self.b = a, b
        self._crowd = crowd
        self.is_across_envs = a.env != b.env

    def count(self, mark: KeyKind, key: str) -> int:
        """Customers that share a key."""
        return max(2, self._crowd.count(mark, self.a.env, key))

    @cached_property
    def likeness(self) -> Likeness | None:
        """The best likeness of their names. None if one has no name."""
        found = [
            compare(mine, theirs, self.is_usual) for mine, theirs in self._pairs(self.a.names, self.b.names)
        ]
        if not found:
            return None
        best = min(found, key=lambda each: (_PREFERRED.index(each.relation), each.doubt))
        # Two people do not match because they share a company.
        first = found[0]
        is_people = self.a.names[0].kind == self.b.names[0].kind == NameKind.PERSON
        is_apart = first.relation in (Relation.KIN, Relation.UNRELATED, Relation.RENAMED)
        likeness = first if is_people and is_apart else best
        kinds = {self.a.names[0].kind, self.b.names[0].kind}
        if likeness.relation == Relation.UNRELATED and kinds == {NameKind.COMPANY, NameKind.UNKNOWN}:
            return Likeness(Relation.UNLIKE_KINDS, "one is a company, the other may be a person")
        return likeness

    @property
    def relation(self) -> Relation | None:
        """How the names relate. None if one has no name."""
        return self.likeness.relation if self.likeness else None

    @cached_property
    def same_boxes(self) -> list[tuple[Mailbox, Mailbox]]:
        """Mailboxes that both have."""
        return [pair for pair in product(self.a.mailboxes, self.b.mailboxes) if pair[0].box == pair[1].box]

    @cached_property
    def same_phones(self) -> list[tuple[str, str]]:
        """Phone numbers that both have."""
        return [pair for pair in product(self.a.phones, self.b.phones) if is_same_phone(*pair)]

    @property
    def is_one_device(self) -> bool:
        """Whether both have the same fingerprint."""
        return bool(self.a.fingerprint) and self.a.fingerprint == self.b.fingerprint

    @cached_property
    def same_domains(self) -> list[str]:
        """Company domains that both have, rarest first."""
        shared = set(self.a.domains) & set(self.b.domains)
        return sorted(shared, key=lambda domain: (self.count(KeyKind.DOMAIN, domain), domain))

    @property
    def has_telling_domain(self) -> bool:
        """Whether they share a domain that is rare enough to belong to one organization."""
        return bool(self.same_domains) and not self.is_crowded(self.same_domains[0])

    def is_crowded(self, domain: str) -> bool:
        """Whether a domain is too common to be evidence."""
        return self.count(KeyKind.DOMAIN, domain) > LIMITS[KeyKind.DOMAIN]

    @cached_property
    def nearest(self) -> tuple[Nearness, Place, Place] | None:
        """The two nearest places. None if one has no place."""
        found = [
            (nearness(mine, theirs), mine, theirs)
            for mine, theirs in self._pairs(self.a.places, self.b.places)
        ]
        return max(found, key=lambda each: (each[0], not is_other_address(each[1], each[2])), default=None)

    @property
    def near(self) -> Nearness:
        return self.nearest[0] if self.nearest else Nearness.UNKNOWN

    @property
    def is_at_other_address(self) -> bool:
        """Whether the nearest places are two addresses in one town."""
        return self.nearest is not None and is_other_address(self.nearest[1], self.nearest[2])

    def is_usual(self, word: str) -> bool:
        """Whether a word (by its sound) is common in names."""
        return self._crowd.count(KeyKind.WORD, self.a.env, word) >= _USUAL

    def rarity(self, likeness: Likeness) -> float:
        """Evidence in log-odds that a name like this does not recur in one place by chance.

        The chance is the share of customers with each of its words (in that place, or anywhere if that is
        higher, because names go with places) times the share of customers in that place. For a company with a
        one-word name it is the share of customers with that whole name.
        """
        total = max(2, self._crowd.total(self.a.env))
        expected = total * self._crowd.repetition
        is_one_word = len(likeness.shared) == 1 and NameKind.COMPANY in (
            self.a.names[0].kind,
            self.b.names[0].kind,
        )
        for forms in likeness.shared:
            mark = KeyKind.NAME if is_one_word else KeyKind.WORD
            share = self._share(max(self.count(mark, form) for form in forms), total)
            expected *= share if is_one_word else max(share, self._share_in_city(forms))
        expected *= self._share_of_place(total)
        return -log(max(expected, 1e-9))

    def namesakes(self, names: tuple[Name, ...]) -> int:
        """Other customers in the same town with one of `names`."""
        if self.nearest is None or self.near < Nearness.SAME_CITY:
            return 0
        city = self.nearest[1].city
        keys = (f"{key} {city}" for name in names[:1] for key in name_keys(name))
        return max((self.count(KeyKind.NAME_CITY, key) - 2 for key in keys), default=0) if city else 0

    def _share_of_place(self, total: int) -> float:
        shares = [1.0]
        if self.has_telling_domain:
            shares.append(self._share(self.count(KeyKind.DOMAIN, self.same_domains[0]), total))
        if self.nearest is not None:
            near, place, _ = self.nearest
            city = self._share(self.count(KeyKind.CITY, place.city), total) if place.city else 1.0
            if near >= Nearness.SAME_CITY:
                shares.append(city)
            if near >= Nearness.SAME_POSTAL and place.postal:
                postal = self.count(KeyKind.POSTAL, f"{place.country} {place.postal}")
                shares.append(self._share(postal, total))
            if near == Nearness.SAME_STREET:
                street = f"{place.street} {place.house} {place.city or place.postal}"
                shares.append(self._share(self.count(KeyKind.STREET, street), total))
        return min(shares)

    def _share_in_city(self, forms: tuple[str, ...]) -> float:
        """The share of other customers in their town that have a word. 0 if they are in different towns."""
        if self.nearest is None or self.near < Nearness.SAME_CITY or not self.nearest[1].city:
            return 0.0
        city = self.nearest[1].city
        having = max(self.count(KeyKind.WORD_IN_CITY, f"{form} {city}") for form in forms)
        return max(0, having - 2) / (self.count(KeyKind.CITY, city) + _TOWNSPEOPLE)

    def _share(self, count: int, total: int) -> float:
        """The share of other customers that have it; `count` includes these two."""
        return max(count - 2, _UNSEEN) / (total + _BACKGROUND)

    def _pairs(self, ones: tuple[T, ...], others: tuple[T, ...]) -> list[tuple[T, T]]:
        return list(product(ones, others))[:_MOST_PAIRS]
