"""Which tests PostgreSQL need not run."""

import json
from pathlib import Path

from narrow import Recorded, left_out, read


def recorded(test: str, statements: str, seconds: float = 1) -> Recorded:
    return Recorded(test, seconds, frozenset(statements))


def test_each_statement_keeps_a_test() -> None:
    assert left_out([recorded("a", "xy"), recorded("b", "xy")]) in (["a"], ["b"])
    assert left_out([recorded("a", "x"), recorded("b", "y"), recorded("c", "z")]) == []


def test_the_cheaper_ones_are_kept() -> None:
    assert left_out([recorded("a", "x", 9), recorded("b", "x", 2)]) == ["a"]
    # One that does much is cheaper than many that do little.
    many = [recorded(each, each, 2) for each in "xyz"]
    assert left_out([*many, recorded("a", "xyz", 3)]) == ["x", "y", "z"]


def test_what_executes_nothing_is_left_out() -> None:
    assert left_out([recorded("a", ""), recorded("b", "x")]) == ["a"]


def test_the_order_of_what_is_recorded_does_not_matter() -> None:
    each = [recorded(f"{number}", "xyz"[: number % 4], number % 3) for number in range(12)]
    assert left_out(each) == left_out(list(reversed(each)))


def test_what_all_workers_wrote_is_read(tmp_path: Path) -> None:
    for worker, test in (("gw0", "a"), ("gw1", "b")):
        line = {"test": test, "seconds": 0.5, "statements": ["x"]}
        (tmp_path / f"{worker}.jsonl").write_text(f"{json.dumps(line)}\n", encoding="utf-8")
    assert read(tmp_path) == [recorded("a", "x", 0.5), recorded("b", "x", 0.5)]
