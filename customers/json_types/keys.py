"""The keys of documents: their two styles, snake_case and camelCase, and keys that a document type doesn't have."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import inspect

from customers.json_types.refusals import Refused, Remark, within

Case = Literal["snake", "camel"]
_D = TypeVar("_D")

_STEP = re.compile(r'\.([A-Za-z_][\w-]*)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')
#: The place of an object in a remark that says that it was left out or left empty.
_LEFT = re.compile(r"\$\.[\w.\[\]-]+(?= was left )")
_TWICE = "Keep one of the two spellings of this key: it is given in snake_case and in camelCase."


class _Child(NamedTuple):
    """The content of a key: objects of `kind`; with `is_map`, in an object with free keys."""

    kind: type[msgspec.Struct]
    is_map: bool


@cache
def camel(name: str) -> str:
    """`document_counts` as `documentCounts`."""
    return re.sub("_([a-z])", lambda found: found[1].upper(), name)


@cache
def keys_of(kind: type[msgspec.Struct]) -> frozenset[str]:
    """The keys of `kind` in snake_case."""
    return frozenset(_children(kind))


@cache
def _children(kind: type[msgspec.Struct]) -> dict[str, _Child | None]:
    (info,) = inspect.multi_type_info([kind])
    fields = info.fields if isinstance(info, inspect.StructType) else ()
    return {field.name: _child(field.type) for field in fields}


class _Shape(NamedTuple):
    """The keys of a type in snake_case, their spellings in camelCase where these differ, and the keys with objects in
    them, in both spellings."""

    known: frozenset[str]
    camel: frozenset[str]
    nested: tuple[tuple[str, str, _Child], ...]


@cache
def _shape(kind: type[msgspec.Struct]) -> _Shape:
    children = _children(kind)
    nested = tuple((name, camel(name), child) for name, child in children.items() if child is not None)
    also: frozenset[str] = getattr(kind, "READ_AS_SENT", frozenset())
    known = frozenset(children) | also | frozenset(map(camel, also))
    return _Shape(known, frozenset(map(camel, children)) - known, nested)


@cache
def _spellings(kind: type[msgspec.Struct], case: Case) -> dict[str, tuple[str, _Child | None]]:
    """For both spellings of each key of `kind`: the spelling in `case`, and the content of the key."""
    keys: dict[str, tuple[str, _Child | None]] = {}
    for name, child in _children(kind).items():
        spelling = name if case == "snake" else camel(name)
        keys[name] = keys[camel(name)] = spelling, child
    return keys


def _child(info: inspect.Type, is_map: bool = False) -> _Child | None:
    match info:
        case inspect.StructType():
            return _Child(info.cls, is_map)
        case inspect.ListType():
            return _child(info.item_type, is_map)
        case inspect.DictType():
            return _child(info.value_type, is_map=True)
        case inspect.UnionType():
            return next((child for each in info.types if (child := _child(each, is_map))), None)
    return None


def with_keys(
    kind: type[msgspec.Struct],
    value: Any,
    case: Case,
    path: str = "$",
    remarks: list[Remark] | None = None,
) -> Any:
    """`value`, a JSON object of `kind`, with every key that `kind` defines in `case`.

    Other keys, and those of free-form objects, stay as they are. A key that is given in both styles raises `Refused`
    with its path (`value` is at `path`). With `remarks`, the first spelling counts and a remark is added.
    """
    if not isinstance(value, dict):
        return value
    keys = _spellings(kind, case)
    renamed: dict[str, Any] = {}
    for key, item in value.items():
        name, child = keys.get(key, (key, None))
        if name in renamed:
            if remarks is None:
                raise Refused(within(path, key), _TWICE)
            remarks.append(Remark(within(path, key), f"{_TWICE} The first one was used."))
            continue
        if child is None:
            renamed[name] = item
            continue
        at = within(path, key)
        if isinstance(item, list):
            renamed[name] = [
                with_keys(child.kind, each, case, within(at, index), remarks)
                for index, each in enumerate(item)
            ]
        elif child.is_map and isinstance(item, dict):
            renamed[name] = {
                free: with_keys(child.kind, each, case, within(at, free), remarks)
                for free, each in item.items()
            }
        else:
            renamed[name] = with_keys(child.kind, item, case, at, remarks)
    return renamed


def has_camel_keys(kind: type[msgspec.Struct], value: Any) -> bool:
    """Whether a key of `value`, a JSON object of `kind`, at any depth, is the camelCase spelling of a key of its type."""
    if not isinstance(value, dict):
        return False
    shape = _shape(kind)
    if not (value.keys() <= shape.known or shape.camel.isdisjoint(value)):
        return True
    for name, _, child in shape.nested:
        for each in _objects(value.get(name), child):
            if has_camel_keys(child.kind, each):
                return True
    return False


def unknown_keys(kind: type[msgspec.Struct], value: Any) -> list[str]:
    """The place of each key in `value` that its type doesn't have: `config`, `subscriptions[].scope`, `balances.*.x`.

    Indexes and free keys are left out of the places. Known keys may be in snake_case or camelCase.
    """
    found: list[str] = []
    _find_unknown(kind, value, "", found)
    return found


def _find_unknown(kind: type[msgspec.Struct], value: Any, place: str, found: list[str]) -> None:
    if not isinstance(value, dict):
        return
    shape = _shape(kind)
    if not value.keys() <= shape.known:
        found += [place + key for key in value if key not in shape.known and key not in shape.camel]
    for name, camel_name, child in shape.nested:
        item = value.get(name) or value.get(camel_name)
        if item:
            step = "[]." if isinstance(item, list) else ".*." if child.is_map else "."
            for each in _objects(item, child):
                _find_unknown(child.kind, each, f"{place}{name}{step}", found)


def _objects(item: Any, child: _Child) -> Iterable[Any]:
    """What should be objects of `child.kind` in `item`, the value of a key."""
    if not item:
        return ()
    if isinstance(item, list):
        return item
    return item.values() if child.is_map and isinstance(item, dict) else (item,)


def snake_case(kind: type[msgspec.Struct], value: Any) -> Any:
    """`value`, a JSON object of `kind`, with the keys of its types in snake_case. Of a key in both spellings, the first
    one counts."""
    return with_keys(kind, value, "snake", remarks=[]) if has_camel_keys(kind, value) else value


def in_snake_case(
    kind: type[msgspec.Struct], value: Any, parse: Callable[[Any], tuple[_D, list[Remark]]]
) -> tuple[_D, list[Remark]]:
    """`parse` of `value` with its keys in snake_case; refusals and remarks name the keys as they came."""
    remarks: list[Remark] = []
    try:
        document, found = parse(with_keys(kind, value, "snake", remarks=remarks))
    except Refused as refused:
        raise Refused(as_it_came(refused.path, value), refused.reason, is_secret=refused.is_secret) from None
    return document, remarks + [
        replace(
            each,
            path=as_it_came(each.path, value),
            text=_LEFT.sub(lambda place: as_it_came(place[0], value), each.text),
        )
        for each in found
    ]


def as_it_came(path: str, value: Any) -> str:
    """Spell the snake_case keys in `path` as the received `value` spells them."""
    spelled = "$"
    for name, index, quoted_key in _STEP.findall(path):
        step: str | int = int(index) if index else name or json.loads(f'"{quoted_key}"')
        if isinstance(value, dict) and step not in value and camel(str(step)) in value:
            step = camel(str(step))
        spelled = within(spelled, step)
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            value = None
    return spelled
