"""Why a value does not fit a document type: the place of the first problem, and the reason in our own words.

msgspec decides quickly whether a value fits, but its messages are for programmers and may change between
versions. So a value that msgspec refuses is checked a second time here, against the same types.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from customers.json_types.refusals import Refused, within
from customers.json_types.scalars import from_json, json_name

_SHOWN_LENGTH = 200

#: The JSON type of each kind of field, for kinds that accept only one.
_JSON_TYPES: dict[type[inspect.Type], str] = {
    inspect.BoolType: "bool",
    inspect.DictType: "object",
    inspect.EnumType: "str",
    inspect.IntType: "int",
    inspect.ListType: "array",
    inspect.LiteralType: "str",
    inspect.NoneType: "null",
    inspect.StrType: "str",
    inspect.StructType: "object",
}


def first_problem(kind: type[msgspec.Struct], value: object) -> Refused | None:
    """The first problem of `value` as a `kind`, in the order of its keys; None if it fits."""
    return check(_type_info(kind), value, "$")


def missing_key(name: str) -> str:
    """The reason for refusing an object without a required key."""
    return f"Add the required key `{name}`."


@cache
def _type_info(kind: type) -> inspect.Type:
    return inspect.type_info(kind)


def check(info: inspect.Type, value: Any, path: str) -> Refused | None:
    """The first problem of `value`, which is at `path`, as a value of the type `info`; None if it fits."""
    choices = list(alternatives(info))
    chosen = _choose(choices, value)
    if chosen is None:
        expected = " | ".join(dict.fromkeys(_JSON_TYPES[type(each)] for each in choices))
        return Refused(path, f"Expected `{expected}`, got `{_json_type(value)}`.")
    match chosen:
        case inspect.StructType():
            return _check_struct(chosen, value, path)
        case inspect.ListType():
            checked = (check(chosen.item_type, item, within(path, index)) for index, item in enumerate(value))
            return _first(checked)
        case inspect.DictType():
            return _first(_check_member(chosen, key, item, path) for key, item in value.items())
        case inspect.CustomType():
            return _from_hook(chosen.cls, value, path)
        case inspect.LiteralType() if value not in chosen.values:
            return Refused(path, _not_among(value, map(str, chosen.values)))
        case inspect.EnumType() if value not in [member.value for member in chosen.cls]:
            return Refused(path, _not_among(value, (str(member.value) for member in chosen.cls)))
        case inspect.StrType():
            return _check_length(chosen, value, path)
        case inspect.IntType():
            return _check_range(chosen, value, path)
    return None


def alternatives(info: inspect.Type) -> Iterable[inspect.Type]:
    """The types of a union, or `info` itself."""
    match info:
        case inspect.Metadata():
            yield from alternatives(info.type)
        case inspect.UnionType():
            for each in info.types:
                yield from alternatives(each)
        case _:
            yield info


def _choose(choices: Iterable[inspect.Type], value: Any) -> inspect.Type | None:
    """The alternative of a union that fits `value`'s JSON type; a scalar of ours only if no other one fits."""
    judges = None
    for each in choices:
        if isinstance(each, inspect.AnyType) or _JSON_TYPES.get(type(each)) == _json_type(value):
            return each
        if isinstance(each, inspect.CustomType):
            judges = each
    return judges


def _json_type(value: Any) -> str:
    return "int" if type(value) is int else json_name(value)


def _check_struct(info: inspect.StructType, value: dict[str, Any], path: str) -> Refused | None:
    fields = {field.encode_name: field for field in info.fields}
    for key, item in value.items():
        if key in fields:
            problem = check(fields[key].type, item, within(path, key))
            if problem is not None:
                return problem
        elif info.forbid_unknown_fields:
            return Refused(path, f"Remove the unknown key `{key[:_SHOWN_LENGTH]}`.")
    for name, field in fields.items():
        if field.required and name not in value:
            return Refused(path, missing_key(name))
    # All fields fit, so only the checks of the class itself can have failed.
    try:
        msgspec.convert(value, info.cls, dec_hook=from_json)
    except msgspec.ValidationError as problem:
        return Refused(path, _sentence(str(problem.__cause__ or "This value isn't valid")))
    return None


def _check_member(info: inspect.DictType, key: str, value: Any, path: str) -> Refused | None:
    return check(info.key_type, key, path) or check(info.value_type, value, within(path, key))


def _from_hook(kind: type, value: Any, path: str) -> Refused | None:
    try:
        from_json(kind, value)
    except (ValueError, TypeError) as problem:
        return Refused(path, _sentence(str(problem)))
    return None


def _check_length(info: inspect.StrType, text: str, path: str) -> Refused | None:
    if info.max_length is not None and len(text) > info.max_length:
        return Refused(path, too_long(len(text), info.max_length))
    if info.min_length is not None and len(text) < info.min_length:
        least = (
            "a text that is not empty" if info.min_length == 1 else f"at least {info.min_length:,} characters"
        )
        return Refused(path, f"Expected {least}.")
    return None


def too_long(length: int, most: int) -> str:
    """The reason for refusing a text that is longer than its limit."""
    return f"{length:,} characters are too many. Use at most {most:,}."


def _check_range(info: inspect.IntType, value: int, path: str) -> Refused | None:
    if info.ge is not None and value < info.ge:
        return Refused(path, f"Expected a whole number that is {info.ge} or more, got {value}.")
    if info.le is not None and value > info.le:
        return Refused(path, f"Expected a whole number that is {info.le} or less, got {value}.")
    return None


def _not_among(value: str, allowed: Iterable[str]) -> str:
    shown = f"'{value[:_SHOWN_LENGTH]}'"
    return f"{shown} is not one of {', '.join(allowed)}."


def _first(problems: Iterable[Refused | None]) -> Refused | None:
    return next((problem for problem in problems if problem is not None), None)


def _sentence(text: str) -> str:
    return text if text.endswith(".") else text + "."
