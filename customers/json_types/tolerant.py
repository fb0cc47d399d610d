"""Read a document so that a value that can't be read costs its field, not the document.

A document that msgspec accepts is not looked at again. In any other one, each value that doesn't fit its field is
replaced: by what it certainly means, else by nothing, each with a remark. What is required and has no default takes
its object along: an item is left out of its list, a nested object is left empty. `JsonDocument` has the exceptions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, inspect

from customers.json_types.certain import read_certainly
from customers.json_types.documents import JsonDocument, parse
from customers.json_types.problems import alternatives, check, missing_key, too_long
from customers.json_types.refusals import Refused, Remark, RemarkKind, within
from customers.json_types.scalars import EpochMs, from_json, json_name, to_iso

D = TypeVar("D", bound=JsonDocument)

_SHOWN_LENGTH = 60
_INDEX = re.compile(r"\[(\d+)\]")
_CONTAINERS = (inspect.StructType, inspect.ListType, inspect.DictType)
_NAMES = {"array": "A list", "object": "An object", "null": "null", "bool": "true or false"}


@dataclass(frozen=True, slots=True)
class Reading(Generic[D]):
    """A document that was read, with a remark on each value that was not taken as it came.

    `left_out` has the paths of the items that were left out of their lists, in the received value.
    """

    document: D
    remarks: list[Remark]
    left_out: list[str]

    def with_later(self, remarks: Iterable[Remark]) -> list[Remark]:
        """The remarks of the reading, and `remarks` on the document, with the places in the received value."""
        return [*self.remarks, *(replace(each, path=self._received(each.path)) for each in remarks)]

    def _received(self, path: str) -> str:
        for item in self.left_out:
            listed, _, index = item.rpartition("[")
            found = _INDEX.match(path, len(listed)) if path.startswith(listed) else None
            if found and int(found[1]) >= int(index[:-1]):
                path = f"{listed}[{int(found[1]) + 1}]{path[found.end() :]}"
        return path


def parse_tolerantly(kind: type[D], value: object) -> Reading[D]:
    """Convert a value of the strict reader to `kind`.

    Raises `Refused` only for what is no object, for a text beyond its limit, and for what `kind` can't do without.
    """
    try:
        return Reading(msgspec.convert(value, kind, dec_hook=from_json), [], [])
    except msgspec.ValidationError:
        pass
    mender = _Mender()
    if not isinstance(value, dict):
        return Reading(parse(kind, value), [], [])
    try:
        mended = mender.mend(_type_info(kind), value, "$")
    except _Unreadable as problem:
        raise Refused(problem.path, problem.reason) from None
    return Reading(parse(kind, mended), mender.remarks, mender.left_out)


def shown(value: object) -> str:
    """A received value in a sentence: a text in quotation marks, a number as it is, the type of anything else."""
    if isinstance(value, str):
        short = value if len(value) <= _SHOWN_LENGTH else value[: _SHOWN_LENGTH - 1] + "…"
        return f"“{short}”"
    if value is True or value is False:
        return str(value).lower()
    return _NAMES.get(json_name(value)) or str(value)


class _Unreadable(Exception):
    """A value that can't be read, with its place and the reason; `told` begins with the value if that says more."""

    def __init__(
        self, path: str, reason: str, told: str = "", kind: RemarkKind = RemarkKind.UNREADABLE
    ) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason
        self.told = told or reason
        self.kind = kind


@cache
def _type_info(kind: type) -> inspect.StructType:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)  # noqa: S101 - documents are structs
    return info


class _Mender:
    """Makes a copy of a value that fits its type; `remarks` says what was replaced, `left_out` which items are gone."""

    def __init__(self) -> None:
        self.remarks: list[Remark] = []
        self.left_out: list[str] = []

    def mend(self, info: inspect.Type, value: Any, path: str, *, is_whole: bool = False) -> Any:
        """`value` as the type `info` needs it; raises `_Unreadable`, or `Refused` for the whole document.

        With `is_whole`, a list or object is unreadable as soon as one of its items is.
        """
        choices = list(alternatives(info))
        if value is None and _is_nullable(info):
            return None
        wanted = next(each for each in choices if not isinstance(each, inspect.NoneType))
        if value == [] and isinstance(wanted, inspect.StructType) and _is_nullable(info):
            self._remark(path, "An empty list was read as null.", RemarkKind.CONVERTED)
            return None
        if isinstance(wanted, _CONTAINERS) and (certain := read_certainly(wanted, value)) is not None:
            text = f"An empty {'object' if value == {} else 'list'} was read as an empty {'list' if value == {} else 'object'}."
            self._remark(path, text, RemarkKind.CONVERTED)
            value = certain
        if isinstance(wanted, inspect.StructType) and isinstance(value, dict):
            return self._object(wanted, value, path)
        if isinstance(wanted, inspect.ListType) and isinstance(value, list):
            return self._list(wanted, value, path, is_whole)
        if isinstance(wanted, inspect.DictType) and isinstance(value, dict):
            return self._map(wanted, value, path, is_whole)
        return self._leaf(info, wanted, value, path)

    def _leaf(self, info: inspect.Type, wanted: inspect.Type, value: Any, path: str) -> Any:
        problem = check(info, value, path)
        if problem is None:
            return value
        _refuse_too_long(wanted, value, path)
        certain = read_certainly(wanted, value)
        if certain is not None and check(info, certain, path) is None:
            read = _iso_text(wanted, certain) or shown(certain)
            self._remark(path, f"{shown(value)} was read as {read}.", RemarkKind.CONVERTED)
            return certain
        is_word = isinstance(wanted, inspect.LiteralType) and isinstance(value, str) and bool(value.strip())
        kind = RemarkKind.UNKNOWN_WORD if is_word else RemarkKind.UNREADABLE
        raise _Unreadable(problem.path, problem.reason, _told(value, problem.reason), kind)

    def _list(self, info: inspect.ListType, value: list[Any], path: str, is_whole: bool) -> list[Any]:
        items = (
            self._item(info.item_type, item, within(path, index), is_whole)
            for index, item in enumerate(value)
        )
        return [item for item in items if item is not UNSET]

    def _map(
        self, info: inspect.DictType, value: dict[str, Any], path: str, is_whole: bool
    ) -> dict[str, Any]:
        mended: dict[str, Any] = {}
        for key, item in value.items():
            at = within(path, key)
            problem = check(info.key_type, key, path)
            if problem is not None:
                _refuse_too_long(next(iter(alternatives(info.key_type))), key, path)
                self._remark(at, f"{problem.reason} The key was left out.", RemarkKind.UNREADABLE)
                continue
            mended[key] = self._item(info.value_type, item, at, is_whole)
        return {key: item for key, item in mended.items() if item is not UNSET}

    def _item(self, info: inspect.Type, item: Any, at: str, is_whole: bool) -> Any:
        """The item of a list or an object with free keys; `UNSET` if it can't be read."""
        before = len(self.remarks), len(self.left_out)
        try:
            return self.mend(info, item, at)
        except _Unreadable as problem:
            if is_whole:
                raise
            self._forget(before)
            if at.endswith("]") and not at.endswith('"]'):
                self.left_out.append(at)
            what = "It" if problem.path == at else at
            self._remark(problem.path, f"{problem.told} {what} was left out.", problem.kind)
        return UNSET

    def _object(self, info: inspect.StructType, value: dict[str, Any], path: str) -> dict[str, Any]:
        kind: Any = info.cls
        mended: dict[str, Any] = {}
        missing: dict[str, _Unreadable] = {}
        required = [field.encode_name for field in info.fields if field.required]
        is_empty = not any(field.encode_name in value for field in info.fields)
        if is_empty and (not kind.DEFAULTS.keys() >= set(required) or (required and kind.REFUSING)):
            raise _Unreadable(path, missing_key(required[0]))
        for field in info.fields:
            name = field.encode_name
            if name not in value:
                if field.required:
                    missing[name] = _Unreadable(within(path, name), missing_key(name))
                continue
            if value[name] is None and not field.required and not _is_nullable(field.type):
                self._remark(within(path, name), "null was read as absent.", RemarkKind.CONVERTED)
                continue
            before = len(self.remarks), len(self.left_out)
            needed = name in kind.NEEDED or name in kind.REFUSING
            try:
                mended[name] = self.mend(field.type, value[name], within(path, name), is_whole=needed)
            except _Unreadable as problem:
                if not field.required and _is_blank(field.type, value[name]):
                    text = "It has no values, so it counts as absent."
                    self._remark(within(path, name), text, RemarkKind.CONVERTED)
                    continue
                self._forget(before)
                if field.required:
                    missing[name] = problem
                    continue
                self._leave_empty(info, field, mended, path, problem)
        for name, reason in missing.items():
            mended[name] = self._default(kind, name, mended, reason)
        return mended

    def _leave_empty(
        self,
        info: inspect.StructType,
        field: inspect.Field,
        mended: dict[str, Any],
        path: str,
        problem: _Unreadable,
    ) -> None:
        """Leave an optional key empty. Lists and objects count as absent, because an empty one removes rows."""
        kind: Any = info.cls
        name = field.encode_name
        if name in kind.REFUSING:
            raise Refused(problem.path, problem.reason)
        if name in kind.NEEDED:
            raise problem
        choices = list(alternatives(field.type))
        if _is_nullable(field.type) and not any(isinstance(each, _CONTAINERS) for each in choices):
            mended[name] = None
        at = within(path, name)
        what = "It" if problem.path == at else at
        self._remark(problem.path, f"{problem.told} {what} was left empty.", problem.kind)

    def _default(
        self, kind: type[JsonDocument], name: str, mended: dict[str, Any], problem: _Unreadable
    ) -> Any:
        """What is taken for a required key that is missing or can't be read."""
        default = kind.DEFAULTS.get(name, UNSET)
        taken = default(mended) if callable(default) else default
        if taken is UNSET and name in kind.REFUSING:
            raise Refused(problem.path, problem.reason)
        if taken is UNSET:
            raise problem
        what = (
            "It was left empty."
            if taken == "" or isinstance(taken, list | dict)
            else f"{shown(taken)} was taken instead."
        )
        self._remark(problem.path, f"{problem.told} {what}", problem.kind)
        return taken

    def _forget(self, before: tuple[int, int]) -> None:
        """Drop what was noted inside an object that turned out to be unreadable."""
        del self.remarks[before[0] :]
        del self.left_out[before[1] :]

    def _remark(self, path: str, text: str, kind: RemarkKind) -> None:
        self.remarks.append(Remark(path, text, kind))


def _iso_text(wanted: inspect.Type, value: Any) -> str:
    """Milliseconds since the epoch as a time that a person can read; empty for another type."""
    if isinstance(wanted, inspect.CustomType) and issubclass(wanted.cls, EpochMs):
        return to_iso(from_json(wanted.cls, value))
    return ""


def _is_nullable(info: inspect.Type) -> bool:
    return any(isinstance(each, inspect.NoneType | inspect.AnyType) for each in alternatives(info))


def _told(value: Any, reason: str) -> str:
    if isinstance(value, str) and not value.strip():
        return f"The text is empty. {reason}"
    if isinstance(value, str | int) and not isinstance(value, bool) and not reason.startswith("'"):
        return f"{shown(value)} can't be read. {reason}"
    return reason


def _refuse_too_long(wanted: inspect.Type, value: Any, path: str) -> None:
    """A text beyond its limit is refused, not cut or left out: sizes are limits of the record."""
    most = wanted.max_length if isinstance(wanted, inspect.StrType) else None
    if most is not None and isinstance(value, str) and len(value) > most:
        raise Refused(path, too_long(len(value), most))


def _is_blank(info: inspect.Type, value: Any) -> bool:
    """Whether `value` is an object in which every key that its type has is null."""
    struct = next((each for each in alternatives(info) if isinstance(each, inspect.StructType)), None)
    if struct is None or not isinstance(value, dict) or not value:
        return False
    return all(value.get(field.encode_name) is None for field in struct.fields)
