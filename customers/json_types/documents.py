"""Documents are trees of `msgspec.Struct`s: how they are parsed, encoded and described as JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

import msgspec
from msgspec import inspect

from customers.json_types.problems import first_problem
from customers.json_types.refusals import Refused, within
from customers.json_types.scalars import from_json, to_json, to_schema


class JsonDocument(msgspec.Struct, kw_only=True):
    """The base of every object in a document. Unknown keys are ignored; the received document keeps them.

    On export every key is sent, except one that is `UNSET`. `ALWAYS_SENT` names keys that are `UNSET` only at
    import, where an absent key leaves our value unchanged: exports always send them. `IDENTITY` names the keys that tell
    an item of a list from the others, as far as it has them.

    The other three say what happens at import to a key that can't be read. An optional one is left empty, unless the
    object is `NEEDED` to have it: then the object can't be understood without it. A required one gets the JSON value
    in `DEFAULTS`, or what the function there computes from the other values; if there is none (`UNSET`), the object
    can't be read. A key in `REFUSING` refuses the whole record, because to go on without it would make money wrong.

    `READ_AS_SENT` names keys that some senders add: an importer reads them, and they go back as they came.
    """

    ALWAYS_SENT: ClassVar[frozenset[str]] = frozenset()
    IDENTITY: ClassVar[tuple[str, ...]] = ()
    NEEDED: ClassVar[frozenset[str]] = frozenset()
    DEFAULTS: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    REFUSING: ClassVar[frozenset[str]] = frozenset()
    READ_AS_SENT: ClassVar[frozenset[str]] = frozenset()


D = TypeVar("D", bound=JsonDocument)


def parse(kind: type[D], value: object) -> D:
    """Convert a value of the strict reader to `kind`; raise `Refused` with the place of the first problem."""
    try:
        return msgspec.convert(value, kind, dec_hook=from_json)
    except msgspec.ValidationError:
        problem = first_problem(kind, value)
    raise problem or Refused("$", f"This is not a valid {kind.__name__}.")


def each_object(document: JsonDocument, path: str = "$") -> Iterator[tuple[str, JsonDocument]]:
    """`document` and every object inside it, each with its JSON path; outer objects before inner ones."""
    yield path, document
    for name in document.__struct_fields__:
        value = getattr(document, name)
        at = f"{path}.{name}"
        if isinstance(value, JsonDocument):
            yield from each_object(value, at)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, JsonDocument):
                    yield from each_object(item, within(at, index))
        elif isinstance(value, dict):
            for key, item in value.items():
                if isinstance(item, JsonDocument):
                    yield from each_object(item, within(at, key))


@cache
def optional_keys(kind: type[JsonDocument]) -> frozenset[str]:
    """The keys that an object of `kind` may leave out."""
    return frozenset(field.name for field in msgspec.structs.fields(kind) if not field.required)


def encode(value: object) -> bytes:
    """A document, or a container of documents, as JSON."""
    return _encoder.encode(value)


def to_plain(value: object) -> Any:
    """A document as dicts, lists and scalars, exactly as `encode` would send it."""
    return msgspec.to_builtins(value, enc_hook=to_json, builtin_types=(Decimal,))


def json_schema(kinds: list[type], ref_template: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The JSON Schema of `kinds` as exported: one schema each, and the components that they refer to."""
    schemas, components = msgspec.json.schema_components(
        kinds, schema_hook=to_schema, ref_template=ref_template
    )
    for struct in _structs(inspect.multi_type_info(kinds), set()):
        full_name = f"{struct.cls.__module__}.{struct.cls.__qualname__}"
        name = struct.cls.__name__ if struct.cls.__name__ in components else full_name
        components[name]["required"] = [
            field.encode_name for field in struct.fields if _is_always_sent(struct.cls, field)
        ]
    return list(schemas), components


def _structs(infos: Iterable[inspect.Type], found: set[type]) -> Iterator[inspect.StructType]:
    for info in infos:
        match info:
            case inspect.StructType() if info.cls not in found:
                found.add(info.cls)
                yield info
                yield from _structs([field.type for field in info.fields], found)
            case inspect.Metadata():
                yield from _structs([info.type], found)
            case inspect.UnionType():
                yield from _structs(info.types, found)
            case inspect.ListType():
                yield from _structs([info.item_type], found)
            case inspect.DictType():
                yield from _structs([info.value_type], found)


def _is_always_sent(struct: type[msgspec.Struct], field: inspect.Field) -> bool:
    named = issubclass(struct, JsonDocument) and field.encode_name in struct.ALWAYS_SENT
    if field.required or named:
        return True
    defaults = field.default, field.default_factory
    may_be_unset = all(default is msgspec.NODEFAULT for default in defaults)
    return not may_be_unset and not struct.__struct_config__.omit_defaults


_encoder = msgspec.json.Encoder(enc_hook=to_json, decimal_format="number")
