"""One pass over all customers."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta
from typing import Any

import pytest

from crm.dedupe.duplicates.blocking_keys import LIMITS, KeyKind
from crm.dedupe.duplicates.index import card_index
from crm.dedupe.duplicates.profile import Profile
from crm.dedupe.duplicates.sweep import FoundPair, swept
from customers import clock
from customers.models import Customer
from tests.crm.dedupe.duplicates.profiles import BOISE, profile
from tests.factories import make_address, make_customer

pytestmark = pytest.mark.django_db


def found(**options: Any) -> list[FoundPair]:
    """The pairs that a sweep finds."""
    with swept(**options) as sweep:
        return list(sweep.pairs(options.get("min_score", 0.75)))


def jane(**fields: Any) -> Customer:
    """Jane, under one of her addresses."""
    return make_customer(**{"name": "Jane Doering", "email": "jane.doering@gmail.com", **fields})


def test_a_pair_is_told_with_its_score_reasons_and_ids() -> None:
    first, second = jane(external_id="ext-1"), jane(email="Jane.Doering+a@googlemail.com")
    (pair,) = found()
    assert (pair.a, pair.b) == (first.pk, second.pk)
    assert pair.score > 0.99
    assert pair.reasons[0] == "same email address: janedoering@gmail.com"
    assert (pair.a_ids, pair.b_ids) == ([first.pk, "ext-1"], [second.pk])
    assert (pair.a_name, pair.b_name) == ("Jane Doering", "Jane Doering")


def test_the_likeliest_pair_comes_first() -> None:
    for city in ("Boise", "boise"):
        make_address(
            customer=make_customer(name="Paul Kernfeld", email=""), line1="", city=city, country="US"
        )
    jane()
    jane()
    scores = [pair.score for pair in found(min_score=0.3)]
    assert len(scores) == 2
    assert scores == sorted(scores, reverse=True)


def test_merged_and_archived_customers_are_left_out() -> None:
    first = jane()
    jane(merged_into=first)
    jane(archived_at=clock.now())
    assert found() == []


def test_environments_meet_only_in_their_identifiers() -> None:
    live, sandbox = jane(external_id="ext-7fd2"), jane(external_id="ext-7fd2", env="sandbox")
    jane(email="jane.doering@gmail.com", env="sandbox", external_id="other")
    pairs = {(pair.a, pair.b) for pair in found()}
    assert (live.pk, sandbox.pk) in pairs
    assert len(pairs) == 2
    assert {pair.a for pair in found(env="live")} == set()
    assert len(found(env="sandbox")) == 1


def test_since_a_moment_only_pairs_of_which_one_has_changed() -> None:
    before = clock.now() - timedelta(days=9)
    jane(created_at=before)
    jane(created_at=before)
    Customer.history.all().delete()
    moment = clock.now()
    assert found(since=moment) == []
    assert len(found()) == 1
    third = jane()
    assert [third.pk in (pair.a, pair.b) for pair in found(since=moment)] == [True, True]


def test_nothing_is_found_among_nobody() -> None:
    assert found() == []


def test_what_is_done_is_told_step_by_step() -> None:
    jane()
    jane()
    told: list[tuple[str, int]] = []
    done: list[int] = []

    def step(what: str, number: int) -> Any:
        told.append((what, number))
        return done.append

    found(step=step)
    assert told == [("reading", 2), ("comparing", 1)]
    assert done == [2, 1]


def test_a_mark_that_too_many_share_makes_no_pairs() -> None:
    most = LIMITS[KeyKind.PHONE]

    def pairs(number: int) -> int:
        with card_index() as index:
            index.add(
                Profile(id=f"cus_{each}", env="live", phones=("+12175550123",)) for each in range(number)
            )
            return index.complete()

    assert pairs(most) == most * (most - 1) // 2
    assert pairs(most + 1) == 0


def test_at_a_switchboard_those_of_one_name_still_meet() -> None:
    with card_index() as index:
        index.add(profile(phone="(217) 555-0123", id=f"cus_{each}") for each in range(50))
        index.add(profile("Jane Doering", phone="(217) 555-0123", id=f"cus_x{each}") for each in range(2))
        assert index.complete() == 1
        ((one, other),) = index.candidates()
        assert {one.id, other.id} == {"cus_x0", "cus_x1"}
        assert index.count(KeyKind.PHONE, "live", "+12175550123") == 52


@pytest.mark.once
def test_memory_does_not_grow_with_the_customers() -> None:
    def peak(pieces: int) -> int:
        tracemalloc.start()
        with card_index() as index:
            for piece in range(pieces):
                index.add(
                    profile(f"Jane Doering{number % 50}", place=BOISE, id=f"cus_{piece}_{number}")
                    for number in range(500)
                )
            index.complete()
            for _ in index.candidates():
                pass
            _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)
    assert peak(5) < 1.5 * peak(1)


def test_where_namesakes_are_kept_apart_two_of_one_name_are_rather_one() -> None:
    """People of sixteen given and sixteen family names in one city: all differ, or half of the names come twice."""
    words = [
        f"{one}{other}" for one in ("bel", "dor", "kas", "mir") for other in ("gan", "tik", "vol", "zum")
    ]
    names = [f"{given} {family}ik" for given in words for family in words]
    assert repetition_of(names) < 0.1
    twice = [name for number, name in enumerate(names) if (number // 16 + number) % 2]
    assert repetition_of(twice * 2) == pytest.approx(1.0, abs=0.05)


def repetition_of(names: list[str]) -> float:
    """How often names come again, by an index of customers of one city."""
    profiles = [profile(name, place={"city": "Boise"}) for name in names]
    with card_index() as index:
        index.add(profiles)
        index.complete()
        return index.repetition
