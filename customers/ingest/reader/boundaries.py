"""Where a broken record ends and the next one may begin."""

from __future__ import annotations

import json
import re
from typing import NamedTuple, Self

from customers.ingest.reader.inputs import Window
from customers.ingest.reader.strict import SPACE, Decoder, end_of

#: White space longer than this is not looked through for what comes after it.
LONGEST_SPACE = 1000
#: Brackets are told apart down to this depth, far below which any record is refused; deeper ones are counted.
_TOLD_APART = 256


class _SkipPatterns(NamedTuple):
    """What a scan leaps over: the rest of a string, what is inside of brackets, what is between records."""

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
    """Walks over what is no record, to the line break before the next line that begins with `{` or `[`."""

    def __init__(self, window: Window) -> None:
        self.place = window.before + window.at

    def step(self, window: Window) -> bool:
        """BrokenRecordScan on as far as the window goes; True if the end is found, and `place` is it."""
        line = _NEXT_LINE.search(window.text, self.place - window.before)
        if line:
            self.place = window.before + line.start()
        else:
            self.place = window.before + len(window.text) - window.text.endswith("\n")
        return line is not None


class BrokenRecordScan:
    """Walks from the beginning of a broken record to its end, which is the first of these places:

    - Its brackets are balanced; in a list, a comma and a `{` or the list's own bracket follow.
    - A line begins with `{` at the record's own indentation, and the decoder came no further than that line:
      it is the next record. An earlier line will do if it is a record by itself (with its comma, in a list),
      for the line after one that was cut off before a value looks like that value.
    - The decoder stopped at a `{` after a comma in an object, where only a key can be: a closing bracket is missing.

    Where records begin lines, a string ends with its line at the latest, for JSON has no line breaks in strings.
    A bracket that closes what was never opened is passed over; one that closes an outer bracket closes the
    inner ones too.
    """

    def __init__(self, window: Window, error: int, indent: str | None, in_list: bool) -> None:
        """`error` says how far from the window's place the decoder came."""
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
        """BrokenRecordScan on as far as the window goes; True if the end is found, and `place` is it."""
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
        """Where the next bracket is, or outside of them the next comma; else the end of the window."""
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
        """Note a closing bracket; where the broken record ends if it ends here."""
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
        """Where the broken record ends if the `{` at `at` begins the next one, else None."""
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
    """Whether a whole JSON value begins at `at`, and `line_end` follows it."""
    try:
        _, end = Decoder().decode(text, at)
    except (json.JSONDecodeError, RecursionError):
        return False
    return line_end.match(text, end) is not None
