"""The scalar types of the billing document, and the checks that several types share."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from msgspec import UNSET, Meta

from billing.rules.figures import LARGEST_WHOLE
from billing.rules.money import known_code
from customers import limits
from customers.json_types import (
    AnyEpochMs,
    EpochMs,
    Number,
    Refused,
    Remark,
    RemarkKind,
    Scalar,
    plain_number,
    read_number,
    to_epoch_ms,
    within,
)
from customers.json_types.scalars import from_json, to_schema

#: As long as the column for a short word.
Word = Annotated[str, Meta(max_length=50)]
#: At most as long as an identifier, possibly empty.
Bounded = Annotated[str, Meta(max_length=limits.IDENTIFIER)]
Identifier = Annotated[str, Meta(min_length=1, max_length=limits.IDENTIFIER)]

Env = Literal["sandbox", "live"]
PriceInterval = Literal["one_off", "week", "month", "quarter", "semi_annual", "year"]
ResetInterval = Literal["one_off", "minute", "hour", "day", "week", "month", "quarter", "semi_annual", "year"]
#: `multiple` stands for the mixed intervals of the rows behind an aggregate.
AggregateInterval = Literal[
    "one_off", "minute", "hour", "day", "week", "month", "quarter", "semi_annual", "year", "multiple"
]


#: The `expires_at` of a rollover that never expires: 0 on the wire.
_NEVER_MS = 0


class Expiry(EpochMs, Scalar):
    """When a rollover expires, in milliseconds since the epoch; 0 for never."""

    SCHEMA: ClassVar[dict[str, Any]] = to_schema(EpochMs)

    @classmethod
    def from_json(cls, value: object) -> Self:
        kind = AnyEpochMs if value == _NEVER_MS and value is not False else EpochMs
        return cls.fromisoformat(from_json(kind, value).isoformat())

    def to_json(self) -> int | Decimal:
        return to_epoch_ms(self)


class NonNegative(Number, Scalar):
    """A number that is 0 or more."""

    SCHEMA: ClassVar[dict[str, Any]] = {"type": "number", "minimum": 0}

    @classmethod
    def from_json(cls, value: object) -> Self:
        number = read_number(value)
        if number < 0:
            raise ValueError(f"Expected a number that is 0 or more, got {plain_number(number)}")
        return cls(number)

    def to_json(self) -> int | Decimal:
        return plain_number(self)


class Positive(Number, Scalar):
    """A number above 0."""

    SCHEMA: ClassVar[dict[str, Any]] = {"type": "number", "exclusiveMinimum": 0}

    @classmethod
    def from_json(cls, value: object) -> Self:
        number = read_number(value)
        if number <= 0:
            raise ValueError(f"Expected a number above 0, got {plain_number(number)}")
        return cls(number)

    def to_json(self) -> int | Decimal:
        return plain_number(self)


class Whole(int, Scalar):
    """A whole number that is 0 or more; `20.0` is read as 20."""

    LEAST: ClassVar[int] = 0
    SCHEMA: ClassVar[dict[str, Any]] = {"type": "integer", "minimum": 0, "maximum": LARGEST_WHOLE}

    @classmethod
    def from_json(cls, value: object) -> Self:
        number = read_number(value)
        if number != number.to_integral_value() or not cls.LEAST <= number <= LARGEST_WHOLE:
            raise ValueError(
                f"Expected a whole number from {cls.LEAST} to {LARGEST_WHOLE}, got {plain_number(number)}"
            )
        return cls(number)

    def to_json(self) -> int:
        return int(self)


class Count(Whole):
    """A whole number that is 1 or more."""

    LEAST: ClassVar[int] = 1
    SCHEMA: ClassVar[dict[str, Any]] = {"type": "integer", "minimum": 1, "maximum": LARGEST_WHOLE}


class TierEnd(Decimal, Scalar):
    """The last unit of a price tier; Infinity for an open-ended tier, which is `inf` in JSON."""

    SCHEMA: ClassVar[dict[str, Any]] = {"anyOf": [{"type": "number", "minimum": 0}, {"const": "inf"}]}

    @classmethod
    def from_json(cls, value: object) -> Self:
        if value == "inf":
            return cls("Infinity")
        if isinstance(value, str):
            raise ValueError('Expected a number or "inf"')
        return cls(NonNegative.from_json(value))

    def to_json(self) -> int | Decimal | str:
        return plain_number(self) if self.is_finite() else "inf"


class Currency(str, Scalar):
    """A currency code as it was sent, in upper or lower case. `code` is the ISO 4217 code."""

    __slots__ = ()

    SCHEMA: ClassVar[dict[str, Any]] = {"type": "string", "pattern": "^[A-Za-z]{3}$"}

    @classmethod
    def from_json(cls, value: object) -> Self:
        if not isinstance(value, str):
            raise ValueError("Expected a currency code such as usd")
        known_code(value)
        return cls(value)

    def to_json(self) -> str:
        return str(self)

    @property
    def code(self) -> str:
        """The ISO 4217 code in upper case."""
        return known_code(self)


def refuse_repeats(at: str, key: str, values: Iterable[str | None]) -> None:
    """Raise `Refused` if two items of the list `at` have the same `key`; None never counts."""
    positions: dict[str, int] = {}
    for index, value in enumerate(values):
        if value is None:
            continue
        first = positions.setdefault(value, index)
        if first != index:
            raise Refused(within(at, index, key), f"Duplicate of {value!r} in {within(at, first)}.")


def drop_invalid(item: Any, at: str, name: str, empty: Any, own_id: str | None = None) -> list[Remark]:
    """Empty the object `name` of `item`, which is at `at`, if its own `verify` refuses it.

    With `own_id`, also if that is not its ID.
    """
    value = getattr(item, name)
    if value is UNSET or value is None:
        return []
    try:
        if own_id is not None:
            refuse_other(within(at, name, "id"), value.id, own_id)
        value.verify(within(at, name))
    except Refused as problem:
        setattr(item, name, empty)
        text = f"{problem.reason} {within(at, name)} was left empty."
        return [Remark(problem.path, text, RemarkKind.UNREADABLE)]
    return []


def refuse_other(at: str, value: str, expected: str) -> None:
    """Raise `Refused` if the ID `value` at `at` isn't `expected`, the ID of what contains it."""
    if value != expected:
        raise Refused(at, f"Expected {expected!r}, the ID of what contains it, got {value!r}.")
