"""Values of another JSON type that can be read without doubt: a number in a text, seconds for milliseconds.

What could mean two things is not read: `51-200`, `12.000` (twelve, or twelve thousand), `01/02/2024`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec import inspect

from customers.json_types.scalars import (
    FIRST_MOMENT,
    LAST_MOMENT,
    EpochMs,
    IsoDate,
    IsoInstant,
    is_in_seconds,
    plain_number,
    to_epoch_ms,
    to_iso,
)

_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,20})?")
#: Three digits after a point may be thousands, as some countries write them.
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")
#: Milliseconds as .NET writes them. What follows is the time zone in which they are shown.
_DOT_NET = re.compile(r"\\?/Date\(([+-]?[0-9]{1,15})(?:[+-][0-9]{4})?\)\\?/")
_MICROSECONDS = re.compile(r"[0-9]{16}")
_UTC = re.compile(r"\s*(?:UTC|GMT)$", re.IGNORECASE)
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_GAPS = re.compile(r"[\s_-]+")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_certainly(info: inspect.Type, value: Any) -> Any:
    """`value` as JSON of the type `info`; None if that is impossible or not certain."""
    match info:
        case inspect.StrType():
            return _text(value)
        case inspect.IntType():
            number = _number(value)
            return int(number) if number is not None and number == number.to_integral_value() else None
        case inspect.BoolType():
            return _bool(value)
        case inspect.LiteralType():
            return _choice(value, info.values)
        case inspect.StructType() | inspect.DictType():
            # PHP writes an empty object as an empty list.
            return {} if value == [] else None
        case inspect.ListType():
            return [] if value == {} else None
        case inspect.CustomType():
            return _scalar(info.cls, value)
    return None


def _scalar(kind: type, value: Any) -> Any:
    if issubclass(kind, EpochMs):
        moment = _moment(value)
        return None if moment is None else to_epoch_ms(moment)
    if issubclass(kind, IsoInstant):
        moment = _moment(value)
        return None if moment is None else to_iso(moment)
    if issubclass(kind, IsoDate):
        moment = None if isinstance(value, str) and _number(value) is None else _moment(value)
        # At another time of day, the day depends on a time zone that is not known.
        is_midnight = moment is not None and (moment - _EPOCH) % timedelta(days=1) == timedelta(0)
        return moment.date().isoformat() if moment is not None and is_midnight else None
    if issubclass(kind, Decimal | int):
        number = _number(value) if isinstance(value, str) else None
        return None if number is None else plain_number(number)
    return None


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return str(plain_number(Decimal(value)))


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Decimal):
        return Decimal(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    is_certain = _NUMBER.fullmatch(text) and not _THOUSANDS.fullmatch(text)
    return Decimal(text) if is_certain else None


def _bool(value: Any) -> bool | None:
    if isinstance(value, str | int) and not isinstance(value, bool):
        return _WORDS.get(str(value).strip().lower())
    return None


def _choice(value: Any, allowed: Any) -> str | None:
    """The one of `allowed` that `value` spells in another way: `Semi-Annual`."""
    if not isinstance(value, str):
        return None
    spelled = _spelling(value)
    return next((each for each in map(str, allowed) if _spelling(each) == spelled), None)


def _spelling(text: str) -> str:
    return _GAPS.sub("_", text.strip().casefold())


def _moment(value: Any) -> datetime | None:
    """The moment in a number of seconds, milliseconds or microseconds, also in a text, or in a text in ISO 8601."""
    text = value.strip() if isinstance(value, str) else ""
    if dot_net := _DOT_NET.fullmatch(text):
        number: Decimal | None = Decimal(dot_net[1])
    else:
        number = Decimal(text) if _MICROSECONDS.fullmatch(text) else _number(value)
    if number is None:
        return _iso_moment(value) if isinstance(value, str) else None
    if is_in_seconds(number):
        milliseconds = number * 1000
    else:
        # As milliseconds, microseconds of our time lie beyond the year 9999.
        milliseconds = number / 1000 if is_in_seconds(number / 1_000_000) else number
    if not to_epoch_ms(FIRST_MOMENT) <= milliseconds <= to_epoch_ms(LAST_MOMENT):
        return None
    return _EPOCH + timedelta(microseconds=int(milliseconds * 1000))


def _iso_moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(_UTC.sub("Z", text.strip()))
        return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
