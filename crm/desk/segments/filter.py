"""What a segment_filter is made of: its parameters in an address, what they mean, and how it is said in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Q

_LONGEST = 255
_MOST = 50
_LARGEST = Decimal("1e15")
_SHOWN = 40


class BadValue(ValueError):
    """A parameter has a value that it cannot have; the message says which, and what is possible."""


class NoUser(BadValue):
    """Something is asked of “me”, and nobody in particular asks."""


@dataclass(frozen=True, slots=True)
class FilterContext:
    """Who asks, None for nobody in particular, and when."""

    user: Any
    at: datetime

    def signed_in_user(self) -> Any:
        """The user. Raises `NoUser`."""
        if self.user is None:
            raise NoUser(
                "“me” and “team” mean whoever looks: here nobody in particular does. Name account managers instead."
            )
        return self.user


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterParameter:
    """One parameter: `read` makes a value of the texts given for it, or raises `BadValue`.

    `choices` are offered where one chooses, by value and words; where there are none, one types.
    """

    name: str
    label: str
    read: Callable[[str, Sequence[str]], Any]
    choices: Callable[[], Iterable[tuple[str, str]]] | None = None
    takes_several: bool = False


Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFilter:
    """One thing that customers are narrowed by.

    `condition` makes of the values that were given a condition on customers, without joins that would repeat a row;
    `words` say it. Who asks needs `permission`.
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
        """The values of those parameters that were given. Raises `BadValue`."""
        return {
            each.name: each.read(each.label, texts[each.name])
            for each in self.parameters
            if texts.get(each.name)
        }


def one_of(words: Mapping[str, str]) -> Callable[[str, Sequence[str]], str]:
    """Reads one of these."""

    def read(label: str, texts: Sequence[str]) -> str:
        return some_of(words)(label, texts[-1:])[0]

    return read


def some_of(words: Mapping[str, str]) -> Callable[[str, Sequence[str]], list[str]]:
    """Reads some of these."""

    def read(label: str, texts: Sequence[str]) -> list[str]:
        for text in texts:
            if text not in words:
                raise BadValue(
                    f"{label}: “{text[:_SHOWN]}” is not possible; it is one of {', '.join(words)}."
                )
        return list(texts)

    return read


def names(label: str, texts: Sequence[str]) -> list[str]:
    """Reads names of anything; one that is not there finds nobody."""
    if len(texts) > _MOST or any(len(text) > _LONGEST for text in texts):
        raise BadValue(f"{label}: at most {_MOST} are possible, of at most {_LONGEST} characters.")
    return list(texts)


def name(label: str, texts: Sequence[str]) -> str:
    """Reads one name."""
    return names(label, texts[-1:])[0]


def number(label: str, texts: Sequence[str]) -> Decimal:
    """Reads a number, which may have commas between thousands."""
    try:
        value = Decimal(texts[-1].replace(",", ""))
        if not value.is_finite() or abs(value) > _LARGEST:
            raise InvalidOperation
    except InvalidOperation:
        raise BadValue(f"{label}: “{texts[-1][:_SHOWN]}” is no number, such as 500 or 99.50.") from None
    return value


def whole(least: int, most: int) -> Callable[[str, Sequence[str]], int]:
    """Reads a whole number in a range."""

    def read(label: str, texts: Sequence[str]) -> int:
        text = texts[-1]
        if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
            raise BadValue(f"{label}: “{text[:_SHOWN]}” is no whole number from {least} to {most}.")
        return int(text)

    return read


def listed(values: Sequence[str], words: Mapping[str, str] | None = None) -> str:
    """`a, b or c`, each in its words."""
    shown = [(words or {}).get(value, value) for value in values]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def figure(value: Decimal) -> str:
    """A number as one reads it."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def span(values: Values, low: str, high: str) -> str:
    """`over 500`, `up to 2,000`, `over 500 and up to 2,000`."""
    parts = [
        f"{words} {figure(values[key])}" for key, words in ((low, "over"), (high, "up to")) if key in values
    ]
    return " and ".join(parts)
