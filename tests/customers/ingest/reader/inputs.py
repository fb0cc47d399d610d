"""JSON material for the reader's tests: strategies, and a way to read it through a small window."""

import io
import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import strategies as st

from customers.ingest.reader import LIST_NAMES, BadRecord, Record, inputs, read_records

#: Sizes of the window, in bytes: so small that it ends at every place of a record, and the usual one.
CHUNKS = (1, 2, 7, 64 * 1024)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
keys = texts.filter(lambda key: key not in LIST_NAMES)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
documents = st.dictionaries(keys, values, max_size=4)


def read(data: bytes, chunk: int = CHUNKS[-1], **options: Any) -> list[Record | BadRecord]:
    """All records of `data`, read through a window that grows by `chunk` bytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "_CHUNK", chunk)
        return list(read_records(io.BytesIO(data), **options))


def good(records: Iterable[Record | BadRecord]) -> list[Any]:
    """The values of the records that were read."""
    return [record.value for record in records if isinstance(record, Record)]


def bad(records: Iterable[Record | BadRecord]) -> list[BadRecord]:
    return [record for record in records if isinstance(record, BadRecord)]


def with_floats(value: Any) -> Any:
    """`value` with a float for every Decimal, as the standard library's own reader gives it."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [with_floats(item) for item in value]
    if isinstance(value, dict):
        return {key: with_floats(item) for key, item in value.items()}
    return value


def as_lines(texts: list[str]) -> str:
    return "\n".join(texts)


def as_windows_lines(texts: list[str]) -> str:
    return "".join(text + "\r\n\r\n" for text in texts)


def as_list(texts: list[str]) -> str:
    return "[" + ", ".join(texts) + "]"


def as_list_of_lines(texts: list[str]) -> str:
    return "[\n" + ",\n".join(texts) + "\n]\n"


def as_indented_list(texts: list[str]) -> str:
    return "[\n  " + ",\n  ".join(texts) + "\n]"


def as_envelope(texts: list[str]) -> str:
    return '{"object":"list","total":{"id":[1]},"data":[' + ",".join(texts) + '],"has_more":false}'


def as_envelope_of_lines(texts: list[str]) -> str:
    return '{\n  "customers": [\n    ' + ",\n    ".join(texts) + '\n  ],\n  "next_cursor": null\n}\n'


SHAPES = (
    as_lines,
    as_windows_lines,
    as_list,
    as_list_of_lines,
    as_indented_list,
    as_envelope,
    as_envelope_of_lines,
)
#: The shapes in which each record has a line of its own.
LINE_SHAPES = (as_lines, as_windows_lines, as_list_of_lines, as_indented_list, as_envelope_of_lines)


def spelled(document: object, indent: int | None = None) -> str:
    return json.dumps(document, ensure_ascii=False, indent=indent)
