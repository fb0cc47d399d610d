"""Reasons, rules, and what the rules have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Count, F, Model, QuerySet, Window
from django.db.models.functions import RowNumber

M = TypeVar("M", bound=Model)

#: The most reasons of one rule that a customer has; one more reason counts the rest.
MOST = 3


@dataclass(frozen=True, slots=True)
class WorklistBatch:
    """The customers that the rules look at, and the moment that counts as now."""

    customer_ids: Sequence[str]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a customer needs attention, in words that follow its name.

    A decision applies to one `key`, so the key names the subject and how far it has come: when it changes, users
    decide again. `weight` is from 1 to 100. Without `since`, the reason counts from when it was first found. It is on
    the list of the account manager, or of the user `person_id`.
    `act` is what settles it, as `act_on` writes it.
    """

    customer_id: str
    rule: str
    key: str
    words: str
    weight: int
    since: datetime | None = None
    link: str = ""
    act: str = ""
    person_id: Any = None


Find = Callable[[WorklistBatch], Iterator[Reason]]


@dataclass(frozen=True, slots=True)
class WorklistRule:
    """A rule: its name in the table, its title and description on the page, and the permission to see its reasons.

    `action` is the text of the link that a reason has; empty if that leads to the customer's own page.
    """

    name: str
    title: str
    description: str
    permission: str
    action: str = ""


def act_on(name: str, key: Any) -> str:
    """The act `name` on the row with this key, as a reason stores it."""
    return f"{name}:{key}"


def first_of_each(rows: QuerySet[M], *order: str) -> Any:
    """The first `MOST` rows of each customer by `order`, with `place` and `in_all`, the customer's number of rows."""
    by_customer: dict[str, Any] = {"partition_by": [F("customer_id")]}
    numbered = rows.order_by().annotate(
        in_all=Window(Count("pk"), **by_customer),
        place=Window(RowNumber(), order_by=list(order), **by_customer),
    )
    return numbered.filter(place__lte=MOST)


def rows_left_out(row: Any) -> int:
    """How many rows of the customer `first_of_each` left out, if `row` is the last that it returned; else 0."""
    more: int = row.in_all - MOST
    return more if row.place == MOST and more > 0 else 0
