"""Split a stream of bytes into records, keeping only one record in memory.

A stream is a sequence of JSON values with white space between them: lists of records, envelopes around such a
list, or records. The decoder finds the end of a valid record, `boundaries.BrokenRecordScan` the end of a
broken one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from typing import Any, BinaryIO, NamedTuple

from customers.ingest.reader.boundaries import LONGEST_SPACE, BrokenRecordScan, NextLineScan
from customers.ingest.reader.inputs import Unreadable, Window
from customers.ingest.reader.records import BadRecord, Record, is_error_line, judged
from customers.ingest.reader.strict import SPACE, Decoder, printable, skip_space

#: The keys under which an envelope has its list of records.
LIST_NAMES = frozenset({"data", "list", "customers", "results", "items", "records"})
#: Keys of a customer document or a usage record; an object that has one before a list is not an envelope.
DOCUMENT_KEYS = frozenset({"id", "name", "email", "company", "customer"})
#: The longest record that is read, in characters (each is at least a byte).
RECORD_LIMIT = 32 * 1024 * 1024

_EXCERPT = 1000
#: Characters that are fetched beyond the limit, to look ahead.
_MARGIN = 4 * LONGEST_SPACE
#: At the end of a window, `1` may be the beginning of `1e+5`: the decoder would not include an incomplete exponent.
_LOOK_AHEAD = len("e+")
_LINE_SPACE = " \t\r"
_AFTER_RECORD = ("\n", "{", "[", "")
_AFTER_ITEM = (",", "]", "")
_DOCUMENT_HEAD = re.compile(rf'\{{[ \t\n\r]*+"(?:{"|".join(sorted(DOCUMENT_KEYS))})"')
#: An error here may be due only to the end of the window: an unclosed string, or the last few characters.
_CUT_OFF = re.compile(r'(?:"(?:[^"\\\x00-\x1f]++|\\.)*+\\?|[^"\n]{0,9})\Z', re.DOTALL)

_EMPTY = "The file is empty. Write JSON records into it, as a list, in an envelope, or one on each line."
_ENDS_IN_RECORD = "The file ends in the middle of a record. Fetch the file again, or complete the record."
_ENDS_IN_LIST = "The file ends before its list of records is closed. Fetch the file again, because records may be missing."
_ENDS_IN_ENVELOPE = "The file ends before the object around the list is closed. Fetch the file again."
_BROKEN_ENVELOPE = (
    "The object around the list of records is broken here. Only the records before this place were read."
)
_NO_COMMA = "A comma is missing between this record and the next."
_NO_RECORD = "Remove this comma. It isn't between two records."
_NOT_CLOSED = "It isn't closed before the end of the file, so everything that follows counts as part of it."
_TOO_LARGE = (
    "The record is longer than {:,} characters. Make it smaller. Only its beginning is kept here. "
    "If it is a list of records, its key must be one of {}."
)


def read_records(
    stream: BinaryIO, limit: int = RECORD_LIMIT, envelope: dict[str, object] | None = None
) -> Iterator[Record | BadRecord]:
    """Yield every record of `stream` in order, numbered from 1, valid ones and bad ones.

    A list holds records. An object is an envelope if one of the `LIST_NAMES` in it has a list and no
    `DOCUMENT_KEYS` come before that; all other keys of an envelope (`has_more`, `next_cursor`, `total`) are
    skipped, and put into `envelope` if that is given. Any other object is a record, and a line of an errors file stands for the record in it. Several
    lists, envelopes and records may follow one another, with or without line breaks. A value that is not an
    object is a bad record.

    A bad record does not affect the ones around it if brackets and quotes, line breaks or indentation show
    where it ends. A file that breaks off ends with a bad record that says so. A record of more than `limit`
    characters is a bad one, and only its beginning is kept.

    Nothing is read before the first record is requested. Raises `Unreadable` if the stream is empty, is
    UTF-16, or cannot be read to its end.
    """
    yield from _Splitter(
        Window(stream, limit + _MARGIN), limit, {} if envelope is None else envelope
    ).records()


class _Broken(Exception):
    """There is no valid JSON at the window's place; the decoder stopped `error` characters after it."""

    def __init__(self, error: int, is_cut_off: bool) -> None:
        super().__init__(error)
        self.error = error
        self.is_cut_off = is_cut_off


class _ScannedText(NamedTuple):
    text: str
    too_large: bool
    ended: bool


class _Splitter:
    def __init__(self, window: Window, limit: int, envelope: dict[str, object]) -> None:
        self._window = window
        self._limit = limit
        self._envelope_keys = envelope
        self._decoder = Decoder()
        self._number = 0
        # The indentation of the current place; None if there is other text before it on the line.
        self._indent: str | None = ""
        self._ended_in_record = False

    def records(self) -> Iterator[Record | BadRecord]:
        first = self._skip()
        if not first:
            raise Unreadable(_EMPTY)
        while first:
            if first == "[":
                self._take(1)
                yield from self._list()
            elif first != "{":
                yield self._stray()
            elif self._is_envelope():
                yield from self._envelope()
            else:
                yield self._object()
            first = self._skip()

    def _object(self) -> Record | BadRecord:
        """Read the record that begins here, outside a list."""
        try:
            value, end = self._decode(0)
        except _Broken as broken:
            return self._broken(broken, in_list=False)
        following, _ = self._next(end, _LINE_SPACE)
        return self._record(value, end) if following in _AFTER_RECORD else self._stray()

    def _list(self) -> Generator[Record | BadRecord, None, bool]:
        """Read the rest of a list after its opening bracket; return whether it is closed."""
        after_record = after_comma = False
        while True:
            first = self._skip()
            if not first:
                if not self._ended_in_record:
                    yield self._judged("", _ENDS_IN_LIST)
                return False
            if (first == "," and not after_record) or (first == "]" and after_comma):
                yield self._judged(",", _NO_RECORD)
            after_record = first not in ",]"
            after_comma = first == ","
            if after_record:
                yield self._item()
            else:
                self._take(1)
            if first == "]":
                return True

    def _item(self) -> Record | BadRecord:
        """Read the record that begins here, in a list."""
        try:
            value, end = self._decode(0)
        except _Broken as broken:
            return self._broken(broken, in_list=True)
        following, _ = self._next(end, SPACE)
        if following in _AFTER_ITEM:
            return self._record(value, end)
        if following == "{":
            return self._judged(self._take(end), _NO_COMMA)
        return self._broken(_Broken(end, is_cut_off=False), in_list=True)

    def _is_envelope(self) -> bool:
        """Whether the object that begins here is an envelope; reads ahead as far as needed to decide."""
        if _DOCUMENT_HEAD.match(self._window.text, self._window.at):
            return False
        here = 1
        try:
            while True:
                quote, here = self._next(here, SPACE)
                if quote != '"':
                    return False
                key, here = self._decode(here)
                colon, here = self._next(here, SPACE)
                bracket, here = self._next(here + 1, SPACE)
                if colon != ":" or key in DOCUMENT_KEYS:
                    return False
                if bracket == "[" and key in LIST_NAMES:
                    return True
                _, here = self._decode(here)
                comma, here = self._next(here, SPACE)
                if comma != ",":
                    return False
                here += 1
        except _Broken:
            return False

    def _envelope(self) -> Iterator[Record | BadRecord]:
        """Read the envelope that begins here, and the records in its lists."""
        self._take(1)
        try:
            while True:
                if self._skip() != '"':
                    raise _Broken(0, is_cut_off=False)
                key, end = self._decode(0)
                self._take(end)
                self._expect(":")
                if self._skip() == "[" and key in LIST_NAMES:
                    self._take(1)
                    if not (yield from self._list()):
                        return
                else:
                    self._envelope_keys[key], end = self._decode(0)
                    self._take(end)
                if self._expect(",}") == "}":
                    return
        except _Broken:
            yield self._stray(_BROKEN_ENVELOPE if self._skip() else _ENDS_IN_ENVELOPE)

    def _record(self, value: Any, end: int) -> Record | BadRecord:
        """Take the decoded record, which ends at `end`."""
        text = self._take(end)
        if end > self._limit:
            return self._too_large(text)
        self._number += 1
        if type(value) is dict and self._decoder.is_clean(text, value) and not is_error_line(value):
            return Record(self._number, text, value)
        return judged(self._number, text)

    def _broken(self, broken: _Broken, in_list: bool) -> Record | BadRecord:
        """Take the broken record that begins here."""
        scanned = self._scanned(BrokenRecordScan(self._window, broken.error, self._indent, in_list))
        self._ended_in_record = scanned.ended
        if scanned.too_large:
            return self._too_large(scanned.text)
        text = scanned.text.rstrip(SPACE)
        if in_list:
            text = text.removesuffix(",")
        if scanned.ended and broken.is_cut_off:
            return self._judged(text, _ENDS_IN_RECORD)
        return self._judged(text, note=_NOT_CLOSED if scanned.ended else "")

    def _stray(self, problem: str = "") -> Record | BadRecord:
        """Take text that is not a record, up to the next line that may begin one; report it as a bad record."""
        scanned = self._scanned(NextLineScan(self._window))
        if scanned.too_large:
            return self._too_large(scanned.text)
        return self._judged(scanned.text.rstrip(SPACE), problem)

    def _scanned(self, scan: BrokenRecordScan | NextLineScan) -> _ScannedText:
        """Take the text up to the end that `scan` finds; only the beginning of it if it is too large."""
        window = self._window
        beginning = ""
        ended = False
        while not scan.step(window):
            if window.more():
                continue
            if window.ended:
                ended = True
                scan.place = window.before + len(window.text)
                break
            beginning = beginning or window.text[window.at : window.at + _EXCERPT]
            window.at = max(window.at, scan.place - window.before - _MARGIN // 2)
        text = window.text[window.at : scan.place - window.before]
        window.at = scan.place - window.before
        if beginning or len(text) > self._limit:
            return _ScannedText((beginning or text)[:_EXCERPT], True, ended)
        return _ScannedText(text, False, ended)

    def _too_large(self, text: str) -> BadRecord:
        self._number += 1
        reason = _TOO_LARGE.format(self._limit, ", ".join(sorted(LIST_NAMES)))
        return BadRecord(self._number, "$", reason, printable(text[:_EXCERPT]))

    def _judged(self, text: str, problem: str = "", note: str = "") -> Record | BadRecord:
        self._number += 1
        return judged(self._number, text, problem, note)

    def _decode(self, here: int) -> tuple[Any, int]:
        """The value that begins `here` characters after the place, and where it ends. Fetches more text if needed."""
        window = self._window
        while True:
            try:
                value, end = self._decoder.decode(window.text, window.at + here)
            except json.JSONDecodeError as problem:
                is_cut_off = _CUT_OFF.match(window.text, problem.pos) is not None
                if not (is_cut_off and window.more()):
                    raise _Broken(problem.pos - window.at, is_cut_off) from None
            except RecursionError:
                raise _Broken(here, is_cut_off=False) from None
            else:
                if end + _LOOK_AHEAD < len(window.text) or not window.more():
                    return value, end - window.at

    def _next(self, here: int, space: str) -> tuple[str, int]:
        """The next character at or after `here` that is not in `space`, and its place; "" at the end."""
        window = self._window
        while True:
            character = window.text[window.at + here : window.at + here + 1]
            if character:
                if character not in space:
                    return character, here
                here += 1
            elif not window.more():
                return "", here

    def _skip(self) -> str:
        """Skip white space; return the next character, or "" at the end."""
        window = self._window
        while True:
            start = window.at
            window.at = skip_space(window.text, start)
            _, line_break, tail = window.text[start : window.at].rpartition("\n")
            if line_break:
                self._indent = tail
            elif self._indent is not None:
                self._indent += tail
            if self._indent and len(self._indent) > LONGEST_SPACE:
                self._indent = None
            if window.at < len(window.text):
                return window.text[window.at]
            if not window.more():
                return ""

    def _take(self, end: int) -> str:
        """Take the text up to `end`."""
        window = self._window
        text = window.text[window.at : window.at + end]
        window.at += end
        self._indent = None
        return text

    def _expect(self, characters: str) -> str:
        """Skip white space, then take one of `characters`; raise `_Broken` for any other."""
        character = self._skip()
        if not character or character not in characters:
            raise _Broken(0, is_cut_off=False)
        return self._take(1)
