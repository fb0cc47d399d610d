"""Planted duplicates are found, customers who only look like one are not, and a score means what the docs say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from crm.dedupe.duplicates.sweep import swept
from tests.crm.dedupe.duplicates.load_invented import Measured, invent, load, measure

pytestmark = pytest.mark.django_db

DOCS = Path(__file__).parents[4] / "docs" / "duplicates.md"
_BAND = re.compile(r"^\| (\d\.\d\d)–\d\.\d\d \| [\d,]+ \| ([\d.]+)% \|$", re.MULTILINE)


def documented() -> Iterator[tuple[float, float]]:
    """The lowest score of each band, and the share of duplicates that the docs promise."""
    for least, percent in _BAND.findall(DOCS.read_text(encoding="utf-8")):
        yield float(least), float(percent) / 100


def measured(seed: int, customers: int) -> tuple[Measured, list[tuple[float, bool]]]:
    """How well a sweep does, and each pair that it scored: its score, and whether both are one."""
    invention = invent(seed, customers, planted=0.5)
    ids = load(invention.specs)
    places = {pk: place for place, pk in enumerate(ids)}
    with swept(min_score=0.25) as sweep:
        pairs = list(sweep.pairs(0.25))
        found = measure(invention, ids, [(pair.a, pair.b) for pair in sweep.pairs()])
    sides = (sorted((places[pair.a], places[pair.b])) for pair in pairs)
    answers = [(a, b) in invention.same for a, b in sides]
    return found, [(pair.score, answer) for pair, answer in zip(pairs, answers, strict=True)]


@pytest.mark.once
def test_most_planted_duplicates_are_found_and_a_score_means_what_the_docs_say() -> None:
    found, scored = measured(seed=1, customers=1_500)
    assert len(found.planted) == 26
    assert found.precision >= 0.98, found.table()
    assert found.recall >= 0.97, found.table()
    bands = list(documented())
    assert [least for least, _ in bands] == [0.99, 0.95, 0.9, 0.75, 0.5, 0.25, 0.0]
    upper = 1.1
    for least, share in bands[:-1]:
        answers = [is_one for score, is_one in scored if least <= score < upper]
        # With few pairs in a band, one more or less is not a surprise.
        assert abs(sum(answers) - share * len(answers)) <= 3 + 0.05 * len(answers), (least, answers)
        upper = least


@pytest.mark.soak
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_among_ten_thousand_too(seed: int) -> None:
    found, _ = measured(seed, customers=10_000)
    print(found.table())  # noqa: T201 - what it is measured for
    assert found.precision >= 0.98, found.table()
    assert found.recall >= 0.97, found.table()
    for kind, planted in found.planted.items():
        assert 1 - found.missed[kind] / planted >= 0.9, found.table()
