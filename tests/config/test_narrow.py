"""Which tests PostgreSQL need not run."""

import json
from pathlib import Path

from narrow import Recorded, left_out, read


def recorded(test: str, statements: str, seconds: float = 1, *, has_failed: bool = False) -> Recorded:
    return Recorded(test, seconds, frozenset(statements), has_failed)


def test_each_statement_keeps_two_tests() -> None:
    assert left_out([recorded("a", "xy"), recorded("b", "xy"), recorded("c", "xy")]) in (["a"], ["b"], ["c"])
    assert left_out([recorded("a", "x"), recorded("b", "x"), recorded("c", "z")]) == []


def test_the_cheaper_ones_are_kept() -> None:
    assert left_out([recorded("a", "x", 9), recorded("b", "x", 2), recorded("c", "x", 3)]) == ["a"]
    # One that does much is cheaper than many that do little.
    many = [recorded(f"{kind}{each}", each, 2) for each in "xyz" for kind in "pq"]
    assert left_out([*many, recorded("a", "xyz", 3), recorded("b", "xyz", 3)]) == sorted(
        each.test for each in many
    )


def test_what_executes_nothing_is_left_out() -> None:
    assert left_out([recorded("a", ""), recorded("b", "x")]) == ["a"]


def test_what_met_an_error_of_the_database_is_kept_and_counts() -> None:
    refused = [recorded(each, "x", 9, has_failed=True) for each in "abc"]
    assert left_out([*refused, recorded("d", "x", 1)]) == ["d"]


def test_the_order_of_what_is_recorded_does_not_matter() -> None:
    each = [recorded(f"{number}", "xyz"[: number % 4], number % 3) for number in range(12)]
    assert left_out(each) == left_out(list(reversed(each)))


def test_what_all_workers_wrote_is_read(tmp_path: Path) -> None:
    for worker, test in (("gw0", "a"), ("gw1", "b")):
        line = {"test": test, "seconds": 0.5, "statements": ["x"], "has_failed": test == "b"}
        (tmp_path / f"{worker}.jsonl").write_text(f"{json.dumps(line)}\n", encoding="utf-8")
    assert read(tmp_path) == [recorded("a", "x", 0.5), recorded("b", "x", 0.5, has_failed=True)]
