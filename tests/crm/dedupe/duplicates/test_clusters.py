"""Pairs that connect belong together."""

from __future__ import annotations

import pytest

from crm.dedupe.duplicates.clusters import connected, is_one


def test_pairs_that_share_a_side_are_one_cluster() -> None:
    pairs = [("a", "b"), ("x", "y"), ("b", "c"), ("d", "c")]
    clusters = connected(pairs, lambda pair: pair)
    assert [(sorted(members), together) for members, together in clusters] == [
        (["a", "b", "c", "d"], [("a", "b"), ("b", "c"), ("d", "c")]),
        (["x", "y"], [("x", "y")]),
    ]


def test_a_long_chain_is_one_cluster() -> None:
    chain = [(f"{number:05}", f"{number + 1:05}") for number in range(5_000)]
    ((members, together),) = connected(chain, lambda pair: pair)
    assert (len(members), len(together)) == (5_001, 5_000)


def test_no_pairs_are_no_clusters() -> None:
    assert connected([], lambda pair: pair) == []


@pytest.mark.parametrize(
    ("members", "pairs", "expected"),
    [(2, 1, True), (3, 3, True), (4, 6, True), (3, 2, False), (4, 5, False), (5, 10, False)],
)
def test_only_a_small_group_without_a_gap_is_offered_as_one(members: int, pairs: int, expected: bool) -> None:
    assert is_one(members, pairs) is expected
