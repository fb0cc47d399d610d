"""What a rule says of a customer, and what rules have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Count, F, Model, QuerySet, Window
from django.db.models.functions import RowNumber
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime

M = TypeVar("M", bound=Model)

#: How many reasons of one kind a customer has at most: the rest are told by their number.
MOST = 3


@dataclass(frozen=True, slots=True)
class WorklistBatch:
    """Customers to look at, and the moment at which."""

    customer_ids: Sequence[str]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a customer needs attention, in words that stand after its name.

    `key` says what it is about and how far it has come: what was decided of a reason is decided of its key. `weight`
    is how much it matters, from 1 to 100. Without `since`, it is so since it was found first. It is for the owner of
    the account, unless `person_id` is another user's.
    """

    customer_id: str
    rule: str
    key: str
    words: str
    weight: int
    since: datetime | None = None
    link: str = ""
    person_id: Any = None


Find = Callable[[WorklistBatch], Iterator[Reason]]


@dataclass(frozen=True, slots=True)
class WorklistRule:
    """A rule: the name under which its reasons are kept, what a filter calls it, what it looks for, who may see it."""

    name: str
    title: str
    means: str
    permission: str


def first_of_each(rows: QuerySet[M], *order: str) -> Any:
    """At most `MOST` rows of each customer, the first by `order`; each has `in_all`, the number of the customer's."""
    by_customer: dict[str, Any] = {"partition_by": [F("customer_id")]}
    numbered = rows.order_by().annotate(
        in_all=Window(Count("pk"), **by_customer),
        place=Window(RowNumber(), order_by=list(order), **by_customer),
    )
    return numbered.filter(place__lte=MOST)


def beyond(row: Any) -> int:
    """After the last row of a customer from `first_of_each`: how many more there are. After any other: 0."""
    more: int = row.in_all - MOST
    return more if row.place == MOST and more > 0 else 0


def customer_page(customer_id: str) -> str:
    """The address of the page of a customer."""
    return reverse("desk-customer", args=[customer_id])


def days_between(start: datetime, end: datetime) -> int:
    """How many midnights lie between two moments, in the time zone of the installation."""
    return (localtime(end).date() - localtime(start).date()).days


def days(number: int) -> str:
    """`1 day`, `18 days`."""
    return f"{number:,} day{'' if number == 1 else 's'}"


def on_day(moment: datetime, now: datetime) -> str:
    """`3 Dec`, with the year where it is not this one."""
    day = localtime(moment)
    return date_format(day, "j M" if day.year == localtime(now).year else "j M Y")


def soon(moment: datetime, now: datetime) -> str:
    """`today`, `tomorrow`, `Friday`, `on 3 Dec`: a day that lies ahead."""
    left = days_between(now, moment)
    if left <= 0:
        return "today"
    if left == 1:
        return "tomorrow"
    return date_format(localtime(moment), "l") if left < 7 else f"on {on_day(moment, now)}"
