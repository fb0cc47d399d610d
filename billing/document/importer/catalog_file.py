"""Reads a catalog file: one object with the lists `features` and `plans`, or the lines of an errors file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

from customers.ingest.reader import RECORD_LIMIT, Unreadable
from customers.ingest.reader.inputs import Window
from customers.ingest.reader.records import is_error_line
from customers.ingest.reader.strict import read_strict
from customers.json_types import Refused, Remark, within

EntryKind = Literal["feature", "plan"]

_LISTS: dict[str, EntryKind] = {"features": "feature", "plans": "plan"}
_PATH = re.compile(r"\$\.(features|plans)\[\d+\]")
_EXPECTED = 'Expected one object, {"features": [...], "plans": [...]}, with one of the lists or both.'
_TOO_LONG = f"Split the catalog into several files. A file has at most {RECORD_LIMIT:,} characters."


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A feature or a plan in the file: its number from 1, its JSON path and its value."""

    number: int
    kind: EntryKind
    path: str
    value: object


def read_catalog(stream: BinaryIO) -> tuple[list[CatalogEntry], list[Remark]]:
    """The features and plans in `stream`, and a remark on each ignored key.

    An entry of an errors file keeps the path that it had in the first file. Raises `Unreadable` if the stream is empty,
    too long, UTF-16 or truncated, and `Refused` with the path of what isn't strict JSON or not a catalog.
    """
    text = _whole(stream)
    lines = [line for line in text.split("\n") if line.strip()]
    if lines and _is_error_line(lines[0]):
        return list(_entries_of_errors_file(lines)), []
    value = read_strict(text)
    if not isinstance(value, dict) or _LISTS.keys().isdisjoint(value):
        raise Refused("$", _EXPECTED)
    remarks = [
        Remark(within("$", key), "Ignored. A catalog has features and plans.")
        for key in value
        if key not in _LISTS
    ]
    return list(_entries(value)), remarks


def _whole(stream: BinaryIO) -> str:
    window = Window(stream, RECORD_LIMIT)
    while window.more():
        pass
    if not window.ended:
        raise Unreadable(_TOO_LONG)
    if not window.text.strip():
        raise Unreadable(f"The file is empty. {_EXPECTED}")
    return window.text


def _entries(value: dict[str, Any]) -> Iterator[CatalogEntry]:
    number = 0
    for key, kind in _LISTS.items():
        listed = value.get(key, [])
        if not isinstance(listed, list):
            raise Refused(f"$.{key}", f"Expected a list of {key}, in square brackets.")
        for index, item in enumerate(listed):
            number += 1
            yield CatalogEntry(number, kind, within("$", key, index), item)


def _is_error_line(line: str) -> bool:
    try:
        return is_error_line(read_strict(line))
    except Refused:
        return False


def _entries_of_errors_file(lines: list[str]) -> Iterator[CatalogEntry]:
    for index, line in enumerate(lines, start=1):
        try:
            value: Any = read_strict(line)
        except Refused as refused:
            raise Refused(refused.path, f"Line {index}, not counting blank lines: {refused.reason}") from None
        path = _PATH.match(str(value["path"])) if _is_of_catalog(value) else None
        if path is None:
            raise Refused(
                "$",
                f"Line {index}, not counting blank lines, holds no refused feature or plan. Expected lines written by"
                " import_catalog --errors.",
            )
        yield CatalogEntry(index, _LISTS[path[1]], path[0], value["document"])


def _is_of_catalog(value: Any) -> bool:
    return is_error_line(value) and "document" in value and isinstance(value["path"], str)
