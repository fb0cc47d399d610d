"""The scalars and the plumbing that the three customer documents share.

A document type is a tree of `msgspec.Struct`s. This module knows how a number, an instant, a date or a link
looks in JSON, how a problem names its place, and how a document becomes bytes. It knows nothing of any one
document, and nothing of the database.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from typing import Any, ClassVar, Self, TypeVar

import msgspec
from msgspec import inspect

#: Figures keep ten decimals (DESIGN: exact to 10 decimals) and stay well inside the database's columns.
DECIMALS = Decimal("1e-10")
LARGEST = Decimal("1e15")  # no figure reaches it

#: Identifiers are indexed, so they are bounded.
IDENTIFIER_LENGTH = 255
#: The longest address that RFC 5321 allows.
EMAIL_LENGTH = 320

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PATH = re.compile(r" - at (?:`key` in )?`(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_ANY_KEY = "..."
_PLAIN_KEY = re.compile(r"[A-Za-z_][\w-]*")
_SHOWN_LENGTH = 200
_FREE_FORM_DIGITS = 15
_PLAIN_LINK = re.compile(r"^(?:https?://|[^:/?#]*(?:[/?#]|$))", re.IGNORECASE)
_IGNORED_IN_LINKS = re.compile(r"[\x00-\x20]")


class Refused(Exception):
    """A record that cannot be taken in: `path` is its JSON path (`$` for the whole), `reason` a sentence.

    `is_secret`: the record holds what must not be kept, so it is not to be written to any file or log either.
    """

    def __init__(self, path: str, reason: str, *, is_secret: bool = False) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
        self.is_secret = is_secret


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that an import changed or noticed in a record it took in, for a person to read."""

    path: str
    text: str


class Number(Decimal):
    """A JSON number, held exactly; whole numbers are sent without a fraction."""


class EpochMs(datetime):
    """An instant sent as milliseconds since the epoch; aware, UTC."""


class IsoInstant(datetime):
    """An instant sent as ISO 8601 in UTC with milliseconds and `Z`; aware, UTC, what is finer is cut off.

    A time that comes without a zone is UTC.
    """


class IsoDate(date):
    """A calendar date sent as `2024-08-26`; a time of day that comes with one is dropped."""


class Link(str):
    """An address a person may click: http, https or relative; never a scheme that could run a script."""

    __slots__ = ()


class Scalar:
    """The base of a scalar that one document has for itself: it reads, sends and describes itself."""

    SCHEMA: ClassVar[dict[str, Any]]

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Make one of what the reader read; raise `ValueError` with the reason if it cannot be one."""
        raise NotImplementedError

    def to_json(self) -> Any:
        """What JSON shows."""
        raise NotImplementedError


class Document(msgspec.Struct, kw_only=True):
    """The base of every object in a document; keys it does not name are left to the source record.

    On the way out every key is there, except one that may be `UNSET`. `ALWAYS_SENT` names those that may be
    `UNSET` on the way in only: absent, they leave what we have, and what we send always has them.
    """

    ALWAYS_SENT: ClassVar[frozenset[str]] = frozenset()


D = TypeVar("D", bound=Document)


def parse(kind: type[D], value: object) -> D:
    """Make a `kind` of what the strict reader read; raise `Refused` with the place of the first problem."""
    try:
        return msgspec.convert(value, kind, dec_hook=_from_json)
    except msgspec.ValidationError as problem:
        raise _refusal(kind, value, str(problem)) from None


def each_object(document: Document, path: str = "$") -> Iterator[tuple[str, Document]]:
    """`document` and every object inside it, each with its JSON path, outer before inner."""
    yield path, document
    for name in document.__struct_fields__:
        value = getattr(document, name)
        at = f"{path}.{name}"
        if isinstance(value, Document):
            yield from each_object(value, at)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, Document):
                    yield from each_object(item, at + _path_step(index))
        elif isinstance(value, dict):
            for key, item in value.items():
                if isinstance(item, Document):
                    yield from each_object(item, at + _path_step(key[:_SHOWN_LENGTH]))


@cache
def optional_keys(kind: type[Document]) -> frozenset[str]:
    """The keys that an object of `kind` may come without."""
    return frozenset(field.name for field in msgspec.structs.fields(kind) if not field.required)


def encode(value: object) -> bytes:
    """A document, or a container of documents, as JSON."""
    return _encoder.encode(value)


def to_plain(value: object) -> Any:
    """A document as dicts, lists and scalars, exactly as `encode` would send it."""
    return msgspec.to_builtins(value, enc_hook=_to_json, builtin_types=(Decimal,))


def json_schema(kinds: list[type], ref_template: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The JSON Schema of `kinds` as we send them: one schema each, and the components that they refer to."""
    schemas, components = msgspec.json.schema_components(
        kinds, schema_hook=_to_schema, ref_template=ref_template
    )
    for struct in _structs(inspect.multi_type_info(kinds), set()):
        full_name = f"{struct.cls.__module__}.{struct.cls.__qualname__}"
        name = struct.cls.__name__ if struct.cls.__name__ in components else full_name
        components[name]["required"] = [
            field.encode_name for field in struct.fields if _is_always_sent(struct.cls, field)
        ]
    return list(schemas), components


def plain_number(value: Decimal) -> int | Decimal:
    """`value` as JSON shows it: a whole number without a fraction, no trailing zeros, no exponent."""
    if value == value.to_integral_value():
        return int(value)
    return Decimal(format(value.normalize(), "f"))


def free_form(value: Any) -> Any:
    """What came in as free-form JSON, with its fractions as doubles: JSON's own readers keep no more.

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
    """The JSON number `value` to ten decimals; raise `ValueError` if it is none, or too large."""
    if type(value) not in (int, Decimal):
        raise ValueError(f"Expected `number`, got `{_json_name(value)}`")
    number = Decimal(value)  # type: ignore[arg-type]
    if abs(number) < LARGEST:
        number = number.quantize(DECIMALS, rounding=ROUND_HALF_EVEN)
    if abs(number) >= LARGEST:
        raise ValueError("The number is out of range: at most 15 digits before the point")
    return number


def within(path: str, *steps: str | int) -> str:
    """The JSON path of what lies at `steps`, keys and indexes, inside `path`."""
    return path + "".join(_path_step(step) for step in steps)


def is_plain_link(text: str) -> bool:
    """Whether a browser would follow `text` as http, https or a relative address, and never as a script."""
    return _PLAIN_LINK.match(_IGNORED_IN_LINKS.sub("", text)) is not None


def to_epoch_ms(moment: datetime) -> int | Decimal:
    """Milliseconds since the epoch, exact to the microsecond."""
    return plain_number(Decimal((moment - _EPOCH) // timedelta(microseconds=1)) / 1000)


def to_iso(moment: datetime) -> str:
    """`2024-08-26T12:15:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _from_epoch_ms(value: object) -> EpochMs:
    if type(value) not in (int, Decimal):
        raise ValueError(f"Expected milliseconds since the epoch, got `{_json_name(value)}`")
    try:
        microseconds = int((Decimal(value) * 1000).to_integral_value(ROUND_HALF_EVEN))  # type: ignore[arg-type]
        moment = _EPOCH + timedelta(microseconds=microseconds)
    except (OverflowError, ArithmeticError):
        raise ValueError("The time is out of range: expected milliseconds since the epoch") from None
    return EpochMs.fromisoformat(moment.isoformat())


def _from_iso(value: object) -> IsoInstant:
    if not isinstance(value, str):
        raise ValueError(f"Expected a time in ISO 8601, got `{_json_name(value)}`")
    try:
        moment = IsoInstant.fromisoformat(value.strip())
        moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("Expected a time in ISO 8601, such as 2024-08-26T12:15:00.000Z") from None


def _from_iso_date(value: object) -> IsoDate:
    if not isinstance(value, str):
        raise ValueError(f"Expected a date, got `{_json_name(value)}`")
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        raise ValueError("Expected a date in ISO 8601, such as 2024-08-26") from None
    return IsoDate(moment.year, moment.month, moment.day)


def _link(value: object) -> Link:
    if not isinstance(value, str):
        raise ValueError(f"Expected `str`, got `{_json_name(value)}`")
    if not is_plain_link(value):
        raise ValueError("Expected a link that begins with http:// or https://")
    return Link(value)


_READERS: dict[type, Any] = {
    Number: lambda value: Number(read_number(value)),
    EpochMs: _from_epoch_ms,
    IsoInstant: _from_iso,
    IsoDate: _from_iso_date,
    Link: _link,
}
_SCHEMAS: dict[type, dict[str, Any]] = {
    Number: {"type": "number"},
    EpochMs: {
        "type": "number",
        "minimum": -62_135_596_800_000,
        "maximum": 253_402_300_799_999,
        "description": "Milliseconds since the epoch, from the year 1 to 9999.",
    },
    IsoInstant: {"type": "string", "format": "date-time"},
    IsoDate: {"type": "string", "format": "date"},
    Link: {"type": "string", "format": "uri-reference"},
}


def _from_json(kind: type, value: object) -> Any:
    return kind.from_json(value) if issubclass(kind, Scalar) else _READERS[kind](value)


def _to_json(value: object) -> Any:
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
    raise NotImplementedError(f"no wire form for {type(value).__name__}")


def _to_schema(kind: type) -> dict[str, Any]:
    return kind.SCHEMA if issubclass(kind, Scalar) else _SCHEMAS[kind]


def _json_name(value: object) -> str:
    names = {bool: "bool", str: "str", list: "array", dict: "object", type(None): "null"}
    return names.get(type(value), "number")


def _in_words(reason: str) -> str:
    return reason if reason.endswith(".") else reason + "."


def _refusal(kind: type[D], value: object, text: str) -> Refused:
    place = _PATH.search(text)
    reason = _PATH.sub("", text)
    steps = [name or index for name, index in _STEP.findall(place["path"])] if place else []
    if reason.startswith("Invalid enum value"):
        allowed = ", ".join(_choices(inspect.type_info(kind), steps))
        reason = f"{reason[:_SHOWN_LENGTH]}: expected one of {allowed}"
    return Refused(within("$", *_with_keys(kind, value, steps, text)), _in_words(reason))


def _path_step(step: str | int) -> str:
    if isinstance(step, str) and _PLAIN_KEY.fullmatch(step):
        return f".{step}"
    return f"[{json.dumps(step)}]"


def _with_keys(kind: type[D], value: object, steps: list[str], text: str) -> list[str | int]:
    """`steps` with the key, found by trial, wherever msgspec only says that some key of a mapping is meant."""
    known: list[str | int] = []
    here: Any = value
    for step in steps:
        if step == _ANY_KEY:
            keys = list(here)
            while len(keys) > 1:
                half = keys[: len(keys) // 2]
                trial = _replaced(value, known, {key: here[key] for key in half})
                keys = half if _problem(kind, trial) == text else keys[len(half) :]
            known.append(keys[0])
        else:
            known.append(int(step) if step.isdigit() and isinstance(here, list) else step)
        here = here[known[-1]]
    return [step[:_SHOWN_LENGTH] if isinstance(step, str) else step for step in known]


def _replaced(value: Any, steps: list[str | int], new: Any) -> Any:
    if not steps:
        return new
    changed = value.copy()
    changed[steps[0]] = _replaced(value[steps[0]], steps[1:], new)
    return changed


def _problem(kind: type[D], value: object) -> str | None:
    try:
        msgspec.convert(value, kind, dec_hook=_from_json)
    except msgspec.ValidationError as problem:
        return str(problem)
    return None


def _choices(info: inspect.Type, steps: list[str]) -> list[str]:
    match info:
        case inspect.Metadata():
            return _choices(info.type, steps)
        case inspect.UnionType():
            return [choice for each in info.types for choice in _choices(each, steps)]
        case inspect.LiteralType() if not steps:
            return [str(value) for value in info.values]
        case inspect.EnumType() if not steps:
            return [str(member.value) for member in info.cls]
        case inspect.ListType() if steps:
            return _choices(info.item_type, steps[1:])
        case inspect.DictType() if steps:
            return _choices(info.value_type, steps[1:])
        case inspect.StructType() if steps:
            return [
                choice
                for field in info.fields
                if field.encode_name == steps[0]
                for choice in _choices(field.type, steps[1:])
            ]
    return []


def _structs(infos: Iterable[inspect.Type], seen: set[type]) -> Iterator[inspect.StructType]:
    for info in infos:
        match info:
            case inspect.StructType() if info.cls not in seen:
                seen.add(info.cls)
                yield info
                yield from _structs([field.type for field in info.fields], seen)
            case inspect.Metadata():
                yield from _structs([info.type], seen)
            case inspect.UnionType():
                yield from _structs(info.types, seen)
            case inspect.ListType():
                yield from _structs([info.item_type], seen)
            case inspect.DictType():
                yield from _structs([info.value_type], seen)


def _is_always_sent(struct: type[msgspec.Struct], field: inspect.Field) -> bool:
    named = issubclass(struct, Document) and field.encode_name in struct.ALWAYS_SENT
    if field.required or named:
        return True
    defaults = field.default, field.default_factory
    may_be_unset = all(default is msgspec.NODEFAULT for default in defaults)
    return not may_be_unset and not struct.__struct_config__.omit_defaults


_encoder = msgspec.json.Encoder(enc_hook=_to_json, decimal_format="number")
