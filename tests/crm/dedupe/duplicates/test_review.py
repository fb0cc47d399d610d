"""What a sweep found goes to the review queue; what people decide of it stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from crm.dedupe.duplicates.review import Recorded, decide, record
from crm.dedupe.duplicates.sweep import FoundPair
from crm.models import DuplicateCluster, DuplicatePair
from customers import clock
from customers.models import Customer
from tests.factories import make_customer, make_duplicate_pair, make_user

pytestmark = pytest.mark.django_db

Decision = DuplicatePair.Decision


@pytest.fixture
def people() -> list[Customer]:
    """Six customers, by rising id."""
    return [make_customer(name=f"Customer {letter}") for letter in "abcdef"]


def found(a: Customer, b: Customer, score: float = 0.9) -> FoundPair:
    """A pair as a sweep tells it."""
    return FoundPair(str(a.pk), str(b.pk), score, ["same phone number: +15550100"], [], [])


def clusters() -> list[tuple[str, int, float]]:
    """The clusters, with the name of their first member."""
    rows = DuplicateCluster.objects.select_related("first").order_by("first_id")
    return [(row.first.name, row.size, row.score) for row in rows]


def states() -> dict[tuple[str, str], str]:
    """What is decided of which pair."""
    return {
        (pair.a.name[-1], pair.b.name[-1]): pair.decision
        for pair in DuplicatePair.objects.select_related("a", "b")
    }


def test_new_pairs_wait_in_clusters(people: list[Customer]) -> None:
    a, b, c, d, e, _ = people
    recorded = record([found(a, b, 0.8), found(b, c, 0.95), found(d, e)])
    assert recorded == Recorded(new=3, again=0, closed=0, waiting=3, clusters=2)
    assert clusters() == [("Customer a", 3, 0.95), ("Customer d", 2, 0.9)]
    pair = DuplicatePair.objects.get(a=a, b=b)
    assert (pair.decision, pair.reasons) == (Decision.OPEN, ["same phone number: +15550100"])


def test_the_same_again_changes_nothing_but_the_score(people: list[Customer]) -> None:
    a, b, *_ = people
    record([found(a, b, 0.8)])
    before = DuplicatePair.objects.get()
    assert record([found(a, b, 0.9)]).new == 0
    after = DuplicatePair.objects.get()
    assert (after.pk, after.found_at, after.cluster_id) == (before.pk, before.found_at, before.cluster_id)
    assert after.score == 0.9
    assert clusters() == [("Customer a", 2, 0.9)]


def test_a_pair_that_is_found_no_more_is_closed(people: list[Customer]) -> None:
    a, b, c, *_ = people
    record([found(a, b), found(b, c)])
    recorded = record([found(a, b)])
    assert (recorded.closed, recorded.waiting) == (1, 1)
    assert states() == {("a", "b"): "open"}
    assert clusters() == [("Customer a", 2, 0.9)]


def test_not_duplicates_is_for_good(people: list[Customer]) -> None:
    a, b, *_ = people
    user = make_user()
    record([found(a, b)])
    assert decide(DuplicatePair.objects.all(), Decision.NOT_DUPLICATES, by=user) == 1
    pair = DuplicatePair.objects.get()
    assert (pair.decided_by, pair.cluster) == (user, None)
    assert pair.decided_at is not None
    assert clusters() == []
    for pairs in ([found(a, b, 0.99)], [], [found(a, b)]):
        assert record(pairs).waiting == 0
    assert states() == {("a", "b"): "not_duplicates"}


def test_one_decision_may_split_a_cluster(people: list[Customer]) -> None:
    a, b, c, d, *_ = people
    record([found(a, b), found(b, c, 0.8), found(c, d, 0.85)])
    decide(DuplicatePair.objects.filter(a=b, b=c), Decision.NOT_DUPLICATES, by=make_user())
    assert clusters() == [("Customer a", 2, 0.9), ("Customer c", 2, 0.85)]


def test_later_comes_back_when_its_time_has_come(people: list[Customer]) -> None:
    a, b, *_ = people
    record([found(a, b)])
    soon = clock.now() + timedelta(days=1)
    decide(DuplicatePair.objects.all(), Decision.LATER, by=make_user(), until=soon)
    assert record([found(a, b)]).waiting == 0
    DuplicatePair.objects.update(later_until=clock.now() - timedelta(seconds=1))
    recorded = record([found(a, b)])
    assert (recorded.again, recorded.waiting) == (1, 1)
    assert DuplicatePair.objects.get().later_until is None
    assert clusters() == [("Customer a", 2, 0.9)]


def test_later_that_is_found_no_more_goes_when_its_time_has_come(people: list[Customer]) -> None:
    a, b, *_ = people
    record([found(a, b)])
    soon = clock.now() + timedelta(days=1)
    decide(DuplicatePair.objects.all(), Decision.LATER, by=make_user(), until=soon)
    assert record([]).closed == 0
    DuplicatePair.objects.update(later_until=clock.now() - timedelta(seconds=1))
    assert record([]).closed == 1
    assert states() == {}


def test_a_decision_can_be_taken_back(people: list[Customer]) -> None:
    a, b, c, *_ = people
    record([found(a, b), found(b, c)])
    decide(DuplicatePair.objects.all(), Decision.NOT_DUPLICATES, by=make_user())
    decide(DuplicatePair.objects.filter(a=a), Decision.OPEN, by=make_user())
    pair = DuplicatePair.objects.get(a=a)
    assert (pair.decided_by, pair.decided_at) == (None, None)
    assert clusters() == [("Customer a", 2, 0.9)]


def test_what_was_merged_is_not_decided_again() -> None:
    pair = make_duplicate_pair(decision=Decision.MERGED, cluster=None)
    assert decide(DuplicatePair.objects.filter(pk=pair.pk), Decision.OPEN, by=make_user()) == 0


def test_a_sweep_since_a_moment_closes_only_what_it_looked_at(people: list[Customer]) -> None:
    a, b, c, d, *_ = people
    record([found(a, b), found(c, d)])
    Customer.objects.update(created_at=clock.now() - timedelta(days=9))
    Customer.history.all().delete()
    moment = clock.now()
    d.refresh_from_db()
    d.save()
    recorded = record([], since=moment)
    assert recorded.closed == 1
    assert states() == {("a", "b"): "open"}


def test_a_sweep_of_one_environment_leaves_the_other_alone(people: list[Customer]) -> None:
    a, b, c, d, *_ = people
    record([found(a, b), found(c, d)])
    Customer.objects.filter(pk__in=[c.pk, d.pk]).update(env="sandbox")
    assert record([], env="sandbox").closed == 1
    assert states() == {("a", "b"): "open"}


@pytest.mark.parametrize(
    "wrong",
    [{"score": 1.5}, {"decision": "maybe"}, {"decision": "later"}, {"later_until": clock.now()}],
    ids=["score", "decision", "later without a time", "a time without later"],
)
def test_the_database_refuses_what_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_duplicate_pair(**wrong)


def test_the_database_refuses_a_pair_twice_or_turned_round(people: list[Customer]) -> None:
    a, b, *_ = people
    make_duplicate_pair(a=a, b=b)
    for one, other in ((a, b), (b, a), (a, a)):
        with pytest.raises(IntegrityError), transaction.atomic():
            make_duplicate_pair(a=one, b=other, cluster=None)
