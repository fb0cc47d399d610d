"""Merging while others merge and use: one winner, no cycle, nothing orphaned, no use lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import partial

import pytest
from django.db import transaction

from billing.doctor import CHECKS
from billing.models import Balance, Grant, Posting
from crm.models import Merge, Note
from customers.models import Customer
from tests.crm.dedupe.merges.concurrent_merges import raced
from tests.crm.dedupe.merges.snapshots import ledger_sums
from tests.factories import make_balance, make_customer, make_feature, make_grant, make_note
from tests.processes import in_a_process

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("many processes"),
]

ROUNDS, USERS, TIMES = 6, 6, 15


def race(*rounds: list[str], guard: str = "all") -> list[list[str]]:
    """What came of each work of each round, whose works all began at once."""
    came: list[list[str]] = in_a_process(partial(raced, guard, list(rounds)))
    return came


def customers(count: int) -> list[Customer]:
    """Customers that have something to lose: a note and a balance each, of one feature."""
    with transaction.atomic():
        feature = make_feature(feature_id="calls")
        made = [make_customer() for _ in range(count)]
        for customer in made:
            make_note(customer=customer)
            balance = make_balance(customer=customer, feature=feature)
            make_grant(balance=balance, included_grant=Decimal(1000), usage=Decimal(0))
    return made


def is_sound() -> bool:
    """Whether no check of the doctor finds anything."""
    return not [finding for check in CHECKS for finding in check.run(lambda count: None, fix=False)]


def test_no_use_is_lost_while_its_customer_is_merged() -> None:
    ada, other = customers(2)
    merging = f"merge:{ada.pk}:{other.pk}"

    [[merged, *used]] = race([merging, *[f"use:{other.pk}:calls:{TIMES}"] * USERS])

    assert (merged, used) == ("merged", [str(TIMES)] * USERS)
    assert sum(Grant.objects.values_list("usage", flat=True)) == USERS * TIMES
    assert set(Balance.objects.values_list("customer", flat=True)) == {ada.pk}
    assert ledger_sums() == {(ada.pk, "included_grant"): 2000, (ada.pk, "usage"): USERS * TIMES}
    assert Posting.objects.filter(kind="usage").count() == USERS * TIMES
    assert is_sound()


def test_without_the_look_uses_that_waited_are_lost() -> None:
    ada, other = customers(2)

    merging = f"merge:{ada.pk}:{other.pk}"

    [[_, *used]] = race([merging, *[f"use:{other.pk}:calls:{TIMES}"] * USERS], guard="look")

    assert used != [str(TIMES)] * USERS


def several(count: int) -> Iterator[list[Customer]]:
    """Customers with a note each, so many for every round."""
    for _ in range(ROUNDS):
        with transaction.atomic():
            made = [make_customer() for _ in range(count)]
            for customer in made:
                make_note(customer=customer)
        yield made


def crossed(guard: str = "all") -> Counter[tuple[str, ...]]:
    """What came of merging two customers into each other at once, several times."""
    rounds = [[f"merge:{a.pk}:{b.pk}", f"merge:{b.pk}:{a.pk}"] for a, b in several(2)]
    return Counter(tuple(sorted(came)) for came in race(*rounds, guard=guard))


def test_of_two_that_are_merged_into_each_other_one_wins() -> None:
    assert crossed() == {("merged", "refused"): ROUNDS}
    assert Merge.objects.count() == ROUNDS
    assert not Note.objects.exclude(customer__merged_into=None).exists()
    assert is_sound()


def test_without_the_lock_they_clash() -> None:
    assert crossed(guard="lock") != {("merged", "refused"): ROUNDS}


def chained(guard: str = "all") -> Counter[tuple[str, ...]]:
    """What came of merging a customer into one that is being merged itself, several times."""
    rounds = [[f"merge:{b.pk}:{a.pk}", f"merge:{c.pk}:{b.pk}"] for a, b, c in several(3)]
    return Counter(tuple(came) for came in race(*rounds, guard=guard))


def test_who_is_merged_into_one_that_is_being_merged_ends_with_the_survivor_or_stays() -> None:
    came = chained()

    # Either the first was in time, and goes along with the second, or it finds its survivor merged.
    assert came.keys() <= {("merged", "merged"), ("refused", "merged")}
    assert not Customer.objects.filter(merged_into__merged_into__isnull=False).exists()
    assert not Note.objects.exclude(customer__merged_into=None).exists()
    assert is_sound()


def test_without_the_lock_the_chain_clashes() -> None:
    came = chained(guard="lock")

    assert not came.keys() <= {("merged", "merged"), ("refused", "merged")} or not is_sound()
