"""One record: parse its text, or report what is wrong; and write a refused record to an errors file.

Writing and reading such a line are in one module, because a line must be readable again once its document is
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
    """A record that was read: its number in the input (from 1), its text as received, and its value.

    `value` is a dict of plain Python values, as `read_value` returns them.
    """

    number: int
    text: str
    value: object


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that was refused, with the JSON path of the problem and the reason in a sentence.

    `text` is the record's text as received, with bytes that are not UTF-8 replaced. It is cut off if the
    record is too large.
    """

    number: int
    path: str
    reason: str
    text: str


def judged(number: int, text: str, problem: str = "", note: str = "") -> Record | BadRecord:
    """Parse the record in `text`, or say what is wrong with it.

    In a line of an errors file, the record is the document in that line. With a `problem`, the record is
    refused for that reason whatever its text is; a `note` is added to a reason that is found here.
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
    """`bad` as one line of an errors file, with the line break; `read_records` reads it as the record itself.

    `document` holds the record as it was received, on one line, so that it can be corrected there. If the
    record is not strict JSON, `text` holds it as a string instead.
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
    """Whether a value has exactly the four keys of a line of an errors file."""
    return isinstance(value, dict) and len(value) == 4 and value.keys() in (_DOCUMENT_LINE, _TEXT_LINE)


def _unwrapped(text: str) -> str:
    """The record's text, if `text` is a line of an errors file; otherwise `text` unchanged."""
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
    """The text of each value in a decoded object, by key; empty if a key repeats."""
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
