"""The two styles of a document's keys: snake_case and camelCase."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import inspect

from customers.json_types import Refused, within

Case = Literal["snake", "camel"]

_STEP = re.compile(r'\.([A-Za-z_][\w-]*)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')


class _Child(NamedTuple):
    """The content of a key: objects of `kind`; with `is_map`, in an object with free keys."""

    kind: type[msgspec.Struct]
    is_map: bool


def camel(name: str) -> str:
    """`document_counts` as `documentCounts`."""
    return re.sub("_([a-z])", lambda found: found[1].upper(), name)


@cache
def _keys(kind: type[msgspec.Struct], case: Case) -> dict[str, tuple[str, _Child | None]]:
    """For both spellings of each key of `kind`: the spelling in `case`, and the content of the key."""
    (info,) = inspect.multi_type_info([kind])
    fields = info.fields if isinstance(info, inspect.StructType) else ()
    keys: dict[str, tuple[str, _Child | None]] = {}
    for field in fields:
        spelling = field.name if case == "snake" else camel(field.name)
        for name in (field.name, camel(field.name)):
            keys[name] = spelling, _child(field.type)
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


def with_keys(kind: type[msgspec.Struct], value: Any, case: Case, path: str = "$") -> Any:
    """`value`, a JSON object of `kind`, with every key that `kind` defines in `case`.

    Other keys, and those of free-form objects, stay as they are. Raises `Refused` with the path (`value` is at `path`)
    of a key that is given in both styles.
    """
    if not isinstance(value, dict):
        return value
    keys = _keys(kind, case)
    renamed: dict[str, Any] = {}
    for key, item in value.items():
        name, child = keys.get(key, (key, None))
        if name in renamed:
            raise Refused(
                within(path, key),
                "Keep one of the two spellings of this key: it is given in snake_case and in camelCase.",
            )
        if child is None:
            renamed[name] = item
            continue
        at = within(path, key)
        if isinstance(item, list):
            renamed[name] = [
                with_keys(child.kind, each, case, within(at, index)) for index, each in enumerate(item)
            ]
        elif child.is_map and isinstance(item, dict):
            renamed[name] = {
                free: with_keys(child.kind, each, case, within(at, free)) for free, each in item.items()
            }
        else:
            renamed[name] = with_keys(child.kind, item, case, at)
    return renamed


def as_it_came(path: str, value: Any) -> str:
    """Spell the snake_case keys in `path` as the received `value` spells them."""
    spelled = "$"
    for name, index, quoted_key in _STEP.findall(path):
        step: str | int = int(index) if index else name or json.loads(f'"{quoted_key}"')
        if isinstance(value, dict) and step not in value and camel(name) in value:
            step = camel(name)
        spelled = within(spelled, step)
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            value = None
    return spelled
