"""Split a stream of bytes into records, keeping only one record in memory.

A stream is a sequence of JSON values with white space between them: lists of records, envelopes around such a
list, or records themselves. The decoder finds where a sound record ends. Where one is broken,
`boundaries.BrokenRecordScan` finds where the next begins.
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

#: The names under which an envelope holds its list of records.
LIST_NAMES = frozenset({"data", "list", "customers", "results", "items", "records"})
#: Keys that distinguish a document of a customer, or a usage record, from an envelope.
DOCUMENT_KEYS = frozenset({"id", "name", "email", "company", "customer"})
#: The longest record that is read, in characters (each is at least a byte).
RECORD_LIMIT = 32 * 1024 * 1024

_EXCERPT = 1000
#: Characters that are fetched above the limit, to look ahead.
_MARGIN = 4 * LONGEST_SPACE
#: A number may go on after a sign of its exponent, which the decoder does not take for a part of it before.
_LOOK_AHEAD = len("e+")
_LINE_SPACE = " \t\r"
_AFTER_RECORD = ("\n", "{", "[", "")
_AFTER_ITEM = (",", "]", "")
_DOCUMENT_HEAD = re.compile(rf'\{{[ \t\n\r]*+"(?:{"|".join(sorted(DOCUMENT_KEYS))})"')
#: What may be whole only because the window of text ends there: an unclosed string, or a few characters.
_CUT_OFF = re.compile(r'(?:"(?:[^"\\\x00-\x1f]++|\\.)*+\\?|[^"\n]{0,9})\Z', re.DOTALL)

_EMPTY = "The file is empty: expected JSON records, as a list, in an envelope, or one on each line."
_ENDS_IN_RECORD = "The file ends in the middle of a record: fetch it again, or complete the record."
_ENDS_IN_LIST = "The file ends before its list of records is closed: fetch it again, records may be missing."
_ENDS_IN_ENVELOPE = "The file ends before the object around the list is closed: fetch it again."
_BROKEN_ENVELOPE = (
    "The object around the list of records is broken here: the records before this place were read."
)
_NO_COMMA = "A comma is missing between this record and the next."
_NO_RECORD = "There is a comma without a record: remove it."
_NOT_CLOSED = "It is not closed before the file ends, so all that follows it in the file is part of it."
_TOO_LARGE = (
    "The record is longer than {:,} characters, only its beginning is kept here: make it smaller. "
    "A list of records is taken as such under one of the names {}."
)


def read_records(stream: BinaryIO, limit: int = RECORD_LIMIT) -> Iterator[Record | BadRecord]:
    """Yield every record of `stream` in its order, numbered from 1, the good ones and the bad.

    The shape is told by content. A list holds records. An object is an envelope if one of its `LIST_NAMES`
    holds a list and comes before any of the `DOCUMENT_KEYS`; whatever else is in an envelope (`has_more`,
    `next_cursor`, `total`), before the list or after, is passed over. Any other object is a record, and a
    line of an errors file is the record inside it. Several of these may follow one another, on lines of
    their own or not; an empty list holds no record. A record that is no object is a bad one.

    A bad record never costs a good one where the two can be told apart: by brackets and quotes, by lines, and
    by the indentation at which records begin. A file that breaks off ends with a bad record that says so, and
    a record of more than `limit` characters is a bad one of which only the beginning is kept.

    Reading begins with the first record asked for. Raises `Unreadable` if the stream is empty, is UTF-16, or
    cannot be read to its end.
    """
    yield from _Splitter(Window(stream, limit + _MARGIN), limit).records()


class _Broken(Exception):
    """What begins at the window's place is not JSON; `error` says how far from there the decoder came."""

    def __init__(self, error: int, is_cut_off: bool) -> None:
        super().__init__(error)
        self.error = error
        self.is_cut_off = is_cut_off


class _ScannedText(NamedTuple):
    text: str
    too_large: bool
    ended: bool


class _Splitter:
    def __init__(self, window: Window, limit: int) -> None:
        self._window = window
        self._limit = limit
        self._decoder = Decoder()
        self._number = 0
        # The white space before the place on its own line; None if something else stands there too.
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
        """Read the list whose bracket was read; return whether it is closed."""
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
        """Whether the object that begins here is an envelope; reads ahead as far as that takes."""
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
                    _, end = self._decode(0)
                    self._take(end)
                if self._expect(",}") == "}":
                    return
        except _Broken:
            yield self._stray(_BROKEN_ENVELOPE if self._skip() else _ENDS_IN_ENVELOPE)

    def _record(self, value: Any, end: int) -> Record | BadRecord:
        """Take the record that was decoded up to `end`."""
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
        """Take what begins here and is no record, up to the next line that may begin one."""
        scanned = self._scanned(NextLineScan(self._window))
        if scanned.too_large:
            return self._too_large(scanned.text)
        return self._judged(scanned.text.rstrip(SPACE), problem)

    def _scanned(self, scan: BrokenRecordScan | NextLineScan) -> _ScannedText:
        """Take the text that `scan` goes over; of one that is too large, keep only the beginning."""
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
        """The value `here` characters from the place, and where it ends; fetches what that takes."""
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
        """The first character at or after `here` that is no `space`, or "" at the end, and where it is."""
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
        """Take white space; return the character after it, or "" at the end."""
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
        """Take white space and the one of `characters` that must follow."""
        character = self._skip()
        if not character or character not in characters:
            raise _Broken(0, is_cut_off=False)
        return self._take(1)
