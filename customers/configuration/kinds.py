"""Kinds of settings: which values each can have, and how a value is written as text.

The same text is read from the environment, from a form and from the database, so a rule about a value stands here once.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from customers.readings.currencies import CURRENCIES

T = TypeVar("T")

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
_PREFIX = re.compile(r"[A-Z0-9]([A-Z0-9-]{0,10}[A-Z0-9])?")
_LONGEST_DAYS = 3650


class WrongValue(ValueError):
    """A text that is no value of the setting."""


class FollowUp(Enum):
    """What must be worked out again after a setting changed."""

    NOTHING = "nothing"
    RESOLVE = "resolve"
    REFRESH = "refresh"


@dataclass(frozen=True, kw_only=True, eq=False)
class Setting(Generic[T]):
    """A setting. `name` is that in the environment, `group` the page it is on, `follow_up` the work after a change."""

    name: str
    label: str
    help: str
    group: str
    default: T
    follow_up: FollowUp = FollowUp.NOTHING
    #: Read from the environment for one more version if `name` is not set.
    former_name: str = ""

    @abstractmethod
    def read(self, text: str) -> T:
        """The value that a text means. Raises `WrongValue` if it means none."""

    @abstractmethod
    def write(self, value: T) -> str:
        """The text of a value, which `read` takes back."""

    @property
    @abstractmethod
    def wanted(self) -> str:
        """Which values it can have, as the end of a sentence that starts with “Enter”."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Number(Setting[int]):
    """A whole number from `lowest` to `highest`, of `unit` if it has one."""

    lowest: int = 0
    highest: int = _LONGEST_DAYS
    unit: str = ""

    def read(self, text: str) -> int:
        is_number = text.isascii() and text.isdigit() and len(text) <= 9
        if not is_number or not self.lowest <= int(text) <= self.highest:
            raise WrongValue
        return int(text)

    def write(self, value: int) -> str:
        return str(value)

    @property
    def wanted(self) -> str:
        return f"a whole number from {self.lowest} to {self.highest}, such as {self.default}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Flag(Setting[bool]):
    """On or off."""

    def read(self, text: str) -> bool:
        word = text.lower()
        if word not in _TRUE | _FALSE:
            raise WrongValue
        return word in _TRUE

    def write(self, value: bool) -> str:
        return "1" if value else "0"

    @property
    def wanted(self) -> str:
        return "1 or 0"


@dataclass(frozen=True, kw_only=True, eq=False)
class Choice(Setting[str]):
    """One of `options`: each word with its label for a page. Capitals make no difference."""

    options: Mapping[str, str]

    def read(self, text: str) -> str:
        if text.lower() not in self.options:
            raise WrongValue
        return text.lower()

    def write(self, value: str) -> str:
        return value

    @property
    def wanted(self) -> str:
        *first, last = self.options
        return f"{', '.join(first)} or {last}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Prefix(Setting[str]):
    """The start of numbers in a series. `reserved` are those of other series, so that two never share a number."""

    reserved: tuple[str, ...]

    def read(self, text: str) -> str:
        if not _PREFIX.fullmatch(text) or text in self.reserved:
            raise WrongValue
        return text

    def write(self, value: str) -> str:
        return value

    @property
    def wanted(self) -> str:
        return f"1 to 12 capital letters, digits or hyphens, such as {self.default}, but not {' or '.join(self.reserved)}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Currency(Setting[str]):
    """An ISO 4217 code; blank too if `blank_means` says what that stands for."""

    blank_means: str = ""

    def read(self, text: str) -> str:
        if text not in CURRENCIES and not (self.blank_means and text == ""):
            raise WrongValue
        return text

    def write(self, value: str) -> str:
        return value

    @property
    def wanted(self) -> str:
        return "the ISO 4217 code of a currency, such as USD"


@dataclass(frozen=True, kw_only=True, eq=False)
class Names(Setting[tuple[str, ...]]):
    """Some of `known`, each at most once: all of them in an order if `is_order`, else two or more, or none."""

    known: tuple[str, ...]
    is_order: bool = False

    def read(self, text: str) -> tuple[str, ...]:
        names = _items(text)
        is_set = len(set(names)) == len(names) and set(names) <= set(self.known)
        is_long_enough = len(names) == len(self.known) if self.is_order else len(names) != 1
        if not is_set or not is_long_enough:
            raise WrongValue
        return names

    def write(self, value: tuple[str, ...]) -> str:
        return ",".join(value)

    @property
    def wanted(self) -> str:
        names = ", ".join(self.known)
        if self.is_order:
            return f"{names}, each once, in your order, the most trusted first"
        return f"two or more of {names}, or none"


@dataclass(frozen=True, kw_only=True, eq=False)
class Several(Setting[tuple[str, ...]]):
    """Any of `options`, by their names. Pages show their labels."""

    options: Mapping[str, str]

    def read(self, text: str) -> tuple[str, ...]:
        names = _items(text)
        if not set(names) <= self.options.keys():
            raise WrongValue
        return tuple(name for name in self.options if name in names)

    def write(self, value: tuple[str, ...]) -> str:
        return ",".join(value)

    @property
    def wanted(self) -> str:
        return f"any of {', '.join(self.options)}, or none"


@dataclass(frozen=True, kw_only=True, eq=False)
class Lines(Setting[tuple[str, ...]]):
    """Lines of text, ended by a line break or a semicolon."""

    def read(self, text: str) -> tuple[str, ...]:
        return tuple(line.strip() for line in re.split(r"[;\r\n]", text) if line.strip())

    def write(self, value: tuple[str, ...]) -> str:
        return "\n".join(value)

    @property
    def wanted(self) -> str:
        return "lines of text"


@dataclass(frozen=True, kw_only=True, eq=False)
class AscendingDays(Setting[tuple[int, ...]]):
    """Days, each later than the one before; `none` for none."""

    def read(self, text: str) -> tuple[int, ...]:
        if text.lower() == "none":
            return ()
        items = _items(text)
        if items and all(item.isascii() and item.isdigit() and len(item) <= 4 for item in items):
            days = tuple(map(int, items))
            if days[0] > 0 and days[-1] <= _LONGEST_DAYS and days == tuple(sorted(set(days))):
                return days
        raise WrongValue

    def write(self, value: tuple[int, ...]) -> str:
        return ",".join(map(str, value)) or "none"

    @property
    def wanted(self) -> str:
        return "days in ascending order, such as 7,14,30, or none"


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())
