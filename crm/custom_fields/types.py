"""The types of custom fields: how a value is read, written and shown."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from crm.models import FieldDefinition
from crm.models.custom_field import SORTED_LENGTH
from customers.formats import day, number, opens_a_page, plain_text
from customers.readings.links import link

_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,30})?", re.ASCII)
#: Sources send floating-point numbers, such as 0.30000000000000004.
_DECIMALS = 10
#: So that a comparison with a bound of a filter is one of floating-point numbers without surprises.
_LARGEST = 10**15
_YES = frozenset({"yes", "true", "1"})
_NO = frozenset({"no", "false", "0"})
_LONGEST = 1000
_EXAMPLES = {
    FieldDefinition.Type.NUMBER: "Enter a number such as 500 or 99.50.",
    FieldDefinition.Type.DATE: "Enter a date such as 2026-03-31.",
    FieldDefinition.Type.YES_NO: "Enter yes or no.",
    FieldDefinition.Type.LINK: "Enter a link such as https://example.com.",
}

#: A value of a type: a text, a number, a day, or yes or no.
Typed = str | Decimal | date | bool


class BadFieldValue(ValueError):
    """A text isn't a value of the field; the message tells the user what to enter."""


@dataclass(frozen=True, slots=True)
class ShownValue:
    """The value of a field. `typed` is None if what was received, `text`, doesn't fit the type of the field."""

    field: FieldDefinition
    text: str
    typed: Typed | None

    @property
    def fits(self) -> bool:
        return self.typed is not None

    @property
    def words(self) -> str:
        """The value as pages and files show it."""
        return in_words(self.typed) if self.typed is not None else self.text

    @property
    def url(self) -> str:
        """Where a link leads."""
        is_link = self.field.type == FieldDefinition.Type.LINK and isinstance(self.typed, str)
        return self.text if is_link else ""

    @property
    def sort(self) -> str | None:
        """The text to sort by and to compare."""
        if isinstance(self.typed, bool):
            return "yes" if self.typed else "no"
        return sort_text(self.typed) if isinstance(self.typed, str) else None


def sort_text(text: str) -> str:
    """What lists sort by and filters compare of a text: its beginning, in lowercase."""
    return text.lower()[:SORTED_LENGTH]


def in_words(typed: Typed) -> str:
    """A value as pages and files show it."""
    match typed:
        case bool():
            return "Yes" if typed else "No"
        case Decimal():
            return number(typed)
        case date():
            return day(typed)
        case _:
            return typed


def read_received(field: FieldDefinition, value: Any) -> ShownValue | None:
    """The value that a source sent, as JSON; None if it is empty."""
    if value is None or value in ("", [], {}):
        return None
    if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
        text = ", ".join(_plain(each) for each in value)
        is_text = field.type == FieldDefinition.Type.TEXT
        return ShownValue(field, _cut(text), _cut(text) if is_text else None)
    if isinstance(value, list | dict):
        return ShownValue(field, _cut(json.dumps(value, ensure_ascii=False, default=str)), None)
    text = _plain(value).strip()
    if not text:
        return None
    return ShownValue(field, _cut(text), _typed(field.type, field.options, text))


def read_entered(field: FieldDefinition, text: str) -> str:
    """The text to store for what a user entered; empty for no value. Raises `BadFieldValue`."""
    text = " ".join(text.split())
    if not text:
        return ""
    if len(text) > _LONGEST:
        raise BadFieldValue(f"Enter at most {_LONGEST} characters.")
    if field.type == FieldDefinition.Type.LINK:
        text = link(text)[0]
    elif field.type == FieldDefinition.Type.NUMBER:
        text = text.replace(",", "")
    elif field.type == FieldDefinition.Type.CHOICE:
        text = _option(field.options, text) or text
    typed = _typed(field.type, field.options, text)
    if typed is None:
        options = ", ".join(field.options)
        raise BadFieldValue(_EXAMPLES.get(field.Type(field.type), f"Choose one of {options}."))
    return _stored(typed)


def _typed(kind: str, options: Sequence[str], text: str) -> Typed | None:
    """The text as a value of a type; None if it isn't one."""
    match kind:
        case FieldDefinition.Type.NUMBER:
            return _number(text) if _NUMBER.fullmatch(text) else None
        case FieldDefinition.Type.DATE:
            return _day(text)
        case FieldDefinition.Type.YES_NO:
            word = text.lower()
            return word in _YES if word in _YES | _NO else None
        case FieldDefinition.Type.CHOICE:
            return _option(options, text)
        case FieldDefinition.Type.LINK:
            return text if opens_a_page(text) and len(text) <= _LONGEST else None
        case _:
            return _cut(text)


def _number(text: str) -> Decimal:
    found = Decimal(text)
    return found if len(text.partition(".")[2]) <= _DECIMALS else round(found, _DECIMALS)


def _option(options: Sequence[str], text: str) -> str | None:
    """The option that a text means, in any letter case."""
    return next((each for each in options if each.lower() == text.lower()), None)


def _day(text: str) -> date | None:
    """The day of a date, or of a moment in UTC: values are the same for all users."""
    try:
        if len(text) == len("2026-03-31"):
            return date.fromisoformat(text) if "-" in text else None
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo is None else at.astimezone(UTC)).date()
    except (ValueError, OverflowError):
        return None


def _stored(typed: Typed) -> str:
    match typed:
        case bool():
            return "yes" if typed else "no"
        case Decimal():
            return format(typed.normalize(), "f") if typed else "0"
        case date():
            return typed.isoformat()
        case _:
            return typed


def _plain(value: Any) -> str:
    """A scalar of JSON as a text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return plain_text(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST:
        return str(int(value))
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
