"""A customer as it was known at a time, read from its history and the histories of its rows.

Each row belongs to the customer that it came from. At any time a customer has its own rows and those of the
customers that were merged into it then. So a merged customer has its rows before the merge and again after an
undo; in between, the survivor has them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db.models import Model, QuerySet, Window
from django.db.models.functions import RowNumber

from customers.models import Customer

M = TypeVar("M", bound=Model)

#: The history type of a deletion.
_DELETED = "-"


class NotKnownThen(LookupError):
    """The customer was not known at that time; the message says when it first was."""


@dataclass(frozen=True, slots=True)
class KnownCustomer:
    """A customer as it was known at `at`, unsaved.

    `origin_ids` are its own key and the keys of the customers that were merged into it at `at`. `owner_ids` adds every
    customer that any of these was ever merged into, because their rows may have been recorded there.
    """

    customer: Customer
    origin_ids: frozenset[str]
    owner_ids: frozenset[str]
    at: datetime

    @property
    def key(self) -> str:
        return str(self.customer.pk)


def known_customers(found: Iterable[Customer], at: datetime) -> list[KnownCustomer]:
    """The customers `found`, or their survivors, as they were at `at`; each once, and only those known then.

    The number of queries depends only on how often they were merged.
    """
    rows = _with_survivors({str(customer.pk) for customer in found}, at)
    survivors: dict[str, Customer] = {}
    for row in rows.values():
        survivor = row
        while survivor.merged_into_id in rows:
            survivor = rows[survivor.merged_into_id]
        survivors[str(survivor.pk)] = survivor
    origins = _origins(survivors, at)
    before = _survivors_before({origin for each in origins.values() for origin in each}, at)
    return [
        KnownCustomer(
            customer, origins[key], origins[key].union(*(before[origin] for origin in origins[key])), at
        )
        for key, customer in survivors.items()
    ]


def known_customer(customer: Customer, at: datetime) -> KnownCustomer:
    """`customer`, or its survivor, as it was at `at`. Raises `NotKnownThen`."""
    for known in known_customers([customer], at):
        return known
    raise not_known_then([customer])


def not_known_then(found: Sequence[Customer]) -> NotKnownThen:
    """The error if none of `found` were known then; it names the first."""
    customer: Any = found[0]
    first = customer.history.order_by("history_date").values_list("history_date", flat=True).first()
    since = f" {first.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if first else ""
    return NotKnownThen(f"{customer.pk} was not known before{since}. Use a later time.")


def known_at(model: type[M], known: KnownCustomer, *, owner: str = "customer") -> list[M]:
    """The customer's rows of `model` as they were known, unsaved, in the order of documents.

    `owner` is the foreign key to the customer. All rows get the known customer as their owner, because a document
    shows the rows of one customer. Columns that the history does not keep have their defaults. Two queries at most.
    """
    column = f"{owner}_id"
    rows = latest_at(model, known.at, **{f"{owner}__in": known.owner_ids})
    ours = []
    for row in rows:
        origin = row.came_with_id or getattr(row, column)
        if origin in known.origin_ids:
            setattr(row, column, known.key)
            row.came_with_id = None if origin == known.key else origin
            ours.append(row)
    return in_order(ours)


def latest_at(model: type[M], at: datetime, **ever: object) -> list[Any]:
    """The rows of `model` that matched `ever` at any time until `at`, each as it was at `at`, unsaved.

    One query. Rows that were deleted by then are left out.
    """
    return [row_of(model, last) for last in last_history_rows(model, at, **ever) if not was_deleted(last)]


def last_history_rows(model: type[Model], at: datetime, **ever: object) -> list[Any]:
    """The last history row until `at` of each row of `model` that matched `ever` at any time until then."""
    kept: Any = model
    history: QuerySet[Any] = kept.history.filter(history_date__lte=at)
    ranked = history.filter(id__in=history.filter(**ever).values("id")).annotate(
        age=Window(RowNumber(), partition_by="id", order_by=["-history_date", "-history_id"])
    )
    return list(ranked.filter(age=1))


def was_deleted(history_row: Any) -> bool:
    """Whether the history row is a deletion."""
    return bool(history_row.history_type == _DELETED)


def row_of(model: type[M], history_row: Any) -> M:
    """The row as a history row holds it. Columns that the history does not keep have their defaults."""
    return model(
        **{field.attname: getattr(history_row, field.attname) for field in history_row.tracked_fields}
    )


def in_order(rows: Iterable[M]) -> list[M]:
    """`rows` in the order of documents."""
    return sorted(rows, key=lambda row: (getattr(row, "position", 0), str(row.pk)))


def _with_survivors(keys: set[str], at: datetime) -> dict[str, Customer]:
    """The customers with these keys as they were, and their survivors."""
    rows: dict[str, Customer] = {}
    wanted = keys
    while wanted:
        found = {str(row.pk): row for row in latest_at(Customer, at, id__in=wanted)}
        rows |= found
        wanted = {str(row.merged_into_id) for row in found.values() if row.merged_into_id} - rows.keys()
    return rows


def _origins(survivors: Collection[str], at: datetime) -> dict[str, frozenset[str]]:
    """By survivor, its own key and those of all customers merged into it, directly or not."""
    survivor_by_origin = {key: key for key in survivors}
    wanted = set(survivors)
    while wanted:
        merged = latest_at(Customer, at, merged_into__in=wanted)
        new = {
            str(row.pk): survivor_by_origin[row.merged_into_id]
            for row in merged
            if row.merged_into_id in survivor_by_origin and str(row.pk) not in survivor_by_origin
        }
        survivor_by_origin |= new
        wanted = set(new)
    return {
        key: frozenset(origin for origin, survivor in survivor_by_origin.items() if survivor == key)
        for key in survivors
    }


def _survivors_before(origins: set[str], at: datetime) -> dict[str, set[str]]:
    """By customer, the keys of all customers that it was ever merged into until `at`, directly or not."""
    history: QuerySet[Any] = Customer.history.filter(history_date__lte=at, merged_into__isnull=False)
    into: dict[str, set[str]] = {}
    wanted = set(origins)
    while wanted:
        found: dict[str, set[str]] = {key: set() for key in wanted}
        for key, survivor in (
            history.filter(id__in=wanted).order_by().values_list("id", "merged_into").distinct()
        ):
            found[key].add(survivor)
        into |= found
        wanted = {survivor for each in found.values() for survivor in each} - into.keys()
    return {origin: _reachable(origin, into) for origin in origins}


def _reachable(start: str, steps: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    wanted = {start}
    while wanted:
        reached |= wanted
        wanted = {each for key in wanted for each in steps[key]} - reached
    return reached
