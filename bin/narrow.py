"""Choose the tests that PostgreSQL need not run, because others make it execute the same statements."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

#: So many tests are kept for each statement, if there are as many.
TESTS_PER_STATEMENT = 2


@dataclass(frozen=True)
class Recorded:
    """What a test did on SQLite: its ID, its CPU seconds, its statements, and whether the database refused any."""

    test: str
    seconds: float
    statements: frozenset[str]
    has_failed: bool


def read(directory: Path) -> list[Recorded]:
    """What the workers of a run wrote."""
    lines = [
        line for file in sorted(directory.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()
    ]
    return [
        Recorded(each["test"], each["seconds"], frozenset(each["statements"]), each["has_failed"])
        for each in map(json.loads, lines)
    ]


def left_out(recorded: Collection[Recorded]) -> list[str]:
    """The tests without which each statement is still executed by `TESTS_PER_STATEMENT` tests, or by all there are.

    Cheap tests are preferred. One that met an error of the database stays: databases differ in what they refuse.
    """
    candidates, kept = [], Counter[str]()
    missing = Counter(statement for each in recorded for statement in each.statements)
    wanted = {statement: min(count, TESTS_PER_STATEMENT) for statement, count in missing.items()}
    for each in recorded:
        if each.has_failed:
            kept.update(each.statements)
        else:
            candidates.append(each)

    def worth(each: Recorded) -> float:
        adds = sum(kept[statement] < wanted[statement] for statement in each.statements)
        return adds / (each.seconds + 0.01)

    # What a test adds only shrinks while others are kept: a worth that is still the highest when renewed is the best.
    heap = [(-worth(each), each.test, each) for each in candidates]
    heapq.heapify(heap)
    superfluous = []
    while heap:
        _, test, best = heapq.heappop(heap)
        value = worth(best)
        if not value:
            superfluous.append(test)
        elif heap and value < -heap[0][0]:
            heapq.heappush(heap, (-value, test, best))
        else:
            kept.update(best.statements)
    return sorted(superfluous)
