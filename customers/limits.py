"""Limits for the length of texts and the size of free-form data. Imports and forms refuse what exceeds them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

from customers.json_types import JsonDocument, Refused, encode, too_long, within

#: In characters. Identifiers are indexed, so a database column bounds them as well.
IDENTIFIER = 255
#: The longest address that RFC 5321 allows.
EMAIL = 320
NAME = 400
#: Any other text of one line.
LINE = 1_000
LINK = 4_000
#: Notes and other texts of many lines.
NOTE = 100_000
#: A picture may be sent as a link that holds it, in base64.
PICTURE = 1024 * 1024
#: Free-form data of one field, in bytes of JSON.
DATA_BYTES = 1024 * 1024

#: The limits of texts by the name of their field, in documents and in forms; any other text is a `LINE`.
TEXTS: Mapping[str, int] = {
    **dict.fromkeys(("email", "alias_emails", "referred_email"), EMAIL),
    **dict.fromkeys(
        ("name", "first_name", "last_name", "preferred_name", "license_plan_name", "referred_name"), NAME
    ),
    **dict.fromkeys(("profile_url", "website_urls", "hosted_invoice_url", "url"), LINK),
    **dict.fromkeys(("photo_url", "logo_url", "icon_url"), PICTURE),
    **dict.fromkeys(("bio", "about", "notes", "string_value", "string_list_value"), NOTE),
}
#: The fields of documents that hold free-form data.
_DATA = frozenset(
    {"custom_data", "metadata", "config", "payment_method", "related_documents", "document_counts"}
)


def refuse_oversized(document: JsonDocument, limits: Mapping[str, int] | None = None) -> None:
    """Raise `Refused` for the first text in `document` that is too long, or data that is too large.

    `limits` are limits by field name that take precedence over those in `TEXTS`.
    """
    _check(document, "$", {**TEXTS, **(limits or {})})


def refuse_too_long(path: str, text: str, most: int) -> None:
    """Raise `Refused` if `text` has more than `most` characters."""
    if len(text) > most:
        raise Refused(path, too_long(len(text), most))


def too_large(value: Any) -> str:
    """Why the free-form data `value` is refused; empty if it is not."""
    size = len(encode(value))
    return f"{size:,} bytes are too many. Use at most {DATA_BYTES:,}." if size > DATA_BYTES else ""


class _Fields(NamedTuple):
    """The fields of a document type to check: texts without their own limit, free-form data, nested objects."""

    texts: tuple[str, ...]
    data: tuple[str, ...]
    objects: tuple[str, ...]


def _check(document: JsonDocument, path: str, limits: Mapping[str, int]) -> None:
    fields = _fields_of(type(document))
    for name in fields.texts:
        for at, text in _texts(getattr(document, name), path, name):
            refuse_too_long(at, text, limits.get(name, LINE))
    for name in fields.data:
        value = getattr(document, name)
        if value and isinstance(value, dict | list) and (reason := too_large(value)):
            raise Refused(within(path, name), reason)
    for name in fields.objects:
        for at, item in _objects(getattr(document, name), path, name):
            _check(item, at, limits)


def _texts(value: Any, path: str, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield within(path, name), value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, str):
                yield within(path, name, index), item


def _objects(value: Any, path: str, name: str) -> Iterator[tuple[str, JsonDocument]]:
    if isinstance(value, JsonDocument):
        yield within(path, name), value
    elif isinstance(value, list | dict):
        for step, item in enumerate(value) if isinstance(value, list) else value.items():
            if isinstance(item, JsonDocument):
                yield within(path, name, step), item


@cache
def _fields_of(kind: type[msgspec.Struct]) -> _Fields:
    (info,) = inspect.multi_type_info([kind])
    fields = info.fields if isinstance(info, inspect.StructType) else ()
    return _Fields(
        tuple(field.name for field in fields if _is_unlimited_text(field.type)),
        tuple(field.name for field in fields if field.name in _DATA),
        tuple(field.name for field in fields if _holds_texts(field.type, frozenset({kind}))),
    )


def _is_unlimited_text(info: inspect.Type) -> bool:
    match info:
        case inspect.StrType():
            return info.max_length is None
        case inspect.CustomType():
            return issubclass(info.cls, str)
    return any(map(_is_unlimited_text, _inside(info)))


def _holds_texts(info: inspect.Type, above: frozenset[type]) -> bool:
    """Whether a value of this type may contain an object with something to check; a recursive type does."""
    if isinstance(info, inspect.StructType):
        if info.cls in above:
            return True
        return any(
            field.name in _DATA
            or _is_unlimited_text(field.type)
            or _holds_texts(field.type, above | {info.cls})
            for field in info.fields
        )
    return any(_holds_texts(each, above) for each in _inside(info))


def _inside(info: inspect.Type) -> tuple[inspect.Type, ...]:
    match info:
        case inspect.Metadata():
            return (info.type,)
        case inspect.UnionType():
            return info.types
        case inspect.ListType():
            return (info.item_type,)
        case inspect.DictType():
            return (info.value_type,)
    return ()
