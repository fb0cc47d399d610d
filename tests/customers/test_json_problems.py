"""The reasons for which a document is refused are our own: nothing is read out of msgspec's messages."""

from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.json_types import EpochMs, JsonDocument, Number, Refused, free_form, parse
from customers.json_types.problems import first_problem


class Part(JsonDocument, kw_only=True):
    label: str
    size: Number | None = None
    data: Any = None

    def __post_init__(self) -> None:
        self.data = free_form(self.data)


class Whole(JsonDocument, forbid_unknown_fields=True, kw_only=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=5)] | None = None
    kind: Literal["big", "small"] = "big"
    month: Annotated[int, msgspec.Meta(ge=1, le=12)] = 1
    is_new: bool = True
    at: EpochMs | None = None
    main: Part | None = None
    parts: list[Part] = []
    by_key: dict[Annotated[str, msgspec.Meta(max_length=3)], Part] = {}


CASES: list[tuple[Any, str, str]] = [
    ([], "$", "Expected `object`, got `array`."),
    (None, "$", "Expected `object`, got `null`."),
    ({"name": 3}, "$.name", "Expected `str | null`, got `int`."),
    ({"name": "abcdef"}, "$.name", "6 characters are too many. Use at most 5."),
    ({"name": ""}, "$.name", "Expected a text that is not empty."),
    ({"kind": "huge"}, "$.kind", "'huge' is not one of big, small."),
    ({"kind": None}, "$.kind", "Expected `str`, got `null`."),
    ({"month": 0}, "$.month", "Expected a whole number that is 1 or more, got 0."),
    ({"month": 13}, "$.month", "Expected a whole number that is 12 or less, got 13."),
    ({"month": Decimal("1.5")}, "$.month", "Expected `int`, got `number`."),
    ({"month": True}, "$.month", "Expected `int`, got `bool`."),
    ({"is_new": 1}, "$.is_new", "Expected `bool`, got `int`."),
    ({"at": "now"}, "$.at", "Expected milliseconds since the epoch, got `str`."),
    ({"main": {}}, "$.main", "Add the required key `label`."),
    ({"main": {"label": "a", "size": "1"}}, "$.main.size", "Expected `number`, got `str`."),
    (
        {"main": {"label": "a", "data": [Decimal("1e999")]}},
        "$.main",
        "The number is out of range for free-form JSON.",
    ),
    ({"parts": {}}, "$.parts", "Expected `array`, got `object`."),
    ({"parts": [{"label": "a"}, {"label": None}]}, "$.parts[1].label", "Expected `str`, got `null`."),
    ({"by_key": {"abcd": {"label": "a"}}}, "$.by_key", "4 characters are too many. Use at most 3."),
    (
        {"by_key": {"a": {"label": "a"}, "b c": {}}},
        '$.by_key["b c"]',
        "Add the required key `label`.",
    ),
    ({"other": 1}, "$", "Remove the unknown key `other`."),
    ({"month": 0, "kind": "huge"}, "$.month", "Expected a whole number that is 1 or more, got 0."),
]


@pytest.mark.parametrize(("value", "path", "reason"), CASES)
def test_a_refusal_names_the_place_and_what_was_expected(value: Any, path: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(Whole, value)
    assert (refused.value.path, refused.value.reason) == (path, reason)


@pytest.mark.parametrize(("value", "path", "reason"), CASES)
def test_no_word_of_msgspec_is_read(
    monkeypatch: pytest.MonkeyPatch, value: Any, path: str, reason: str
) -> None:
    convert = msgspec.convert

    def in_other_words(*args: Any, **options: Any) -> Any:
        try:
            return convert(*args, **options)
        except msgspec.ValidationError as problem:
            raise msgspec.ValidationError("Passt nicht") from problem.__cause__

    monkeypatch.setattr(msgspec, "convert", in_other_words)
    with pytest.raises(Refused) as refused:
        parse(Whole, value)
    assert (refused.value.path, refused.value.reason) == (path, reason)


_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 20),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-9, max_value=9),
    st.sampled_from(["", "a", "big", "abcdef", "2024-08-26"]),
)
_keys = st.sampled_from([*Whole.__struct_fields__, *Part.__struct_fields__, "x"])
_values = st.recursive(
    _leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_keys, inner, max_size=4)),
    max_leaves=8,
)


@given(_values)
def test_a_problem_is_found_just_where_msgspec_refuses(value: Any) -> None:
    reason = ""
    try:
        parse(Whole, value)
    except Refused as refused:
        reason = refused.reason
    found = first_problem(Whole, value)
    assert (found.reason if found else "") == reason
