"""Keyset pages of a list: each page begins after the last row of the page before.

A row that is added or deleted in between neither repeats nor hides another one, and late pages cost no more than the
first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.core.signing import BadSignature, Signer
from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Left

M = TypeVar("M", bound=Model)

#: Texts are compared by their first characters, so that a cursor fits into a URL.
_TEXT_LENGTH = 100


class BadCursor(ValueError):
    """The text isn't a cursor of this list in this order."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order of a list: by `key`, which is never null, then by primary key in the same direction.

    `name` is the value of `?order=`, with a minus sign for descending. `to_text` and `from_text` convert the value
    of the key for a cursor.
    """

    name: str
    key: Combinable
    to_text: Callable[[Any], str]
    from_text: Callable[[str], Any]

    @property
    def is_descending(self) -> bool:
        return self.name.startswith("-")


def orders_by_time(name: str, column: str | None = None) -> tuple[Order, Order]:
    """By a time, ascending and descending."""
    return _both_ways(name, F(column or name), datetime.isoformat, datetime.fromisoformat)


def orders_by_text(name: str, column: str | None = None) -> tuple[Order, Order]:
    """By the first 100 characters of a text, in the order of the database."""
    return _both_ways(name, Left(column or name, _TEXT_LENGTH), str, str)


def orders_by_number(name: str, column: str | None = None) -> tuple[Order, Order]:
    """By a whole number, ascending and descending."""
    return _both_ways(name, F(column or name), str, int)


def orders_by_id() -> tuple[Order, Order]:
    """By typed ID, which is the order in which the rows were added here; any list has an index for it."""
    return _both_ways("id", F("pk"), str, str)


def _both_ways(
    name: str, key: Combinable, to_text: Callable[[Any], str], from_text: Callable[[str], Any]
) -> tuple[Order, Order]:
    return Order(name, key, to_text, from_text), Order(f"-{name}", key, to_text, from_text)


@dataclass(frozen=True, slots=True)
class KeysetPage(Generic[M]):
    """Rows of a list, and the cursor of the next page; None on the last one."""

    rows: Sequence[M]
    next_cursor: str | None


def page_of(
    rows: QuerySet[M], order: Order, limit: int, after: str | None = None, *, skip: int = 0
) -> KeysetPage[M]:
    """The first `limit` of `rows` in this order, after the cursor or after `skip` rows, in one query.

    Raises `BadCursor`.
    """
    ordered = _in_order(rows, order)
    if after is not None:
        key, pk = _read_cursor(ordered, order, after)
        side = "lt" if order.is_descending else "gt"
        # The second condition is implied, but it lets an index on the key find the start.
        ordered = ordered.filter(
            Q(**{f"page_key__{side}": key}) | Q(page_key=key, **{f"pk__{side}": pk}),
            **{f"page_key__{side}e": key},
        )
    found: list[Any] = list(ordered[skip : skip + limit + 1])
    is_last = len(found) <= limit
    return KeysetPage(found[:limit], None if is_last else _cursor(ordered, order, found[limit - 1]))


def _in_order(rows: QuerySet[M], order: Order) -> QuerySet[M]:
    sign = "-" if order.is_descending else ""
    keyed: Any = rows.annotate(page_key=order.key)
    ordered: QuerySet[M] = keyed.order_by(f"{sign}page_key", f"{sign}pk")
    return ordered


def _signer(rows: QuerySet[Any], order: Order) -> Signer:
    return Signer(salt=f"{__name__}:{rows.model._meta.label}:{order.name}")


def _cursor(rows: QuerySet[Any], order: Order, row: Any) -> str:
    return _signer(rows, order).sign_object([order.to_text(row.page_key), str(row.pk)])


def _read_cursor(rows: QuerySet[Any], order: Order, cursor: str) -> tuple[Any, str]:
    try:
        key, pk = _signer(rows, order).unsign_object(cursor)
    except BadSignature:
        raise BadCursor(
            "is not a cursor of this list in this order. Leave it out to start at the beginning."
        ) from None
    return order.from_text(key), pk
