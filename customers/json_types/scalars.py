"""The scalar types that documents share: how numbers, instants, dates and links look in JSON."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, ClassVar, Self, TypeVar

#: Figures keep ten decimals and stay well inside the database's columns.
DECIMALS = Decimal("1e-10")
#: The limit of a figure, exclusive.
LARGEST = Decimal("1e15")

#: The first and the last moment that a customer can have. What is outside is a placeholder or a mistake.
FIRST_MOMENT = datetime(1970, 1, 2, tzinfo=UTC)
LAST_MOMENT = datetime(2200, 1, 1, tzinfo=UTC)

#: Seconds since the epoch of the years 2000 to 2099. As milliseconds they lie in early 1970.
_SECONDS = (946_684_800, 4_102_444_799)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_MOMENT = "The time is out of range: from 1970-01-02 to 2200-01-01"
_FREE_FORM_DIGITS = 15
#: http, https, a relative address, or a host with a port.
_PLAIN_LINK = re.compile(
    r"^(?:https?://|[^:/?#]*(?:[/?#]|$)|[^:/?#]*\.[^:/?#.]+:[0-9]+(?:[/?#]|$))", re.IGNORECASE
)
#: What a browser ignores, and invisible characters that stand around pasted links.
_IGNORED_IN_LINKS = re.compile("[\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
_JSON_NAMES = {bool: "bool", str: "str", list: "array", dict: "object", type(None): "null"}


class Number(Decimal):
    """A JSON number, held exactly. Whole numbers are sent without a fraction."""


class EpochMs(datetime):
    """An instant, sent as milliseconds since the epoch. The value has the time zone UTC.

    It is read only if it lies between `FIRST_MOMENT` and `LAST_MOMENT`, and seconds are not read.
    """


class AnyEpochMs(EpochMs):
    """An instant of the years 1 to 9999, such as the end of a range to search."""


class IsoInstant(datetime):
    """An instant, sent as ISO 8601 in UTC with milliseconds and `Z`. The value has the time zone UTC.

    Fractions of a millisecond are cut off. A time without a zone is read as UTC. It is read only if it lies between
    `FIRST_MOMENT` and `LAST_MOMENT`.
    """


class IsoDate(date):
    """A calendar date, sent as `2024-08-26`. The time of day in a longer text is dropped."""


_E = TypeVar("_E", bound=EpochMs)


class Link(str):
    """A URL that is safe to click: http, https or relative, never a scheme that could run a script."""

    __slots__ = ()


class Scalar:
    """The base of a scalar type that only one document has. It defines how to parse, send and describe itself."""

    #: The JSON Schema of the value as it is sent.
    SCHEMA: ClassVar[dict[str, Any]]

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Make a scalar from a value of the strict reader; raise `ValueError` with the reason if that is impossible."""
        raise NotImplementedError

    def to_json(self) -> Any:
        """The value as plain JSON."""
        raise NotImplementedError


def json_name(value: object) -> str:
    """The JSON type of a value of the strict reader, such as `array`."""
    return _JSON_NAMES.get(type(value), "number")


def plain_number(value: Decimal) -> int | Decimal:
    """`value` as JSON shows it: a whole number without a fraction, no trailing zeros, no exponent."""
    if value == value.to_integral_value():
        return int(value)
    return Decimal(format(value.normalize(), "f"))


def free_form(value: Any) -> Any:
    """Free-form JSON with fractions as doubles, because JSON readers keep no more digits.

    Raises `ValueError` for a number that a double cannot hold.
    """
    if isinstance(value, Decimal):
        double = float(value)
        if not math.isfinite(double):
            raise ValueError("The number is out of range for free-form JSON")
        return int(value) if double.is_integer() and value.adjusted() < _FREE_FORM_DIGITS else double
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: free_form(item) for key, item in value.items()}
    if isinstance(value, list):
        return [free_form(item) for item in value]
    return value


def read_number(value: object) -> Decimal:
    """The JSON number `value`, rounded to ten decimals; raises `ValueError` if it is not a number or is too large."""
    if type(value) not in (int, Decimal):
        raise ValueError(f"Expected `number`, got `{json_name(value)}`")
    number = Decimal(value)  # type: ignore[arg-type]
    if abs(number) < LARGEST:
        number = number.quantize(DECIMALS, rounding=ROUND_HALF_EVEN)
    if abs(number) >= LARGEST:
        raise ValueError("The number is out of range: at most 15 digits before the decimal point")
    return number


def is_plain_link(text: str) -> bool:
    """Whether a browser follows `text` as an http, https or relative address, and never runs it as a script."""
    return _PLAIN_LINK.match(_IGNORED_IN_LINKS.sub("", text)) is not None


def is_in_seconds(value: Any) -> bool:
    """Whether the number `value`, given for milliseconds since the epoch, can only be meant as seconds."""
    return bool(_SECONDS[0] <= value <= _SECONDS[1])


def to_epoch_ms(moment: datetime) -> int | Decimal:
    """Milliseconds since the epoch, exact to the microsecond."""
    return plain_number(Decimal((moment - _EPOCH) // timedelta(microseconds=1)) / 1000)


def to_iso(moment: datetime) -> str:
    """`2024-08-26T12:15:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_json(kind: type, value: object) -> Any:
    """Make a scalar of `kind`; raise `ValueError` with the reason if `value` does not fit."""
    return kind.from_json(value) if issubclass(kind, Scalar) else _READERS[kind](value)


def to_json(value: object) -> Any:
    """A scalar as plain JSON."""
    if isinstance(value, Scalar):
        return value.to_json()
    if isinstance(value, EpochMs):
        return to_epoch_ms(value)
    if isinstance(value, IsoInstant):
        return to_iso(value)
    if isinstance(value, IsoDate):
        return value.isoformat()
    if isinstance(value, Number):
        return plain_number(value)
    if isinstance(value, Link):
        return str(value)
    raise NotImplementedError(f"no JSON form for {type(value).__name__}")


def to_schema(kind: type) -> dict[str, Any]:
    """The JSON Schema of a scalar."""
    return kind.SCHEMA if issubclass(kind, Scalar) else _SCHEMAS[kind]


def _from_epoch_ms(value: object) -> EpochMs:
    moment = _epoch_ms(EpochMs, value)
    if is_in_seconds(value):
        raise ValueError("Expected milliseconds since the epoch, not seconds")
    if not FIRST_MOMENT <= moment <= LAST_MOMENT:
        raise ValueError(_NO_MOMENT)
    return moment


def _epoch_ms(kind: type[_E], value: object) -> _E:
    if type(value) not in (int, Decimal):
        raise ValueError(f"Expected milliseconds since the epoch, got `{json_name(value)}`")
    try:
        microseconds = int((Decimal(value) * 1000).to_integral_value(ROUND_HALF_EVEN))  # type: ignore[arg-type]
        moment = _EPOCH + timedelta(microseconds=microseconds)
    except (OverflowError, ArithmeticError):
        raise ValueError("The time is out of range: expected milliseconds since the epoch") from None
    return kind.fromisoformat(moment.isoformat())


def _from_iso(value: object) -> IsoInstant:
    if not isinstance(value, str):
        raise ValueError(f"Expected a time in ISO 8601, got `{json_name(value)}`")
    try:
        moment = IsoInstant.fromisoformat(value.strip())
        moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        moment = (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
    except ValueError:
        raise ValueError("Expected a time in ISO 8601, such as 2024-08-26T12:15:00.000Z") from None
    except OverflowError:
        raise ValueError(_NO_MOMENT) from None
    if not FIRST_MOMENT <= moment <= LAST_MOMENT:
        raise ValueError(_NO_MOMENT)
    return moment


def _from_iso_date(value: object) -> IsoDate:
    if not isinstance(value, str):
        raise ValueError(f"Expected a date, got `{json_name(value)}`")
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        raise ValueError("Expected a date in ISO 8601, such as 2024-08-26") from None
    return IsoDate(moment.year, moment.month, moment.day)


def _link(value: object) -> Link:
    if not isinstance(value, str):
        raise ValueError(f"Expected `str`, got `{json_name(value)}`")
    if not is_plain_link(value):
        raise ValueError("Expected a link that begins with http:// or https://")
    return Link(value)


_READERS: dict[type, Any] = {
    Number: lambda value: Number(read_number(value)),
    EpochMs: _from_epoch_ms,
    AnyEpochMs: lambda value: _epoch_ms(AnyEpochMs, value),
    IsoInstant: _from_iso,
    IsoDate: _from_iso_date,
    Link: _link,
}
_ANY_EPOCH_MS = {
    "type": "number",
    "minimum": -62_135_596_800_000,
    "maximum": 253_402_300_799_999,
    "description": "Milliseconds since the epoch, from the year 1 to 9999.",
}
_SCHEMAS: dict[type, dict[str, Any]] = {
    Number: {"type": "number"},
    # Rows that were written before moments had bounds are sent as they are.
    EpochMs: _ANY_EPOCH_MS,
    AnyEpochMs: _ANY_EPOCH_MS,
    IsoInstant: {"type": "string", "format": "date-time"},
    IsoDate: {"type": "string", "format": "date"},
    Link: {"type": "string", "format": "uri-reference"},
}
