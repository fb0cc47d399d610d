"""What a received document says that was not taken, and how it goes back into the document.

A document type understands some keys and words. The rest is kept as it came: keys that the type doesn't have, words that
its enumerations don't list, items of lists that could not be taken, and figures that were taken differently, because the
rows below them say so. What is kept is a JSON object by key, whose values are one of

- `{"is": value}`: the value as it came; with `"for"`, the one that was taken instead,
- `{"in": {...}}`: what is kept of an object, by key,
- `{"items": [{"at": 0, "id": {...}, ...}]}`: what is kept of the items of a list, with their place and identity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from msgspec import inspect

from customers.json_types.documents import JsonDocument, optional_keys
from customers.json_types.refusals import within
from customers.json_types.scalars import json_name, to_schema

#: What is kept of an object, by key.
Kept = dict[str, Any]

_JSON_NAMES = {"string": "str", "integer": "number", "boolean": "bool"}


@dataclass(slots=True)
class _Shape:
    """The content of a key: objects of `kind`, alone, in a list or by free keys, or else plain values.

    `names` are the JSON types of a plain value. Without any, every value is understood. `is_word` if only some words are.
    """

    kind: type[JsonDocument] | None = None
    is_list: bool = False
    is_map: bool = False
    names: set[str] = field(default_factory=set)
    is_word: bool = False


def not_understood(kind: type[JsonDocument], received: Any, taken: Any) -> Kept:
    """What `received`, an object as it came, has and `taken` lacks: the same object as `kind` understood it, as plain JSON.

    A value of another JSON type than the key's is not kept: it is an error, not a word of a later version.
    """
    kept: Kept = {}
    shapes = _shapes(kind)
    for key, value in received.items():
        shape = shapes.get(key)
        if shape is None:
            kept[key] = {"is": value}
        elif node := _beyond(shape, value, taken.get(key)):
            kept[key] = node
    return kept


def give_back(kind: type[JsonDocument], document: dict[str, Any], kept: Kept) -> None:
    """Put what is kept into `document`, an object of `kind` as plain JSON.

    A value that the document has stays. Figures come back together, as long as none of them has changed, and a list of
    plain values as long as it has not.
    """
    shapes = _shapes(kind)
    lists = {key: node for key, node in kept.items() if "for" in node and isinstance(node["is"], list)}
    document |= {key: node["is"] for key, node in lists.items() if document.get(key) == node["for"]}
    kept = {key: node for key, node in kept.items() if key not in lists}
    instead = {key: node for key, node in kept.items() if "for" in node}
    if all(key in document and document[key] == node["for"] for key, node in instead.items()):
        document |= {key: node["is"] for key, node in instead.items()}
    for key, node in kept.items():
        shape = shapes.get(key, _Shape())
        if document.get(key) in (None, [], {}) and ("is" in node or _may_be_empty(shape)):
            document[key] = node.get("is", {})
        elif document.get(key) is None and any("is" in item for item in node.get("items", ())):
            document[key] = []
        if isinstance(held := document.get(key), dict) and shape.kind is not None:
            _give_back_to_object(shape, held, node.get("in", {}))
        elif isinstance(held, list) and shape.kind is not None:
            _give_back_to_list(shape.kind, held, node.get("items", ()))


def kept_since(before: Kept, received: Any, kept: Kept) -> Kept:
    """What is kept of a record after another document: a key that the document leaves out stays as it was."""
    return {**{key: node for key, node in before.items() if key not in received}, **kept}


def each_kept(kept: Kept, path: str = "$") -> Iterator[tuple[str, Any]]:
    """Every value that is kept, as it came, with its place in the document."""
    for key, node in kept.items():
        at = within(path, key)
        if "is" in node:
            yield at, node["is"]
        yield from each_kept(node.get("in", {}), at)
        for item in node.get("items", ()):
            yield from each_kept({item["at"]: item}, at)


def _beyond(shape: _Shape, value: Any, taken: Any) -> Any:
    """What is kept of the value of one key; None if all of it was taken."""
    if shape.kind is None:
        if value is None or json_name(value) not in shape.names:
            return None
        if taken is None:
            return {"is": value}
        if isinstance(value, list):
            # Some were left out, such as a text that is there twice.
            is_other = isinstance(taken, list) and len(taken) < len(value)
        elif shape.is_word:
            is_other = str(value).casefold() != str(taken).casefold()
        else:
            # A time in seconds is one in milliseconds by now.
            is_other = json_name(value) in ("number", "bool") and taken not in (value, value * 1000)
        return {"is": value, "for": taken} if is_other else None
    if shape.is_list and isinstance(value, list):
        return _beyond_list(shape.kind, value, taken)
    if not isinstance(value, dict):
        return None
    if not isinstance(taken, dict):
        return {"is": value} if value else None
    if not shape.is_map:
        kept = not_understood(shape.kind, value, taken)
        return {"in": kept} if kept else None
    inner = _Shape(shape.kind)
    members = {name: node for name, item in value.items() if (node := _beyond(inner, item, taken.get(name)))}
    return {"in": members} if members else None


def _beyond_list(kind: type[JsonDocument], received: list[Any], taken: Any) -> Any:
    held = taken if isinstance(taken, list) else []
    partner = _partners(
        [_identity(kind, item) for item in received], [_identity(kind, item) for item in held]
    )
    items: list[Kept] = []
    for at, item in enumerate(received):
        if not isinstance(item, dict):
            continue
        place = partner.get(at)
        node: Kept = {"is": item}
        if place is not None:
            inner = not_understood(kind, item, held[place])
            if not inner:
                continue
            node = {"in": inner}
        items.append({"at": at, "id": _identity(kind, item), **node})
    return {"items": items} if items else None


def _may_be_empty(shape: _Shape) -> bool:
    """Whether an object of which nothing is understood any more may still hold what is kept of it."""
    return (
        shape.kind is not None and not shape.is_list and optional_keys(shape.kind) == set(_shapes(shape.kind))
    )


def _give_back_to_object(shape: _Shape, document: dict[str, Any], kept: Kept) -> None:
    assert shape.kind is not None  # noqa: S101 - the caller looked
    if not shape.is_map:
        give_back(shape.kind, document, kept)
        return
    for name, node in kept.items():
        if "is" in node:
            document.setdefault(name, node["is"])
        elif isinstance(held := document.get(name), dict):
            give_back(shape.kind, held, node["in"])


def _give_back_to_list(kind: type[JsonDocument], document: list[Any], items: Sequence[Kept]) -> None:
    identities = [_identity(kind, item) for item in document]
    partner = _partners([item["id"] for item in items], identities, [item["at"] for item in items])
    for number, item in enumerate(items):
        place = partner.get(number)
        if place is not None and "in" in item:
            give_back(kind, document[place], item["in"])
    for item in items:
        if "is" in item:
            document.insert(item["at"], item["is"])


def _identity(kind: type[JsonDocument], item: Any) -> dict[str, Any]:
    """What tells an item of a list from the others; empty if it says nothing of it."""
    if not isinstance(item, dict):
        return {}
    return {name: item[name] for name in kind.IDENTITY if item.get(name) is not None}


def _partners(
    ours: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]], places: Sequence[int] | None = None
) -> dict[int, int]:
    """The place of the same item in `theirs`, by number in `ours`: by identity, in order among equal ones.

    An item without an identity is the one at its own place (`places`), if that has no partner yet.
    """
    free: dict[tuple[str, ...], dict[str, list[int]]] = {}
    found: dict[int, int] = {}
    taken: set[int] = set()
    for number, identity in enumerate(ours):
        names = tuple(identity)
        if names and names not in free:
            free[names] = {}
            for place, other in enumerate(theirs):
                free[names].setdefault(_key(other, names), []).append(place)
        waiting = free[names].get(_key(identity, names), []) if names else []
        for place in waiting:
            if place not in taken:
                found[number] = place
                taken.add(place)
                break
    for number, identity in enumerate(ours):
        place = number if places is None else places[number]
        if not identity and place < len(theirs) and place not in taken:
            found[number] = place
            taken.add(place)
    return found


def _key(identity: dict[str, Any], names: Iterable[str]) -> str:
    """The identity by some of its keys. Numbers that are equal look equal: `1` and `1.0`."""
    values: list[Any] = [identity.get(name) for name in names]
    return repr([float(each) if json_name(each) == "number" else each for each in values])


@cache
def _shapes(kind: type[JsonDocument]) -> dict[str, _Shape]:
    info = inspect.type_info(kind)
    fields = info.fields if isinstance(info, inspect.StructType) else ()
    return {each.encode_name: _shape(each.type) for each in fields}


def _shape(info: inspect.Type) -> _Shape:
    match info:
        case inspect.Metadata():
            return _shape(info.type)
        case inspect.StructType() if issubclass(info.cls, JsonDocument):
            return _Shape(info.cls)
        case inspect.ListType():
            inner = _shape(info.item_type)
            return _Shape(inner.kind, is_list=True) if inner.kind else _Shape(names={"array"})
        case inspect.DictType():
            inner = _shape(info.value_type)
            return _Shape(inner.kind, is_map=True) if inner.kind else _Shape(names={"object"})
        case inspect.UnionType():
            shapes = [_shape(each) for each in info.types]
            objects = next((each for each in shapes if each.kind), None)
            names = {name for each in shapes for name in each.names}
            return objects or _Shape(names=names, is_word=any(each.is_word for each in shapes))
        case inspect.LiteralType() | inspect.EnumType():
            return _Shape(names={"str"}, is_word=True)
        case inspect.StrType():
            return _Shape(names={"str"})
        case inspect.BoolType():
            return _Shape(names={"bool"})
        case inspect.IntType() | inspect.FloatType() | inspect.DecimalType():
            return _Shape(names={"number"})
        case inspect.CustomType():
            schema = to_schema(info.cls)
            kinds = [each.get("type", "string") for each in schema.get("anyOf", [schema])]
            return _Shape(names={_JSON_NAMES.get(each, each) for each in kinds})
    return _Shape()
