"""What differs between two payloads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from customers.ingest.payload_diff import LONGEST_TEXT, MOST, ValueChange, compare_texts

ADDED, REMOVED, CHANGED = ValueChange


def told(old: Any, new: Any) -> list[tuple[str, ValueChange, Any, Any]]:
    compared = compare_texts(json.dumps(old), json.dumps(new))
    assert (compared.is_cut, compared.refusal) == (False, "")
    return [(each.path, each.change, each.old, each.new) for each in compared.differences]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": True}, [("$.a", CHANGED, 1, True)]),
        ({"a": 1}, {"b": 1}, [("$.a", REMOVED, 1, None), ("$.b", ADDED, None, 1)]),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}, [("$.a.b.c", CHANGED, 1, 2)]),
        ({"a": {"b": 1}}, {"a": None}, [("$.a", CHANGED, {"b": 1}, None)]),
        ([1, 2], [2, 3], [("$[]", REMOVED, 1, None), ("$[]", ADDED, None, 3)]),
        ([1, 2], [2, 1], [("$", CHANGED, [1, 2], [2, 1])]),
        ([1, 1], [1], [("$", CHANGED, [1, 1], [1])]),
        ([[1], [2]], [[1], [3]], [("$[1][]", REMOVED, 2, None), ("$[1][]", ADDED, None, 3)]),
    ],
)
def test_each_place_that_differs(old: Any, new: Any, expected: list[Any]) -> None:
    assert told(old, new) == expected


def test_items_are_told_apart_by_their_id_wherever_they_stand() -> None:
    old = [{"id": "x", "city": "Arusha"}, {"id": "y", "city": "Moshi"}]
    new = [{"id": "z", "city": "Dodoma"}, {"id": "x", "city": "Mwanza"}]

    assert told(old, new) == [
        ("$[id x].city", CHANGED, "Arusha", "Mwanza"),
        ("$[id y]", REMOVED, old[1], None),
        ("$[id z]", ADDED, None, new[0]),
    ]
    assert told(old, old[::-1]) == [("$ (order)", CHANGED, ["x", "y"], ["y", "x"])]


@pytest.mark.parametrize("key", [None, 1, "x"])
def test_ids_that_tell_nothing_apart_leave_the_place(key: Any) -> None:
    old, new = [{"id": key, "n": 1}, {"id": key, "n": 2}], [{"id": key, "n": 1}, {"id": key, "n": 3}]
    assert told(old, new) == [("$[1].n", CHANGED, 2, 3)]


def test_there_is_an_end_to_it() -> None:
    many = compare_texts(json.dumps(dict.fromkeys(map(str, range(MOST + 1)))), "{}")
    assert (len(many.differences), many.is_cut) == (MOST, True)
    assert compare_texts("{}", " " * (LONGEST_TEXT + 1)).refusal.startswith("Payloads of more than")
    assert compare_texts("{}", "{").refusal == "One of the payloads is not valid JSON."
