"""Invented customers with planted duplicates, and with customers who only look like duplicates.

Each is a `Spec`: what would be written to the database. `Invention` makes any number of them from a seed, and knows
which are one; it knows nothing of the rules.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tests.crm.dedupe.duplicates import pools


@dataclass
class Spec:
    """One customer, before it is written: columns of the models, by what they are."""

    customer: dict[str, Any]
    address: dict[str, Any] = field(default_factory=dict)
    business: dict[str, Any] = field(default_factory=dict)
    company: dict[str, Any] = field(default_factory=dict)
    domains: list[str] = field(default_factory=list)
    people: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Someone:
    """A person or a company, before anybody writes it down."""

    town: pools.Town
    is_company: bool
    name: str
    given: str = ""
    family: str = ""
    stem: str = ""
    trade: str = ""


Duplicate: TypeAlias = "Callable[[Invention, Someone, Spec], Spec | None]"
Lookalikes: TypeAlias = "Callable[[Invention], list[Spec]]"


@dataclass
class Invention:
    """Customers, and the pairs of them (by place) that are one, each with its kind."""

    rng: random.Random
    specs: list[Spec] = field(default_factory=list)
    same: dict[tuple[int, int], str] = field(default_factory=dict)
    apart: dict[tuple[int, int], str] = field(default_factory=dict)
    stems: set[str] = field(default_factory=set)
    mailboxes: set[str] = field(default_factory=set)

    def add(self, spec: Spec) -> int:
        """Take a customer in; answers its place."""
        self.specs.append(spec)
        return len(self.specs) - 1

    def plant(self, kind: str, make: Duplicate, *, is_company: bool | None) -> None:
        """Add somebody twice, in the way of `kind`, as `make` makes it."""
        for _ in range(50):
            someone, spec = self.somebody(is_company=is_company)
            twice = make(self, someone, spec)
            if twice is not None:
                self.same[self.add(spec), self.add(twice)] = kind
                return
        raise AssertionError(f"{kind}: nobody fits")

    def mislead(self, kind: str, make: Lookalikes) -> None:
        """Add customers who have something in common and are not one, in the way of `kind`, as `make` makes it."""
        places = [self.add(spec) for spec in make(self)]
        for number, one in enumerate(places):
            for other in places[number + 1 :]:
                self.apart[one, other] = kind

    # Making somebody

    def digits(self, pattern: str) -> str:
        """`pattern` with a digit for each `#`."""
        return "".join(str(self.rng.randint(0, 9)) if each == "#" else each for each in pattern)

    def phone(self, town: pools.Town) -> str:
        """A number there."""
        return self.digits(town.international)

    def family(self) -> str:
        """A family name; a few are usual, most are rare."""
        if self.rng.random() < 0.35:
            return self.rng.choice(pools.FAMILY)
        return self.rng.choice(pools.FAMILY_STEMS) + self.rng.choice(pools.FAMILY_ENDS)

    def stem(self) -> str:
        """What a company is called before its trade; no two companies are called the same."""
        stem = ""
        while not stem or stem in self.stems:
            middle = self.rng.choice(("", *pools.FIRST_SYLLABLES)).lower()
            stem = self.rng.choice(pools.FIRST_SYLLABLES) + middle + self.rng.choice(pools.LAST_SYLLABLES)
            if self.rng.random() < 0.3:
                stem = f"{stem} {self.rng.choice(pools.FAMILY_STEMS)}{self.rng.choice(pools.LAST_SYLLABLES)}"
        self.stems.add(stem)
        return stem

    def somebody(
        self, *, is_company: bool | None = None, town: pools.Town | None = None
    ) -> tuple[Someone, Spec]:
        """Somebody, and a customer that is them."""
        town = town or self.rng.choice(pools.TOWNS)
        if is_company is None:
            is_company = self.rng.random() < 0.4
        if is_company:
            stem = self.stem()
            trade = self.rng.choice((*pools.TRADE_WORDS, "", ""))
            name = " ".join(filter(None, (stem, trade, self.rng.choice(pools.FORMS[town.country]))))
            someone = Someone(town, True, name, stem=stem, trade=trade)
        else:
            given, family = self.rng.choice(pools.GIVEN)[0], self.family()
            someone = Someone(town, False, f"{given} {family}", given, family)
        return someone, self.spec_of(someone)

    def spec_of(self, someone: Someone) -> Spec:
        """A customer with most that one knows of somebody."""
        rng, town = self.rng, someone.town
        email = self.email_of(someone)
        spec = Spec({"name": someone.name, "email": email})
        if rng.random() < 0.6:
            spec.customer["phone"] = self.phone(town)
        if rng.random() < 0.85:
            spec.address = self.address_in(town)
        if rng.random() < 0.5:
            spec.customer["external_id"] = f"ext-{rng.getrandbits(48):x}"
            spec.customer["stripe_id"] = f"cus_{rng.getrandbits(56):x}"
        if rng.random() < 0.15:
            spec.customer["fingerprint"] = f"device-{rng.getrandbits(40):x}"
        if someone.is_company:
            if rng.random() < 0.4:
                spec.business = {
                    "name": someone.name,
                    "tax_identifier": self.tax_id(town),
                    "company_number": self.digits("########") if rng.random() < 0.5 else "",
                }
            if rng.random() < 0.4:
                spec.company = {"name": someone.name, "location": f"{town.other}, {town.in_words}"}
                spec.domains = [email.rpartition("@")[2]]
        return spec

    def address_in(self, town: pools.Town) -> dict[str, Any]:
        """An address there."""
        street = self.rng.choice(pools.STREETS).partition("|")[0]
        return {
            "line1": f"{self.rng.randint(1, 180)} {street}",
            "city": town.city,
            "postal_code": self.digits(town.postal),
            "country": town.country,
        }

    def tax_id(self, town: pools.Town) -> str:
        """A number that looks like one; most have no right check digit."""
        return f"{'EL' if town.country == 'GR' else town.country}{self.digits('#########')}"

    def email_of(self, someone: Someone) -> str:
        """An address that fits the name."""
        if someone.is_company:
            domain = f"{ascii_of(someone.stem)}{ascii_of(someone.trade)[:4]}.{self.rng.choice(('com', 'net', 'io'))}"
            return f"{self.rng.choice(pools.DEPARTMENTS)}@{domain}"
        given, family = ascii_of(someone.given), ascii_of(someone.family)
        number = self.rng.choice(("", "", str(self.rng.randint(1, 99)), str(self.rng.randint(1950, 2005))))
        local = self.rng.choice(
            (f"{given}.{family}{number}", f"{given[0]}{family}{number}", f"{given}{number}.{family}")
        )
        while local.replace(".", "") in self.mailboxes:
            local = f"{local}{self.rng.randint(0, 9)}"
        self.mailboxes.add(local.replace(".", ""))
        return f"{local}@{self.rng.choice(pools.FREE_MAIL)}"

    def misspelled(self, text: str) -> str:
        """`text` with one slip in a word of some length."""
        words = text.split()
        long = [place for place, word in enumerate(words) if len(word) >= 5 and word.isalpha()]
        if not long:
            return ""
        chosen = self.rng.choice(long)
        word = words[chosen]
        at = self.rng.randint(1, len(word) - 2)
        letter = self.rng.choice("aeinrstlo")
        words[chosen] = self.rng.choice(
            (
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
                word[:at] + letter + word[at + 1 :],
            )
        )
        return " ".join(words) if words[chosen] != word else ""

    def elsewhere(self, spec: Spec, name: str) -> Spec | None:
        """`spec` under another name as another system has it: in the same place, with more or less of the rest."""
        if not spec.address or not name:
            return None
        twice = Spec({"name": name}, address=deepcopy(spec.address))
        how_much = self.rng.random()
        if how_much < 0.5:
            line, _, street = spec.address["line1"].partition(" ")
            other = next(
                (each.split("|")[1] for each in pools.STREETS if each.startswith(f"{street}|")), street
            )
            twice.address["line1"] = f"{line} {other}"
        elif how_much < 0.75:
            twice.address["line1"] = ""
        else:
            twice.address |= {"line1": "", "postal_code": ""}
        chance = self.rng.random()
        if chance < 0.3:
            twice.customer["email"] = spec.customer["email"]
        elif chance < 0.6:
            local = ascii_of(name)[:9]
            twice.customer["email"] = f"{local}{self.rng.randint(1, 999)}@{self.rng.choice(pools.FREE_MAIL)}"
        if self.rng.random() < 0.3 and "phone" in spec.customer:
            twice.customer["phone"] = spec.customer["phone"]
        return twice


def ascii_of(text: str) -> str:
    """The Latin letters of `text`."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("ø", "o").replace("ł", "l"))
    return "".join(each for each in plain if each.isascii() and each.isalnum()) or "x"
