"""The differences between two payloads of a record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from customers.ingest.reader import canonical, read_value
from customers.json_types import Refused, within

#: Payloads longer than this many characters are not compared.
LONGEST_TEXT = 1_000_000
#: No more differences are returned.
MOST = 300
#: Keys that identify the items of a list: the first one that all items have.
_KEYS = ("id", "obfuscated_id", "obfuscatedId", "stripe_id", "feature_id", "plan_id", "name")


class ValueChange(StrEnum):
    """How a value differs."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """A place in the payload with the value before and after; None for a side without it."""

    path: str
    change: ValueChange
    old: Any = None
    new: Any = None


@dataclass(frozen=True, slots=True)
class PayloadComparison:
    """The differences in document order; `is_cut` if there are more, `refusal` if they could not be compared."""

    differences: Sequence[Difference] = ()
    is_cut: bool = False
    refusal: str = ""


def compare_texts(old: str, new: str) -> PayloadComparison:
    """The differences between two payloads as they were received; numbers are compared as numbers."""
    if max(len(old), len(new)) > LONGEST_TEXT:
        return PayloadComparison(
            refusal=f"Payloads of more than {LONGEST_TEXT:,} characters can't be compared here."
        )
    try:
        values = read_value(old), read_value(new)
    except (Refused, ValueError):
        return PayloadComparison(refusal="One of the payloads is not valid JSON.")
    found: list[Difference] = []
    for difference in differences(*values):
        if len(found) == MOST:
            return PayloadComparison(found, is_cut=True)
        found.append(difference)
    return PayloadComparison(found)


def differences(old: Any, new: Any, path: str = "$") -> Iterator[Difference]:
    """Each value that was added, removed or changed, at the deepest level."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from _at(old, new, key, within(path, key))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _in_lists(old, new, path)
    elif canonical(old) != canonical(new):
        yield Difference(path, ValueChange.CHANGED, old, new)


def _at(old: dict[Any, Any], new: dict[Any, Any], key: Any, path: str) -> Iterator[Difference]:
    if key not in new:
        yield Difference(path, ValueChange.REMOVED, old=old[key])
    elif key not in old:
        yield Difference(path, ValueChange.ADDED, new=new[key])
    else:
        yield from differences(old[key], new[key], path)


def _in_lists(old: list[Any], new: list[Any], path: str) -> Iterator[Difference]:
    """Match items by a key that all of them have, plain values by themselves, others by their position."""
    items = [*old, *new]
    name = next((key for key in _KEYS if _tells_apart(key, old) and _tells_apart(key, new)), None)
    if items and name is not None:
        before, after = ({item[name]: item for item in each} for each in (old, new))
        for key in dict.fromkeys([*before, *after]):
            yield from _at(before, after, key, f"{path}[{name} {key}]")
        kept = [key for key in before if key in after], [key for key in after if key in before]
        if kept[0] != kept[1]:
            yield Difference(f"{path} (order)", ValueChange.CHANGED, *kept)
    elif not any(isinstance(item, dict | list) for item in items):
        before, after = ({canonical(item): item for item in each} for each in (old, new))
        if before.keys() == after.keys() and canonical(old) != canonical(new):
            yield Difference(path, ValueChange.CHANGED, old, new)
        for key in dict.fromkeys([*before, *after]):
            yield from _at(before, after, key, f"{path}[]")
    else:
        before, after = dict(enumerate(old)), dict(enumerate(new))
        for place in range(max(len(old), len(new))):
            yield from _at(before, after, place, within(path, place))


def _tells_apart(key: str, items: list[Any]) -> bool:
    keys = [item.get(key) for item in items if isinstance(item, dict)]
    return len(keys) == len(items) == len(set(map(str, keys))) and all(isinstance(each, str) for each in keys)
