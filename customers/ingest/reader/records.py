"""One record: its text judged, and its line in an errors file if it was refused.

The writer and the reader of that line stand side by side, because a written line must be readable once its document is
corrected.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import msgspec

from customers.ingest.reader.strict import SPACE, Decoder, printable, read_strict, skip_space
from customers.json_types import Refused

_DOCUMENT_LINE = frozenset({"record", "path", "reason", "document"})
_TEXT_LINE = frozenset({"record", "path", "reason", "text"})
_JSON_NAMES = {list: "a list", str: "a string", bool: "true or false", type(None): "null"}


@dataclass(frozen=True, slots=True)
class Record:
    """A record that was read: its place among all records (from 1), its own text as received, its value.

    `value` is a dict of plain Python values, as `read_value` makes them.
    """

    number: int
    text: str
    value: object


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that was refused, with the JSON path of the problem and the reason in a sentence.

    `text` is the record's own text as received; bytes that are not UTF-8 are replaced in it, and of a record
    that is too large it is only the beginning.
    """

    number: int
    path: str
    reason: str
    text: str


def judged(number: int, text: str, problem: str = "", note: str = "") -> Record | BadRecord:
    """The record that `text` holds, or what is wrong with it.

    `text` may also be a line of an errors file; then the record is the document in it. A given `problem` refuses the
    record whatever its text is; a `note` is added to a reason that is found here.
    """
    text = _unwrapped(text)
    try:
        value = read_strict(text)
    except Refused as refused:
        reason = problem or (f"{refused.reason} {note}" if note else refused.reason)
        return BadRecord(number, "$" if problem else refused.path, reason, printable(text))
    if not problem and not isinstance(value, dict):
        problem = f"A record must be a JSON object, but this is {_JSON_NAMES.get(type(value), 'a number')}."
    if problem:
        return BadRecord(number, "$", problem, text)
    return Record(number, text, value)


def error_line(bad: BadRecord) -> bytes:
    """`bad` as one line of an errors file, newline included; `read_records` reads it as the record itself.

    `document` holds the record as it was received, on one line, so that it can be corrected in place; `text` holds
    it as a string if it is not strict JSON.
    """
    head = msgspec.json.encode({"record": bad.number, "path": bad.path, "reason": bad.reason})
    text = printable(bad.text)
    try:
        read_strict(text)
    except Refused:
        key, value = b"text", msgspec.json.encode(text)
    else:
        key, value = b"document", text.strip(SPACE).replace("\r", " ").replace("\n", " ").encode()
    return b'%s,"%s":%s}\n' % (head[:-1], key, value)


def is_error_line(value: object) -> bool:
    """Whether a value that was read has the four keys of a line of an errors file."""
    return isinstance(value, dict) and len(value) == 4 and value.keys() in (_DOCUMENT_LINE, _TEXT_LINE)


def _unwrapped(text: str) -> str:
    """The text of the record in a line of an errors file; any other text as it is."""
    decoder = Decoder()
    while True:
        try:
            value, end = decoder.decode(text, skip_space(text, 0))
        except (json.JSONDecodeError, RecursionError):
            return text
        if not is_error_line(value) or skip_space(text, end) != len(text):
            return text
        spans = _member_spans(decoder, text)
        if len(spans) != len(value):
            return text
        if "document" in value:
            text = spans["document"]
        elif isinstance(value["text"], str):
            text = value["text"]
        else:
            return text


def _member_spans(decoder: Decoder, text: str) -> dict[str, str]:
    """The own text of each member's value in an object that was decoded already; nothing if a key repeats."""
    spans: dict[str, str] = {}
    at = text.index("{")
    while text[at] != "}":
        key, at = decoder.decode(text, skip_space(text, at + 1))
        start = skip_space(text, skip_space(text, at) + 1)
        _, end = decoder.decode(text, start)
        if key in spans:
            return {}
        spans[key] = text[start:end]
        at = skip_space(text, end)
    return spans
