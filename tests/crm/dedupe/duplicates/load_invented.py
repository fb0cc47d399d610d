"""Invented customers in the database, and what a sweep of them found."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from crm.models import Company, Contact, Domain, Person
from customers.models import Address, Business, Customer
from tests.crm.dedupe.duplicates.hard_cases import HARD_DUPLICATES, HARD_LOOKALIKES
from tests.crm.dedupe.duplicates.invented import Invention, Spec
from tests.crm.dedupe.duplicates.planted import DUPLICATES, LOOKALIKES

BATCH = 1000


def invent(
    seed: int,
    customers: int,
    *,
    planted: float = 0.25,
    misleading: float = 0.2,
    after: Invention | None = None,
) -> Invention:
    """At least so many customers; of them a share stands twice, another share only looks as if.

    None of them has the mailbox or the company's name of one of those `after` which they come.
    """
    invention = Invention(random.Random(seed))
    if after is not None:
        invention.stems, invention.mailboxes = after.stems, after.mailboxes
    duplicates, lookalikes = DUPLICATES | HARD_DUPLICATES, LOOKALIKES | HARD_LOOKALIKES
    kinds, traps = list(duplicates), list(lookalikes)
    turn = 0
    while len(invention.specs) < customers:
        chance = invention.rng.random()
        turn += 1
        if chance < planted / 2:
            kind = kinds[turn % len(kinds)]
            make, is_company = duplicates[kind]
            invention.plant(kind, make, is_company=is_company)
        elif chance < (planted + misleading) / 2:
            trap = traps[turn % len(traps)]
            invention.mislead(trap, lookalikes[trap])
        else:
            invention.add(invention.somebody()[1])
    return invention


def load(specs: Iterable[Spec]) -> list[str]:
    """Write customers; answers their ids, in order."""
    specs = list(specs)
    customers = [Customer(**spec.customer) for spec in specs]
    Customer.objects.bulk_create(customers, batch_size=BATCH)
    pairs = list(zip(customers, specs, strict=True))
    Address.objects.bulk_create(
        [Address(customer=one, is_default=True, **spec.address) for one, spec in pairs if spec.address], BATCH
    )
    Business.objects.bulk_create(
        [Business(customer=one, **spec.business) for one, spec in pairs if spec.business], BATCH
    )
    Company.objects.bulk_create(
        [Company(customer=one, **spec.company) for one, spec in pairs if spec.company], BATCH
    )
    Domain.objects.bulk_create(
        [Domain(customer=one, name=name) for one, spec in pairs for name in spec.domains], BATCH
    )
    people = [(one, Person(**person)) for one, spec in pairs for person in spec.people]
    Person.objects.bulk_create([person for _, person in people], BATCH)
    Contact.objects.bulk_create([Contact(customer=one, person=person) for one, person in people], BATCH)
    return [str(customer.pk) for customer in customers]


@dataclass
class Measured:
    """How well found pairs are the planted ones."""

    found: int = 0
    right: int = 0
    planted: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)

    @property
    def precision(self) -> float:
        """The share of right ones among the found."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """The share of found ones among the planted."""
        planted = self.planted.total()
        return 1 - self.missed.total() / planted if planted else 1.0

    def table(self) -> str:
        """A line for each kind."""
        lines = [f"precision {self.precision:.4f}   recall {self.recall:.4f}   found {self.found}"]
        for kind, planted in sorted(self.planted.items()):
            missed = self.missed[kind]
            lines.append(
                f"{kind:<34}{planted:>6} planted{missed:>6} missed  recall {1 - missed / planted:.3f}"
            )
        lines += [f"wrong: {kind:<27}{count:>6}" for kind, count in self.wrong.most_common()]
        return "\n".join(lines)


def measure(invention: Invention, ids: list[str], found: Iterable[tuple[str, str]]) -> Measured:
    """How the `found` pairs of ids compare with what was planted."""
    place = {pk: number for number, pk in enumerate(ids)}
    pairs = {tuple(sorted((place[one], place[other]))) for one, other in found}
    measured = Measured(len(pairs), planted=Counter(invention.same.values()))
    for pair in pairs:
        if pair in invention.same:
            measured.right += 1
        else:
            measured.wrong[invention.apart.get(pair, "by chance")] += 1  # type: ignore[arg-type]
    measured.missed = Counter(kind for pair, kind in invention.same.items() if pair not in pairs)
    return measured
