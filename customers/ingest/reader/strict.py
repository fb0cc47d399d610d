"""Parse one JSON text into plain Python values, strictly.

A text is first decoded by the standard library, with hooks that note problems and continue. Only a text with
a problem, or one that is not JSON, is read a second time by `_CarefulReader`, which is slow but knows the
place of the first problem.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from customers.json_types import Refused

#: The most levels of nested objects and lists, including the outermost.
MAX_DEPTH = 64
#: A number with more characters is refused without being parsed.
LONGEST_NUMBER = 400
#: With a larger exponent no number fits a double, however many digits it has.
_LARGEST_EXPONENT = LONGEST_NUMBER + 400

SPACE = " \t\n\r"
BYTE_ORDER_MARK = "\ufeff"
#: This error handler decodes bytes that are not UTF-8 as surrogates.
KEEP_BAD_BYTES = "surrogateescape"

NOT_UTF8 = "These bytes are not UTF-8. Save the file as UTF-8 and try again."
NOT_UTF16 = "This is UTF-16 or UTF-32. Save the file as UTF-8 and try again."
_WIDE_STARTS = (
    *(bytes((first, 0)) for first in b'{[" \t\r\n'),
    *(bytes((0, first)) for first in b'{[" \t\r\n'),
    b"\xff\xfe",
    b"\xfe\xff",
    b"\x00\x00\xfe\xff",
    b"\x00\x00\x00",
)

_SPACE = re.compile(r"[ \t\n\r]*+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(\.[0-9]++)?([eE][+-]?[0-9]++)?")
_WORD = re.compile(r"-?[A-Za-z]++")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+')
_SUSPECT_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_SURROGATE = re.compile("[\ud800-\udfff]")
_REFUSED_TEXT = re.compile("[\x00\ud800-\udfff]")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_WORDS = {"true": True, "false": False, "null": None}
_NO_NUMBERS = frozenset({"NaN", "Infinity", "-Infinity"})
_LONGEST_QUOTE = 40


def read_value(text: str | bytes) -> object:
    """The one JSON value in `text`: dict, list, str, bool, None, int, or Decimal.

    A number with a fraction or an exponent is a Decimal, any other an int. A byte order mark at the start is
    dropped. Raises `Refused` with the place of the first problem: invalid JSON; NaN or an infinity; a
    repeated key; half a surrogate pair, NUL or a control character in a string; an integer beyond 64 bits; a
    number that fits no double; more than `MAX_DEPTH` levels; bytes that are not UTF-8.
    """
    if isinstance(text, bytes):
        if is_wide(text):
            raise Refused("$", NOT_UTF16)
        text = text.decode("utf-8", KEEP_BAD_BYTES)
    return read_strict(text.removeprefix(BYTE_ORDER_MARK))


def read_strict(text: str) -> object:
    """Like `read_value`, for a text in which surrogates stand for bytes that are not UTF-8."""
    decoder = Decoder()
    try:
        value, end = decoder.decode(text, skip_space(text, 0))
    except (json.JSONDecodeError, RecursionError):
        return _CarefulReader(text).read()
    if decoder.is_clean(text, value) and skip_space(text, end) == len(text):
        return value
    return _CarefulReader(text).read()


def is_wide(head: bytes) -> bool:
    """Whether a text that begins with `head` is UTF-16 or UTF-32."""
    return head.startswith(_WIDE_STARTS)


def printable(text: str) -> str:
    """`text` with a replacement character for every surrogate, so that it can be encoded."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


class Decoder:
    """The standard library's decoder; it notes what strict JSON refuses. Use one per thread."""

    def __init__(self) -> None:
        self._suspect = False
        self._decode = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_float=self._fraction,
            parse_int=self._integer,
            parse_constant=self._constant,
        ).raw_decode

    def decode(self, text: str, start: int) -> tuple[Any, int]:
        """The value that begins at `start`, and where it ends. Call `is_clean` to learn whether strict JSON allows it.

        Raises `json.JSONDecodeError` for invalid JSON, `RecursionError` for extremely deep nesting.
        """
        self._suspect = False
        return self._decode(text, start)

    def is_clean(self, text: str, value: object) -> bool:
        """Whether strict JSON allows `value`, the one that was decoded last, from `text`."""
        if self._suspect:
            return False
        if (
            text.count("{") + text.count("[") <= MAX_DEPTH
            and (text.isascii() or not _SURROGATE.search(text))
            and not ("\\u" in text and _SUSPECT_ESCAPE.search(text))
        ):
            return True
        return _is_sound(value)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            self._suspect = True
        return members

    def _integer(self, digits: str) -> int:
        if len(digits) <= 18:
            return int(digits)
        number = _integer(digits)
        if number is None:
            self._suspect = True
        return number or 0

    def _fraction(self, digits: str) -> Decimal:
        number = _fraction(digits)
        if number is None:
            self._suspect = True
            return Decimal(0)
        return number

    def _constant(self, name: str) -> None:
        self._suspect = True


def _is_sound(value: object) -> bool:
    """Whether every string in `value` is allowed, and no level is deeper than `MAX_DEPTH`."""
    level = [value]
    for depth in range(MAX_DEPTH + 1):
        below: list[object] = []
        for item in level:
            if isinstance(item, str):
                if (not item.isascii() or "\0" in item) and _REFUSED_TEXT.search(item):
                    return False
            elif isinstance(item, (dict, list)):
                if depth == MAX_DEPTH:
                    return False
                below.extend(item)
                if isinstance(item, dict):
                    below.extend(item.values())
        level = below
    return True


def _integer(digits: str) -> int | None:
    """The integer, or None if it needs more than 64 bits."""
    if len(digits) > 20:
        return None
    number = int(digits)
    return number if -(2**63) <= number < 2**63 else None


def _fraction(digits: str) -> Decimal | None:
    """The exact number, or None if it is longer than `LONGEST_NUMBER` or too large or small for a double."""
    if len(digits) > LONGEST_NUMBER:
        return None
    exponent = digits.lower().partition("e")[2]
    if exponent and (len(exponent) > 5 or abs(int(exponent)) > _LARGEST_EXPONENT):
        return None
    number = Decimal(digits)
    if len(digits) > 18 or exponent:
        double = float(digits)
        if math.isinf(double) or (number and not double):
            return None
    return number


def skip_space(text: str, at: int) -> int:
    """The place of the first character at or after `at` that is not JSON white space."""
    return end_of(_SPACE, text, at)


def end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    """The end of the match of `pattern` at `at`; `at` if there is none."""
    found = pattern.match(text, at)
    return found.end() if found else at


def _quoted(text: str) -> str:
    """`text` for a message: quoted, on one line, cut to a readable length."""
    shown = text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"
    return "'" + "".join(_escaped(character) for character in shown) + "'"


def _escaped(character: str) -> str:
    if character in "'\\":
        return "\\" + character
    return character if character.isprintable() else f"\\u{ord(character):04x}"


class _CarefulReader:
    """A plain recursive reader of one JSON text that knows its place at any time."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._path: list[str | int] = []

    def read(self) -> object:
        value = self._value("a JSON value")
        self._skip_space()
        if self._at < len(self._text):
            raise self._unexpected("nothing after the value")
        return value

    def _value(self, expected: str) -> object:
        self._skip_space()
        first = self._text[self._at : self._at + 1]
        if first == "{":
            return self._object()
        if first == "[":
            return self._list()
        if first == '"':
            return self._string("The text")
        if number := _NUMBER.match(self._text, self._at):
            return self._number(number)
        word = _WORD.match(self._text, self._at)
        if word and word[0] in _WORDS:
            self._at = word.end()
            return _WORDS[word[0]]
        if word and word[0] in _NO_NUMBERS:
            raise self._refused(f"{word[0]} is not a JSON number. Write a number or null.")
        raise self._unexpected(expected)

    def _object(self) -> dict[str, object]:
        members: dict[str, object] = {}
        for _ in self._items("}"):
            self._skip_space()
            if self._text[self._at : self._at + 1] != '"':
                raise self._unexpected("a key in double quotes")
            key = self._string("A key")
            self._skip_space()
            self._take(":", "':' after a key")
            self._path.append(key)
            if key in members:
                raise self._refused(f"The key {_quoted(key)} is given twice in one object. Keep one of them.")
            members[key] = self._value("a value")
            self._path.pop()
        return members

    def _list(self) -> list[object]:
        items: list[object] = []
        for _ in self._items("]"):
            self._path.append(len(items))
            items.append(self._value("a value"))
            self._path.pop()
        return items

    def _items(self, closing: str) -> Iterator[None]:
        """Yield at the beginning of each item of an object or list; read the brackets and commas around it."""
        if len(self._path) >= MAX_DEPTH:
            raise self._refused(
                f"The document is nested more than {MAX_DEPTH} levels deep. Use fewer levels."
            )
        self._at += 1
        self._skip_space()
        if not self._text.startswith(closing, self._at):
            yield
            self._skip_space()
            while self._text.startswith(",", self._at):
                self._at += 1
                yield
                self._skip_space()
        self._take(closing, f"',' or '{closing}'")

    def _string(self, what: str) -> str:
        end = end_of(_STRING, self._text, self._at)
        if not self._text.startswith('"', end):
            raise self._broken_string(what, end)
        token = self._text[self._at : end + 1]
        if _SURROGATE.search(token):
            raise self._refused(NOT_UTF8)
        text: str = json.loads(token)
        if "\0" in text:
            raise self._refused(f"{what} contains a NUL character (\\u0000). Remove it.")
        if half := _SURROGATE.search(text):
            code = f"\\u{ord(half[0]):04x}"
            raise self._refused(
                f"{what} contains half a surrogate pair ({code}), which is not a character. Remove it."
            )
        self._at = end + 1
        return text

    def _broken_string(self, what: str, at: int) -> Refused:
        start, self._at = self._at, at
        character = self._text[at : at + 1]
        if not character or (character == "\\" and at + 1 == len(self._text)):
            self._at = start
            return self._syntax("A string begins here and is not closed")
        if character == "\\":
            return self._syntax("A backslash is not followed by a valid JSON escape")
        if character == "\0":
            return self._refused(f"{what} contains a NUL character (\\u0000). Remove it.")
        if character == "\n":
            return self._syntax("A string is not closed before its line ends")
        return self._refused(
            f"{what} contains a control character (U+{ord(character):04X}). Remove it, or write it as an escape."
        )

    def _number(self, token: re.Match[str]) -> int | Decimal:
        is_integer = token[1] is None and token[2] is None
        number = _integer(token[0]) if is_integer else _fraction(token[0])
        if number is None:
            limit = "needs more than 64 bits" if is_integer else "is out of range"
            raise self._refused(f"The number {_quoted(token[0])[1:-1]} {limit}. Send it as a string.")
        self._at = token.end()
        return number

    def _skip_space(self) -> None:
        self._at = skip_space(self._text, self._at)

    def _take(self, character: str, expected: str) -> None:
        if not self._text.startswith(character, self._at):
            raise self._unexpected(expected)
        self._at += 1

    def _unexpected(self, expected: str) -> Refused:
        rest = self._text[self._at : self._at + _LONGEST_QUOTE]
        if not rest:
            if not self._text.strip(SPACE):
                return self._syntax(f"The text is empty. Expected {expected}")
            return self._syntax(f"The text ends in the middle. Expected {expected}")
        if _SURROGATE.match(rest):
            return self._refused(NOT_UTF8)
        if rest[0] in "/#":
            return self._syntax("JSON has no comments. Remove them")
        word = _WORD.match(rest)
        return self._syntax(f"Expected {expected}, but found {_quoted(word[0] if word else rest[0])}")

    def _syntax(self, problem: str) -> Refused:
        line = self._text.count("\n", 0, self._at) + 1
        column = self._at - self._text.rfind("\n", 0, self._at)
        return Refused("$", f"{problem} (line {line}, column {column}).")

    def _refused(self, reason: str) -> Refused:
        return Refused("$" + "".join(map(_step, self._path)), reason)


def _step(part: str | int) -> str:
    """One step of a JSON path: `.name`, `[3]`, `['odd key']`."""
    if isinstance(part, int):
        return f"[{part}]"
    if len(part) <= _LONGEST_QUOTE and _IDENTIFIER.match(part):
        return f".{part}"
    return f"[{_quoted(part)}]"
