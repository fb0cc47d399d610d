"""Planted duplicates are found, and customers who only look like one are not: 15 kinds of the first, 13 of the others."""

from __future__ import annotations

import pytest

from crm.dedupe.duplicates.sweep import swept
from tests.crm.dedupe.duplicates.load_invented import Measured, invent, load, measure

pytestmark = pytest.mark.django_db


def measured(seed: int, customers: int) -> Measured:
    """How well a sweep does."""
    invention = invent(seed, customers, planted=0.5)
    ids = load(invention.specs)
    with swept() as sweep:
        return measure(invention, ids, [(pair.a, pair.b) for pair in sweep.pairs()])


@pytest.mark.once
def test_most_planted_duplicates_are_found_and_little_else() -> None:
    found = measured(seed=1, customers=1_500)
    assert len(found.planted) == 15
    assert found.precision >= 0.98, found.table()
    assert found.recall >= 0.97, found.table()


@pytest.mark.soak
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_among_ten_thousand_too(seed: int) -> None:
    found = measured(seed, customers=10_000)
    print(found.table())  # noqa: T201 - what it is measured for
    assert found.precision >= 0.98, found.table()
    assert found.recall >= 0.97, found.table()
    for kind, planted in found.planted.items():
        assert 1 - found.missed[kind] / planted >= 0.9, found.table()
