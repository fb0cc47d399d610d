"""The records of an input, by time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

import pytest

from billing.usage import time_order
from billing.usage.time_order import in_time_order
from customers.ingest.reader import BadRecord, Record, Unreadable, read_value

NOW = datetime(2026, 2, 5, tzinfo=UTC)


def record(number: int, minutes: int | None, note: str = "") -> Record:
    text = json.dumps({"minutes": minutes, "note": note}, ensure_ascii=False)
    numbers = '"amounts": [1, 1.0, 1e3, -0.10, 1E-10, 9007199254740993, 0.1234567890123456789]'
    text = f'{text[:-1]}, {numbers}, "nothing": null, "said": [true, {{}}]}}'
    return Record(number, text, read_value(text))


def time_of(value: object) -> datetime | None:
    assert isinstance(value, dict)
    return None if value["minutes"] is None else NOW + timedelta(minutes=value["minutes"])


@pytest.mark.parametrize(("run", "run_text"), [(1, 10**6), (7, 10**6), (50_000, 100), (50_000, 10**6)])
def test_the_first_in_time_comes_first_and_of_the_same_time_the_first_in_the_input(
    run: int, run_text: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_order, "RUN", run)
    monkeypatch.setattr(time_order, "RUN_TEXT", run_text)
    random = Random(run + run_text)
    minutes = [random.choice([None, *range(-30, 4)]) for _ in range(200)]
    given = [
        record(n, each, "é\N{SNOWMAN}" * random.randint(0, 40)) for n, each in enumerate(minutes, start=1)
    ]

    found = list(in_time_order(given, time_of, NOW))

    expected = sorted(range(200), key=lambda place: (minutes[place] or 0, place))
    assert found == [given[place] for place in expected]
    # Equal numbers may be of two kinds.
    assert repr(found) == repr([given[place] for place in expected])


def test_long_before_the_epoch() -> None:
    given = [record(1, -(10**8)), record(2, -9 * 10**8)]
    assert [each.number for each in in_time_order(given, time_of, NOW)] == [2, 1]


def test_bad_records_come_first_and_an_end_that_cannot_be_read_last() -> None:
    bad = BadRecord(2, "$", "Bad.", "{")

    def given() -> Iterator[Record | BadRecord]:
        yield record(1, 5)
        yield bad
        yield record(3, -5)
        raise Unreadable("The end is missing.")

    sorted_records = in_time_order(given(), time_of, NOW)
    assert [each.number for each in islice(sorted_records, 3)] == [2, 3, 1]
    with pytest.raises(Unreadable, match="The end is missing"):
        next(sorted_records)
