"""Choose the tests that PostgreSQL need not run, because others make it execute the same statements."""

from __future__ import annotations

import heapq
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Recorded:
    """What a test did on SQLite: its ID, its CPU seconds, and its statements.

    A statement that the database refused is one of its own: databases differ in what they refuse.
    """

    test: str
    seconds: float
    statements: frozenset[str]


def read(directory: Path) -> list[Recorded]:
    """What the workers of a run wrote."""
    lines = [
        line for file in sorted(directory.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()
    ]
    return [
        Recorded(each["test"], each["seconds"], frozenset(each["statements"]))
        for each in map(json.loads, lines)
    ]


def left_out(recorded: Collection[Recorded]) -> list[str]:
    """The tests without which each statement is still executed by a test. Cheap tests are preferred."""
    kept: set[str] = set()

    def worth(each: Recorded) -> float:
        return len(each.statements - kept) / (each.seconds + 0.01)

    # What a test adds only shrinks while others are kept: a worth that is still the highest when renewed is the best.
    heap = [(-worth(each), each.test, each) for each in recorded]
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
