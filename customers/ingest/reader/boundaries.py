"""Find where a broken record ends and where the next one may begin."""

from __future__ import annotations

import json
import re
from typing import NamedTuple, Self

from customers.ingest.reader.inputs import Window
from customers.ingest.reader.strict import SPACE, Decoder, end_of

#: The scan looks past white space of at most this length.
LONGEST_SPACE = 1000
#: Down to this depth the scan remembers the kind of each open bracket; deeper ones are only counted. Records that
#: deep are refused anyway.
_TOLD_APART = 256


class _SkipPatterns(NamedTuple):
    """What the scan skips: the rest of a string, text inside brackets, text between the records of a list."""

    string: re.Pattern[str]
    inside: re.Pattern[str]
    between: re.Pattern[str]

    @classmethod
    def make(cls, line_break: str, flags: re.RegexFlag) -> Self:
        rest = rf'(?:[^"\\{line_break}]++|\\.)*+'
        string = rf'"{rest}(?:"|(?=\\?\n))'
        return cls(
            re.compile(rest, flags),
            re.compile(rf'(?:[^"{{}}\[\]]++|{string})*+', flags),
            re.compile(rf'(?:[^"{{}}\[\],]++|{string})*+', flags),
        )


_STRINGS_END_WITH_LINES = _SkipPatterns.make(r"\n", re.NOFLAG)
_STRINGS_SPAN_LINES = _SkipPatterns.make("", re.DOTALL)
_COMMA = re.compile(rf",[ \t\n\r]{{0,{LONGEST_SPACE}}}+")
_LINE_END = re.compile(r"[ \t\r]*+(?:\n|\Z)")
_ITEM_LINE_END = re.compile(r"[ \t\r]*+,?[ \t\r]*+(?:\n|\Z)")
_NEXT_LINE = re.compile(r"\n(?=[{\[])")


class NextLineScan:
    """Finds the line break before the next line that begins with `{` or `[`."""

    def __init__(self, window: Window) -> None:
        self.place = window.before + window.at

    def step(self, window: Window) -> bool:
        """Scan to the end of the window. True if the line break is found; `place` is then its position."""
        line = _NEXT_LINE.search(window.text, self.place - window.before)
        if line:
            self.place = window.before + line.start()
        else:
            self.place = window.before + len(window.text) - window.text.endswith("\n")
        return line is not None


class BrokenRecordScan:
    """Finds the end of a broken record, which is the first of these places:

    - Where all its brackets are closed. In a list, that is before a comma and `{`, or before the list's `]`.
    - Before a line that begins with `{` at the record's own indentation, if the decoder did not get past that
      line. An earlier such line counts only if it is a whole record (with its comma, in a list), because
      `"key":` at the end of a cut-off record would take the record on the next line as its value.
    - In a list, before a comma and `{` where the decoder expected a key: a closing bracket is missing.

    If records begin at the start of lines, a string ends at the end of its line, because JSON strings have no
    line breaks. A closing bracket without an open one is ignored; one that matches an outer bracket closes
    the inner ones too.
    """

    def __init__(self, window: Window, error: int, indent: str | None, in_list: bool) -> None:
        """The decoder stopped `error` characters after the window's place. `indent` is None if records don't begin lines."""
        self.place = window.before + window.at
        self._begin = self.place
        self._error = self.place + error
        self._line_head = None if indent is None else "\n" + indent
        self._patterns = _STRINGS_SPAN_LINES if indent is None else _STRINGS_END_WITH_LINES
        self._in_list = in_list
        self._open: list[str] = []
        self._deeper = 0
        self._in_string = False

    def step(self, window: Window) -> bool:
        """Scan to the end of the window. True if the end of the record is found; `place` is then its position."""
        text = window.text
        at = self.place - window.before
        end = None
        while end is None:
            at = self._skip(text, at)
            character = text[at : at + 1]
            if character == "{":
                end = self._before_next_record(window, at)
                self._opens(character)
            elif character == "[":
                self._opens(character)
            elif character == "}" or character == "]":
                end = self._after_closing(character, at)
            elif character == ",":
                following = end_of(_COMMA, text, at)
                if following == len(text):
                    break
                end = at if text[following] == "{" else None
            else:
                break
            at += 1
        self.place = window.before + (at if end is None else end)
        return end is not None

    def _skip(self, text: str, at: int) -> int:
        """Skip to the next bracket, between records also to the next comma, or to the end of the window."""
        if self._in_string:
            at = end_of(self._patterns.string, text, at)
            if at + text.startswith("\\", at) >= len(text):
                return at
            at += text.startswith('"', at)
            self._in_string = False
        at = end_of(
            self._patterns.inside if self._open or not self._in_list else self._patterns.between, text, at
        )
        if text.startswith('"', at):
            self._in_string = True
            at = end_of(self._patterns.string, text, at + 1)
        return at

    def _after_closing(self, character: str, at: int) -> int | None:
        """Close a bracket. Returns the end of the broken record, or None if the record continues."""
        if self._in_list and not self._open:
            return at if character == "]" else None
        self._closes("{" if character == "}" else "[")
        return None if self._open or self._in_list else at + 1

    def _opens(self, bracket: str) -> None:
        if len(self._open) < _TOLD_APART:
            self._open.append(bracket)
        else:
            self._deeper += 1

    def _closes(self, bracket: str) -> None:
        if self._deeper:
            self._deeper -= 1
        elif bracket in self._open:
            while self._open.pop() != bracket:
                pass

    def _before_next_record(self, window: Window, at: int) -> int | None:
        """The end of the broken record if the `{` at `at` begins the next one, else None."""
        text = window.text
        begin = max(self._begin - window.before, 0)
        error = self._error - window.before
        head = self._line_head
        if head is not None and at - len(head) >= begin and text.startswith(head, at - len(head)):
            is_at_error = text.find("\n", at, error) < 0
            if is_at_error or _is_line(text, at, _ITEM_LINE_END if self._in_list else _LINE_END):
                return at - len(head)
        if self._in_list and at == error and "[" not in self._open:
            before = text[begin:at].rstrip(SPACE)
            if before.endswith(","):
                return begin + len(before) - 1
        return None


def _is_line(text: str, at: int, line_end: re.Pattern[str]) -> bool:
    """Whether a whole JSON value begins at `at` and is followed by `line_end`."""
    try:
        _, end = Decoder().decode(text, at)
    except (json.JSONDecodeError, RecursionError):
        return False
    return line_end.match(text, end) is not None
