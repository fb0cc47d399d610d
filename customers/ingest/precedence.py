"""What the records of sources say of a customer's own fields, since when, and whose word counts.

A claim is what one record says of one field, with the moment since which it says so. Who is right is asked of all
records of a customer together: the sources in the order of `SOURCE_PRECEDENCE`, and of one source the record whose
claim changed last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from customers.ingest.reader import canonical

#: The columns of a customer that sources speak of.
CLAIMED = (
    "name",
    "email",
    "phone",
    "status",
    "custom_data",
    "external_id",
    "stripe_id",
    "fingerprint",
    "created_at",
    "updated_at",
)
#: By these a source knows the customer; each home of records has its own.
IDENTIFIERS = ("external_id", "stripe_id")

_ORDER: Sequence[str] = ("payments", "billing", "crm")
#: When the customer was made is the payments platform's to say; others are heard only for a new one.
_ORDERS: dict[str, Sequence[str]] = {"created_at": ("payments",), "updated_at": ("payments",)}
_MOMENTS = ("created_at", "updated_at")
_NULLABLE = ("custom_data", "external_id", "stripe_id")

#: By field: the `value` (null where the source says that there is none) and `since` when, in ISO 8601.
Claims = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Statement:
    """The claims of one record; `key` tells it from others that say the same since the same moment."""

    source: str
    claims: Claims
    key: str = ""


def restated(claims: Claims, said: dict[str, Any], at: datetime) -> Claims:
    """`claims` after a document that said so `at` that moment. What it does not mention is still claimed."""
    now = at.astimezone(UTC).isoformat(timespec="microseconds")
    new = dict(claims)
    for name, value in said.items():
        plain = value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        if name not in claims or not same(claims[name]["value"], plain):
            new[name] = {"value": plain, "since": now}
    return new


def same(one: Any, other: Any) -> bool:
    """Whether two values are one in JSON: `1` and `1.0` are, `1` and `true` are not."""
    if isinstance(one, str) or isinstance(other, str) or one is None or other is None:
        return bool(one == other)
    return canonical(one) == canonical(other)


def is_empty(value: Any) -> bool:
    """Whether a claim says that there is nothing."""
    return value is None or value == ""


def order_of(name: str) -> Sequence[str]:
    """The sources that may decide a field, the most trusted first."""
    configured: Sequence[str] = settings.SOURCE_PRECEDENCE.get(name, ())
    return configured or _ORDERS.get(name, _ORDER)


def ranked(name: str, statements: Iterable[Statement]) -> list[Statement]:
    """Those who say something of a field, whoever is right first. Who says it is empty is right only if all do."""
    order = order_of(name)
    speaking = [each for each in statements if name in each.claims and each.source in order]
    speaking.sort(key=lambda each: (each.claims[name]["since"], each.key), reverse=True)
    return sorted(speaking, key=lambda each: (is_empty(each.claims[name]["value"]), order.index(each.source)))


def decided(before: Sequence[Statement], after: Sequence[Statement], names: Iterable[str]) -> dict[str, Any]:
    """The columns among `names` whose winning value is another `after` than it was `before`.

    What a person or a merge has decided in the meantime stays where the sources' verdict stays.
    """
    columns: dict[str, Any] = {}
    for name in names:
        now = ranked(name, after)
        if not now:
            continue
        value = now[0].claims[name]["value"]
        then = ranked(name, before)
        if not then or not same(then[0].claims[name]["value"], value):
            columns[name] = column(name, value)
    return columns


def column(name: str, value: Any) -> Any:
    """What a claim's value is in the customer's column."""
    if is_empty(value):
        return None if name in _NULLABLE else ""
    return datetime.fromisoformat(value) if name in _MOMENTS else value


def said_value(claims: Claims, name: str) -> Any:
    """What a record says of a field; None where it says nothing."""
    return claims.get(name, {}).get("value")
