"""Pages of a list by the value that it is sorted by and the row's ID, in both directions: no page counts the rows before it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from math import isfinite
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import is_aware

from customers.models.orders import letters, words
from customers.typed_ids import to_uuid

#: Rows per page.
SIZE = 50
#: Counting stops here: more is shown as `1,000+`.
MOST_COUNTED = 1000

_LONGEST = 1000
_YEARS = range(1900, 9999)


class BadCursor(ValueError):
    """The place in the URL is none of this list."""


def text(value: Any) -> str:
    """Read a text of a cursor."""
    if not isinstance(value, str) or "\0" in value or len(value) > _LONGEST:
        raise BadCursor
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadCursor from None
    return value


def whole(value: Any) -> int:
    """Read a whole number of a cursor."""
    if type(value) is not int or abs(value) >= 2**63:
        raise BadCursor
    return value


def share(value: Any) -> float:
    """Read a number of a cursor."""
    if type(value) not in (int, float) or not isfinite(value):
        raise BadCursor
    return float(value)


def moment(value: Any) -> datetime:
    """Read a moment of a cursor."""
    try:
        found = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or not is_aware(found) or found.year not in _YEARS:
        raise BadCursor
    return found


def day(value: Any) -> date:
    """Read a day of a cursor."""
    try:
        found = parse_date(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.year not in _YEARS:
        raise BadCursor
    return found


@dataclass(frozen=True, slots=True)
class Order:
    """What a list can be sorted by.

    `key` is a field path or an expression. Rows with the same value are sorted by `tie`, the path of their ID that has an
    index with the key. Rows without a value (`nullable`) come last in both directions. `read` reads a value of a cursor.
    With `inverse`, the highest on the page is the lowest value of `key`, as days late are the highest of the oldest date.
    """

    key: Any
    read: Callable[[Any], Any]
    tie: str = "pk"
    nullable: bool = False
    inverse: bool = False
    #: Joins what `key` and `tie` are paths of.
    join: Callable[[QuerySet[Any]], QuerySet[Any]] | None = None


def by_words(name: str) -> Order:
    """The order by a text; rows without one come last. It needs an index of `words` and the ID."""
    return Order(words(name), text, nullable=True)


def by_customer_name() -> Order:
    """The order of rows of customers by the customer: the index of customers by name leads it."""
    return Order(letters("customer__name"), text)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two rows: next to the row with this value and ID, which is the `number`th of the list."""

    value: Any
    key: str
    number: int

    def __str__(self) -> str:
        value = self.value
        if isinstance(value, datetime | date):
            value = value.isoformat()
        return json.dumps([value, self.key, self.number], ensure_ascii=False, separators=(",", ":"))


def read_cursor(given: str, order: Order, prefixes: tuple[str, ...]) -> Cursor:
    """The place in a URL. Raises `BadCursor`."""
    try:
        value, key, number = json.loads(given)
    except (ValueError, TypeError, RecursionError):
        raise BadCursor from None
    if not isinstance(key, str) or to_uuid(key, prefixes) is None or type(number) is not int:
        raise BadCursor
    if not 1 <= number < 2**53:
        raise BadCursor
    if value is None and order.nullable:
        return Cursor(None, key, number)
    return Cursor(order.read(value), key, number)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a list. `first` is the number of the first one; `previous` and `next` are the places to continue from."""

    rows: list[Any]
    first: int
    previous: Cursor | None
    next: Cursor | None


def page_of_rows(
    rows: QuerySet[Any],
    order: Order,
    *,
    descending: bool = False,
    after: Cursor | None = None,
    before: Cursor | None = None,
    size: int = SIZE,
) -> Page:
    """The rows after or before a place, or the first ones. At most two queries, and two more at the beginning."""
    is_path = isinstance(order.key, str)
    path = order.key if is_path else "sort_value"
    if order.join is not None:
        rows = order.join(rows).annotate(sort_tie=F(order.tie))
        # A condition on a path would join the rows once more.
        order, path = replace(order, tie="sort_tie"), "sort_value"
    rows = rows.annotate(sort_value=F(order.key) if is_path else order.key)
    if before is not None:
        found = _walk(rows, order, path, descending, before, True, size + 1)
        if len(found) > size:
            found = found[:size][::-1]
            first = max(before.number - size, 1)
            return Page(found, first, _cursor(found[0], first), _cursor(found[-1], first + size - 1))
        after = None
    found = _walk(rows, order, path, descending, after, False, size + 1)
    first = after.number + 1 if after else 1
    more = len(found) > size
    found = found[:size]
    return Page(
        found,
        first,
        _cursor(found[0], first) if found and after else None,
        _cursor(found[-1], first + size - 1) if more else None,
    )


def _cursor(row: Any, number: int) -> Cursor:
    return Cursor(row.sort_value, str(row.pk), number)


def _walk(
    rows: QuerySet[Any],
    order: Order,
    path: str,
    descending: bool,
    place: Cursor | None,
    backward: bool,
    most: int,
) -> list[Any]:
    """Up to `most` rows from a place on, with those without a value last (first, if backward)."""
    parts = [False, True] if order.nullable else [False]
    if backward:
        parts.reverse()
    if place is not None and order.nullable:
        parts = parts[parts.index(place.value is None) :]
    falling = descending != backward
    comparison, sign = ("lt", "-") if falling else ("gt", "")
    found: list[Any] = []
    for position, empty in enumerate(parts):
        part = rows.filter(**{f"{path}__isnull": empty}) if order.nullable else rows
        tie = "pk" if empty else order.tie
        if place is not None and position == 0:
            beyond = Q(**{f"{tie}__{comparison}": place.key})
            if not empty:
                beyond |= Q(**{f"{path}__{comparison}": place.value})
                # The index is read from here on; the condition above only parts equal values.
                beyond &= Q(**{f"{path}__{comparison}e": place.value})
            part = part.filter(beyond)
        names = [f"{sign}{tie}"] if empty else [f"{sign}{path}", f"{sign}{tie}"]
        found += part.order_by(*names)[: most - len(found)]
        if len(found) >= most:
            break
    return found


def counted_rows(rows: QuerySet[Any]) -> int:
    """How many rows there are, at most one more than `MOST_COUNTED`."""
    return rows.order_by()[: MOST_COUNTED + 1].count()
