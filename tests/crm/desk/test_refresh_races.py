"""Refreshing while customers are merged: the refresh and the merge wait for each other, and both succeed."""

from __future__ import annotations

from itertools import islice

import pytest

from crm.models import HealthScore, WorklistEntry
from customers.models import Customer
from tests.crm.dedupe.merges.test_races import is_sound, race, several
from tests.factories import make_subscription

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("many processes"),
]

KINDS = ("health", "worklist")
#: Few, because the refresh holds each of them until the merge has waited for it.
ROUNDS = 2


def merged_during(kind: str, guard: str = "all") -> list[list[str]]:
    """What came of merging two customers and of refreshing them at the same moment, twice."""
    rounds = []
    for survivor, other in islice(several(2), ROUNDS):
        make_subscription(customer=other, past_due=True)
        rounds.append([f"merge:{survivor.pk}:{other.pk}", f"{kind}:{survivor.pk}:{other.pk}"])
    return race(*rounds, guard=guard)


@pytest.mark.parametrize("kind", KINDS)
def test_a_merge_during_a_refresh_stops_neither(kind: str) -> None:
    assert merged_during(kind) == [["merged", "refreshed"]] * ROUNDS
    assert Customer.objects.exclude(merged_into=None).count() == ROUNDS
    for model in (HealthScore, WorklistEntry):
        assert not model.objects.exclude(customer__merged_into=None).exists()
    assert is_sound()


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_lock_the_refresh_dies(kind: str) -> None:
    assert any(refresh != "refreshed" for _, refresh in merged_during(kind, guard="refresh"))
