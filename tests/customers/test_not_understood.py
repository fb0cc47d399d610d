"""What a document type can't hold is kept, and goes back where it was."""

import copy
from typing import ClassVar, Literal

import pytest
from msgspec import UNSET, UnsetType

from customers.json_types import JsonDocument, Kept, Number, each_kept, give_back, kept_since, not_understood

pytestmark = pytest.mark.once


class Leaf(JsonDocument, kw_only=True):
    IDENTITY: ClassVar[tuple[str, ...]] = ("id",)

    id: str | UnsetType = UNSET
    state: Literal["open", "shut"] | UnsetType = UNSET
    size: Number | UnsetType | None = UNSET


class Tree(JsonDocument, kw_only=True):
    name: str
    best: Leaf | UnsetType | None = UNSET
    leaves: list[Leaf] | UnsetType = UNSET
    by_key: dict[str, Leaf] | UnsetType = UNSET
    words: list[str] | UnsetType | None = UNSET


def _back(received, taken, document):
    """`document` with what `taken` lacked of `received`."""
    result = copy.deepcopy(document)
    give_back(Tree, result, not_understood(Tree, received, taken))
    return result


@pytest.mark.parametrize(
    ("received", "taken"),
    [
        ({"name": "a", "more": {"x": [1]}}, {"name": "a"}),
        ({"name": "a", "best": {"id": "1", "more": 2}}, {"name": "a", "best": {"id": "1"}}),
        ({"name": "a", "best": {"more": 2}}, {"name": "a", "best": {}}),
        ({"name": "a", "leaves": [{"id": "1", "state": "ajar"}]}, {"name": "a", "leaves": [{"id": "1"}]}),
        (
            {"name": "a", "leaves": [{"id": "1", "state": "ajar"}, {"id": "2"}]},
            {"name": "a", "leaves": [{"id": "2"}]},
        ),
        (
            {"name": "a", "leaves": [{"size": 1, "x": 1}, {"size": 2, "x": 2}]},
            {"name": "a", "leaves": [{"size": 1}, {"size": 2}]},
        ),
        ({"name": "a", "by_key": {"k": {"id": "1", "x": None}}}, {"name": "a", "by_key": {"k": {"id": "1"}}}),
        ({"name": "a", "by_key": {"k": {"id": "1"}}}, {"name": "a", "by_key": {}}),
        ({"name": "a", "words": ["x", "y", "x", 5]}, {"name": "a", "words": ["x", "y"]}),
        ({"name": "a", "words": ["x"]}, {"name": "a"}),
    ],
    ids=[
        "key",
        "in an object",
        "in an empty object",
        "word",
        "item",
        "items without an ID",
        "in a member",
        "member",
        "item of a list of texts",
        "list of texts",
    ],
)
def test_what_was_not_taken_comes_back_where_it_was(received, taken):
    assert _back(received, taken, taken) == received


def test_nothing_is_kept_of_a_document_that_was_understood():
    received: Kept = {"name": "a", "best": None, "leaves": [{"id": "1", "size": 1}], "by_key": {}}
    taken = {"name": "a", "leaves": [{"id": "1", "size": 1}], "by_key": {}}
    assert not_understood(Tree, received, taken) == {}


def test_a_value_of_another_type_is_an_error_and_not_kept():
    received = {"name": "a", "best": {"id": "1", "size": "51-200"}}
    assert not_understood(Tree, received, {"name": "a", "best": {"id": "1"}}) == {}


def test_what_has_a_value_here_by_now_keeps_it():
    received = {"name": "a", "leaves": [{"id": "1", "state": "ajar"}]}
    now = {"name": "b", "leaves": [{"id": "1", "state": "shut"}]}
    assert _back(received, {"name": "a", "leaves": [{"id": "1"}]}, now) == now


def test_an_item_that_was_removed_here_does_not_come_back():
    received = {"name": "a", "leaves": [{"id": "1", "x": 1}, {"id": "2", "x": 2}]}
    taken = {"name": "a", "leaves": [{"id": "1"}, {"id": "2"}]}
    assert _back(received, taken, {"name": "a", "leaves": [{"id": "2"}]}) == {
        "name": "a",
        "leaves": [{"id": "2", "x": 2}],
    }


@pytest.mark.parametrize("now", [{"words": ["x"]}, {"words": ["x", "y", "z"]}, {"words": []}, {}])
def test_a_list_of_texts_that_was_changed_here_stays(now):
    received = {"name": "a", "words": ["x", "y", "x"]}
    now = {"name": "a", **now}
    assert _back(received, {"name": "a", "words": ["x", "y"]}, now) == now


def test_items_that_were_added_here_get_nothing():
    received = {"name": "a", "leaves": [{"id": "1", "x": 1}]}
    now = {"name": "a", "leaves": [{"id": "0"}, {"id": "1"}]}
    assert _back(received, {"name": "a", "leaves": [{"id": "1"}]}, now)["leaves"] == [
        {"id": "0"},
        {"id": "1", "x": 1},
    ]


def test_a_key_that_the_next_document_leaves_out_is_kept():
    before = {"more": {"is": 1}, "best": {"in": {"x": {"is": 2}}}, "gone": {"is": 3}}
    assert kept_since(before, {"name": "a", "best": None, "gone": 4}, {"gone": {"is": 4}}) == {
        "more": {"is": 1},
        "gone": {"is": 4},
    }


def test_each_value_that_is_kept_has_its_place():
    received = {
        "name": "a",
        "more": [1],
        "best": {"id": "1", "x": None},
        "leaves": [{"id": "1", "state": "ajar"}, {"id": "2"}],
        "by_key": {"a b": {"y": 1}},
    }
    taken = {"name": "a", "best": {"id": "1"}, "leaves": [{"id": "1"}], "by_key": {"a b": {}}}
    assert dict(each_kept(not_understood(Tree, received, taken))) == {
        "$.more": [1],
        "$.best.x": None,
        "$.leaves[0].state": "ajar",
        "$.leaves[1]": {"id": "2"},
        '$.by_key["a b"].y': 1,
    }


class Sum(JsonDocument, kw_only=True):
    granted: Number
    left: Number
    state: Literal["open", "shut"] = "open"


def _sum_back(received, taken, now):
    result = dict(now)
    give_back(Sum, result, not_understood(Sum, received, taken))
    return result


def test_figures_that_were_taken_differently_come_back_until_one_of_them_changes():
    received, taken = {"granted": 10, "left": 7}, {"granted": 8, "left": 5}
    assert _sum_back(received, taken, taken) == received
    assert _sum_back(received, taken, {"granted": 8, "left": 4}) == {"granted": 8, "left": 4}


def test_a_word_that_another_was_taken_for_comes_back():
    received, taken = {"granted": 1, "left": 1, "state": "ajar"}, {"granted": 1, "left": 1, "state": "shut"}
    assert _sum_back(received, taken, taken) == received
    assert _sum_back(received, taken, {**taken, "state": "open"})["state"] == "open"


def test_a_known_word_in_capitals_is_understood():
    taken = {"granted": 1, "left": 1, "state": "open"}
    assert not_understood(Sum, {**taken, "state": "OPEN"}, taken) == {}


def test_a_time_in_seconds_does_not_come_back():
    assert not_understood(Sum, {"granted": 1700000000}, {"granted": 1700000000000}) == {}


def test_items_are_told_apart_by_what_they_have_of_an_identity():
    received = {"name": "a", "leaves": [{"size": 9, "x": 0}, {"id": "2", "x": 2}, {"id": "1", "x": 1}]}
    taken = {"name": "a", "leaves": [{"size": 9}, {"id": "1"}, {"id": "2"}]}
    now = {"name": "a", "leaves": [{"id": "new", "size": 9}, {"id": "1"}, {"id": "2"}]}
    assert _back(received, taken, now)["leaves"] == [
        {"id": "new", "size": 9, "x": 0},
        {"id": "1", "x": 1},
        {"id": "2", "x": 2},
    ]
