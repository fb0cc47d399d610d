"""Parameters of the query string: how a value is read and described."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from customers import clock
from customers.models import Environment

LIMIT_DEFAULT = 50
LIMIT_MOST = 200

_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)

_SHOWN = 50
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query string. `schema` is its JSON Schema.

    `read` converts the given text; its `ValueError` is the rest of a sentence that begins with the name.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    read: Callable[[str], Any] = str


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers from `least` to `most`."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
            raise ValueError(f"must be a whole number from {least} to {most}.")
        return int(text)

    return read


def one_of(allowed: Collection[str]) -> Callable[[str], str]:
    """A reader of one word of `allowed`."""

    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}.")
        return text

    return read


def chosen_among(allowed: Collection[str], names: Iterable[str]) -> frozenset[str]:
    """`names` as a set. Raises `ValueError` if one of them is not allowed."""
    chosen = frozenset(names)
    if unknown := sorted(chosen - set(allowed)):
        listed = ", ".join(repr(name[:_SHOWN]) for name in unknown[:_LISTED])
        raise ValueError(f"can't contain {listed}. Choose from {', '.join(allowed)}.")
    return chosen


def set_of(allowed: Collection[str]) -> Callable[[str], frozenset[str]]:
    """A reader of words of `allowed`, separated by commas."""
    return lambda text: chosen_among(allowed, (name.strip() for name in text.split(",")))


def instant(text: str) -> datetime:
    """Read a time in ISO 8601; without a zone it is in UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            "must be a time in ISO 8601, such as 2024-08-26T12:15:00Z (a + is written %2B here)."
        ) from None


def past_instant(text: str) -> datetime:
    """Read a time in ISO 8601 with its zone, which must not be in the future."""
    try:
        if not _INSTANT.fullmatch(text):
            raise ValueError
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            "must be a time in ISO 8601 with its zone, such as 2026-03-01T00:00:00Z (a + is written %2B here)."
        ) from None
    if moment > clock.now():
        raise ValueError("is in the future. Leave it out to see the current document.")
    return moment


def expand_parameter(expandable: Collection[str]) -> Parameter:
    """The parameter `expand`, of words of `expandable`."""
    names = sorted(expandable)
    return Parameter(
        "expand",
        f"What to include, separated by commas: {', '.join(names)}.",
        {"type": "array", "items": {"type": "string", "enum": names}, "minItems": 1},
        set_of(names),
    )


LIMIT = Parameter(
    "limit",
    "The maximum number of documents to return.",
    {"type": "integer", "minimum": 1, "maximum": LIMIT_MOST, "default": LIMIT_DEFAULT},
    whole_number(1, LIMIT_MOST),
)
AFTER = Parameter(
    "after",
    "The `next_cursor` of the previous page. Keep the filters and the order.",
    {"type": "string", "minLength": 1},
)
ENV = Parameter(
    "env",
    "The environment to search in. Without it, live customers are searched before those in test mode.",
    {"type": "string", "enum": list(Environment.values)},
    one_of(Environment.values),
)
AS_OF = Parameter(
    "as_of",
    "Return the customer as it was known at this time, before any later change or merge. The time must be in the past."
    " Before the customer was known, the status is 404.",
    {"type": "string", "format": "date-time"},
    past_instant,
)
