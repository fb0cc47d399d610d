"""A catalog as it lies in a file: one object with the lists `features` and `plans`, or lines of an errors file."""

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
_PLACE = re.compile(r"\$\.(features|plans)\[\d+\]")
_EXPECTED = 'Expected one object, {"features": [...], "plans": [...]}, with one of the lists or both.'
_TOO_LONG = f"The catalog is longer than {RECORD_LIMIT:,} characters: split it into several files."


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A feature or a plan as it was read: its number among all (from 1), its JSON path, its value."""

    number: int
    kind: EntryKind
    place: str
    value: object


def read_catalog(stream: BinaryIO) -> tuple[list[CatalogEntry], list[Remark]]:
    """The features and plans in `stream`, and what was passed over.

    An entry of an errors file is the document in it, under the place that its path names. Raises `Unreadable` if
    the stream is empty, too long, UTF-16 or cannot be read to its end, and `Refused` with the place of what is not
    strict JSON or not a catalog.
    """
    text = _whole(stream)
    lines = [line for line in text.split("\n") if line.strip()]
    if lines and _is_error_line(lines[0]):
        return list(_mended(lines)), []
    value = read_strict(text)
    if not isinstance(value, dict) or _LISTS.keys().isdisjoint(value):
        raise Refused("$", _EXPECTED)
    remarks = [
        Remark(within("$", key), "This is passed over: a catalog has features and plans.")
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


def _mended(lines: list[str]) -> Iterator[CatalogEntry]:
    for index, line in enumerate(lines, start=1):
        try:
            value: Any = read_strict(line)
        except Refused as refused:
            raise Refused(refused.path, f"On line {index} that is not empty: {refused.reason}") from None
        place = _PLACE.match(str(value["path"])) if _is_catalogs(value) else None
        if place is None:
            raise Refused(
                "$",
                f"Line {index} that is not empty does not hold a refused feature or plan: expected lines that"
                " import_catalog --errors has written.",
            )
        yield CatalogEntry(index, _LISTS[place[1]], place[0], value["document"])


def _is_catalogs(value: Any) -> bool:
    return is_error_line(value) and "document" in value and isinstance(value["path"], str)
