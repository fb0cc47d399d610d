"""A customer as it was known at an instant: by what its history, and that of its rows, had recorded until then.

What belongs to a customer then is what came from its homes: itself, and the customers that were part of it then. So a
customer that was merged since answers as itself for the time before, and one that was given back is part of the
other for the time between.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils.formats import date_format

from customers.models import Customer

M = TypeVar("M", bound=Model)

#: How a history says that the row was deleted.
_DELETED = "-"


class NotKnownThen(LookupError):
    """The customer was not known at the instant; the message says since when it is."""


@dataclass(frozen=True, slots=True)
class KnownCustomer:
    """A customer as it was known at `at`, unsaved.

    `origin_ids` are its own key and those of what was part of it. `owner_ids` are these, and the keys of all that any
    of them was part of before: what came meanwhile is told as theirs.
    """

    customer: Customer
    origin_ids: frozenset[str]
    owner_ids: frozenset[str]
    at: datetime

    @property
    def key(self) -> str:
        """The customer's key."""
        return str(self.customer.pk)


def known_customers(found: Iterable[Customer], at: datetime) -> list[KnownCustomer]:
    """What `found` were, or were part of, at `at`; each once, and only those that were known then.

    The number of queries does not depend on how many there are, but on how often they were merged.
    """
    rows = _with_survivors({str(customer.pk) for customer in found}, at)
    survivors: dict[str, Customer] = {}
    for row in rows.values():
        survivor = row
        while survivor.merged_into_id in rows:
            survivor = rows[survivor.merged_into_id]
        survivors[str(survivor.pk)] = survivor
    homes = _homes(survivors, at)
    before = _survivors_before({home for each in homes.values() for home in each}, at)
    return [
        KnownCustomer(customer, homes[key], homes[key].union(*(before[home] for home in homes[key])), at)
        for key, customer in survivors.items()
    ]


def known_customer(customer: Customer, at: datetime) -> KnownCustomer:
    """What `customer` was, or was part of, at `at`. Raises `NotKnownThen`."""
    for known in known_customers([customer], at):
        return known
    raise not_known_then([customer])


def not_known_then(found: Sequence[Customer]) -> NotKnownThen:
    """What to raise where none of `found` were known; they are told by the first."""
    customer: Any = found[0]
    first = customer.history.order_by("history_date").values_list("history_date", flat=True).first()
    since = f" {date_format(first, 'Y-m-d H:i:s')} UTC" if first else ""
    return NotKnownThen(f"{customer.pk} was not known before{since}. Ask for a time after that.")


def known_at(model: type[M], known: KnownCustomer, *, owner: str = "customer") -> list[M]:
    """The customer's rows of `model` as they were known, unsaved, in the order of documents.

    `owner` is the foreign key by which a row belongs to a customer. Whichever home a row was of, it is shown as the
    customer's own: documents tell one customer's rows. Columns that the history does not keep have their defaults.
    Two queries at most.
    """
    column = f"{owner}_id"
    rows = latest_at(model, known.at, **{f"{owner}__in": known.owner_ids})
    ours = []
    for row in rows:
        home = row.came_with_id or getattr(row, column)
        if home in known.origin_ids:
            setattr(row, column, known.key)
            row.came_with_id = None if home == known.key else home
            ours.append(row)
    return in_order(ours)


def latest_at(model: type[M], at: datetime, **ever: object) -> list[Any]:
    """The rows of `model` that were like `ever` at any time until `at`, each as it was at `at`, unsaved.

    One query. Rows that were deleted by then are left out.
    """
    return [row_of(model, told) for told in last_history_rows(model, at, **ever) if not was_deleted(told)]


def last_history_rows(model: type[Model], at: datetime, **ever: object) -> list[Any]:
    """The last history row until `at` of each row of `model` that was like `ever` at any time until then."""
    kept: Any = model
    history: QuerySet[Any] = kept.history.filter(history_date__lte=at)
    ranked = history.filter(id__in=history.filter(**ever).values("id")).annotate(
        age=Window(RowNumber(), partition_by="id", order_by=["-history_date", "-history_id"])
    )
    return list(ranked.filter(age=1))


def was_deleted(told: Any) -> bool:
    """Whether a history row says that its row is no more."""
    return bool(told.history_type == _DELETED)


def row_of(model: type[M], told: Any) -> M:
    """The row that a history row tells of. Columns that the history does not keep have their defaults."""
    return model(**{field.attname: getattr(told, field.attname) for field in told.tracked_fields})


def in_order(rows: Iterable[M]) -> list[M]:
    """`rows` in the order that documents list them in."""
    return sorted(rows, key=lambda row: (getattr(row, "position", 0), str(row.pk)))


def _with_survivors(keys: set[str], at: datetime) -> dict[str, Customer]:
    """The customers with these keys as they were, and those that they were part of."""
    rows: dict[str, Customer] = {}
    wanted = keys
    while wanted:
        found = {str(row.pk): row for row in latest_at(Customer, at, id__in=wanted)}
        rows |= found
        wanted = {str(row.merged_into_id) for row in found.values() if row.merged_into_id} - rows.keys()
    return rows


def _homes(survivors: Collection[str], at: datetime) -> dict[str, frozenset[str]]:
    """By survivor, its own key and those of all that were part of it, directly or not."""
    home_of = {key: key for key in survivors}
    wanted = set(survivors)
    while wanted:
        part = latest_at(Customer, at, merged_into__in=wanted)
        new = {
            str(row.pk): home_of[row.merged_into_id]
            for row in part
            if row.merged_into_id in home_of and str(row.pk) not in home_of
        }
        home_of |= new
        wanted = set(new)
    return {
        key: frozenset(home for home, survivor in home_of.items() if survivor == key) for key in survivors
    }


def _survivors_before(homes: set[str], at: datetime) -> dict[str, set[str]]:
    """By home, the keys of all customers that it was ever part of until `at`, directly or not."""
    history: QuerySet[Any] = Customer.history.filter(history_date__lte=at, merged_into__isnull=False)
    into: dict[str, set[str]] = {}
    wanted = set(homes)
    while wanted:
        found: dict[str, set[str]] = {key: set() for key in wanted}
        for key, survivor in (
            history.filter(id__in=wanted).order_by().values_list("id", "merged_into").distinct()
        ):
            found[key].add(survivor)
        into |= found
        wanted = {survivor for each in found.values() for survivor in each} - into.keys()
    return {home: _reached(home, into) for home in homes}


def _reached(start: str, steps: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    wanted = {start}
    while wanted:
        reached |= wanted
        wanted = {each for key in wanted for each in steps[key]} - reached
    return reached
