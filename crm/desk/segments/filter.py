"""What a filter is: its parameters in a URL, the condition that they mean, and their description in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Q

from customers.formats import number as formatted

_LONGEST = 255
_MOST = 50
_LARGEST = Decimal("1e15")
_SHOWN = 40


class BadValue(ValueError):
    """A parameter has an impossible value; the message tells the user what is possible."""


class NoUser(BadValue):
    """A filter by “me” or “team” is used where no user is signed in."""


@dataclass(frozen=True, slots=True)
class FilterContext:
    """The signed-in user, None in a command, and the moment that counts as now."""

    user: Any
    at: datetime

    def signed_in_user(self) -> Any:
        """The user. Raises `NoUser`."""
        if self.user is None:
            raise NoUser(
                "Name account managers instead of “me” and “team”, because no user is signed in here."
            )
        return self.user


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterParameter:
    """One parameter of a URL: `read` turns its texts into a value, or raises `BadValue`.

    `choices` are the values and labels of its field; without them the field is a text field, or one of a day.
    """

    name: str
    label: str
    read: Callable[[str, Sequence[str]], Any]
    choices: Callable[[], Iterable[tuple[str, str]]] | None = None
    takes_several: bool = False
    is_day: bool = False


Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFilter:
    """One filter of customers.

    `condition` turns the given values into a condition on customers, without joins that would repeat a row; `words`
    describe it. Users need `permission`.
    """

    name: str
    label: str
    parameters: tuple[FilterParameter, ...]
    condition: Callable[[Values, FilterContext], Q]
    words: Callable[[Values], str]
    permission: str = "customers.view_customer"
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(each.name for each in self.parameters))

    def read(self, texts: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """The values of the given parameters. Raises `BadValue`."""
        return {
            each.name: each.read(each.label, texts[each.name])
            for each in self.parameters
            if texts.get(each.name)
        }


def one_of(words: Mapping[str, str]) -> Callable[[str, Sequence[str]], str]:
    """A reader of one of these values."""

    def read(label: str, texts: Sequence[str]) -> str:
        return some_of(words)(label, texts[-1:])[0]

    return read


def some_of(words: Mapping[str, str]) -> Callable[[str, Sequence[str]], list[str]]:
    """A reader of several of these values."""

    def read(label: str, texts: Sequence[str]) -> list[str]:
        for text in texts:
            if text not in words:
                raise BadValue(f"{label}: choose one of {', '.join(words)}, not “{text[:_SHOWN]}”.")
        return list(texts)

    return read


def names(label: str, texts: Sequence[str]) -> list[str]:
    """Read names of anything; an unknown name finds no customer."""
    if len(texts) > _MOST or any(len(text) > _LONGEST for text in texts):
        raise BadValue(f"{label}: enter at most {_MOST} values of at most {_LONGEST} characters.")
    return list(texts)


def name(label: str, texts: Sequence[str]) -> str:
    """Read one name."""
    return names(label, texts[-1:])[0]


def number(label: str, texts: Sequence[str]) -> Decimal:
    """Read a number, with or without commas between thousands."""
    try:
        value = Decimal(texts[-1].replace(",", ""))
        if not value.is_finite() or abs(value) > _LARGEST:
            raise InvalidOperation
    except InvalidOperation:
        raise BadValue(f"{label}: enter a number such as 500 or 99.50, not “{texts[-1][:_SHOWN]}”.") from None
    return value


def whole(least: int, most: int) -> Callable[[str, Sequence[str]], int]:
    """A reader of a whole number in a range."""

    def read(label: str, texts: Sequence[str]) -> int:
        text = texts[-1]
        if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
            raise BadValue(f"{label}: enter a whole number from {least} to {most}, not “{text[:_SHOWN]}”.")
        return int(text)

    return read


def any_of(values: Sequence[str], words: Mapping[str, str] | None = None) -> str:
    """`a, b or c`, each as its label in `words`."""
    shown = [(words or {}).get(value, value) for value in values]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def span(values: Values, low: str, high: str) -> str:
    """`over 500`, `up to 2,000`, `over 500 and up to 2,000`."""
    parts = [
        f"{words} {formatted(values[key])}"
        for key, words in ((low, "over"), (high, "up to"))
        if key in values
    ]
    return " and ".join(parts)
