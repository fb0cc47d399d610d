"""The changes of customers, in the order of the transactions: reading them from a position, and deleting old ones.

PostgreSQL numbers a row when its transaction first writes, and transactions end in another order. So readers see only
what lies before the oldest transaction that still runs: no row can appear there any more. On SQLite one transaction
writes at a time, and a counter is enough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction
from django.db.models import Max, Q
from django.db.models.functions import Coalesce

from customers import clock
from customers.models import Customer, CustomerChange, Erasure
from customers.typed_ids import to_typed_id, uuid_of

#: Sorts before every customer. A row with it says that everything before it was deleted.
_NO_ONE = to_typed_id(UUID(int=0), "cus")


class ChangeKind(StrEnum):
    """What a client does with a customer that changed: read it again, or remove its copy."""

    CHANGED = "changed"
    MERGED = "merged"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two changes: after the row with this number and customer."""

    number: int
    customer_id: str = _NO_ONE

    @property
    def key(self) -> tuple[int, UUID]:
        """What positions are ordered by."""
        return self.number, uuid_of(self.customer_id)


@dataclass(frozen=True, slots=True)
class Change:
    """A customer that changed. The kind is what the customer is now, when the change is read."""

    customer_id: str
    kind: ChangeKind
    merged_into_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Changes:
    """Some changes, the position after them, and whether there are more."""

    changes: list[Change]
    next: Position
    has_more: bool


class Expired(Exception):
    """Changes after the position are deleted. `now` is the position to continue from after reading every customer."""

    def __init__(self, now: Position) -> None:
        super().__init__("changes after this position are deleted")
        self.now = now


def present() -> Position:
    """The position after all changes whose place is settled."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            ((number,),) = cursor.fetchall()
        return Position(number)
    last = CustomerChange.objects.aggregate(last=Coalesce(Max("number"), 0))
    return Position(last["last"] + 1)


def changes_after(position: Position | None, limit: int) -> Changes:
    """The first `limit` changes after `position`, or the oldest ones. Raises `Expired`."""
    # The order of these reads matters: what is committed before the first one is visible to the second, and a deletion
    # that the second one sees is visible to the third.
    end = present()
    rows = list(_between(position or Position(0), end)[: limit + 1])
    if position is not None and not _floor(end).key <= position.key <= end.key:
        # A position after the end is of another database, such as the one that this one was restored from.
        raise Expired(end)
    has_more = len(rows) > limit
    rows = rows[:limit]
    after = Position(rows[-1].number, rows[-1].customer_id) if has_more else end
    return Changes(_described(rows), after, has_more)


def has_changes_after(position: Position) -> bool:
    """Whether there may be changes after `position`: one short query, for readers that ask often.

    Also true where reading would raise `Expired`.
    """
    end = present()
    return position.key > end.key or _between(position, end).exists() or position.key < _floor(end).key


@transaction.atomic
def delete_changes(before: datetime | None) -> int:
    """Delete the changes before a moment, or all of them, and return how many. Positions before their end expire."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # One deletion at a time, so that the row for the last one is the first of all. Writers don't wait.
            cursor.execute(f"LOCK TABLE {CustomerChange._meta.db_table} IN SHARE UPDATE EXCLUSIVE MODE")
    settled = CustomerChange.objects.filter(number__lt=present().number)
    if before is None:
        last = present().number - 1
    else:
        old = settled.filter(at__lt=before).exclude(customer_id=_NO_ONE)
        last = old.aggregate(last=Max("number"))["last"]
        if last is None:
            return 0
    gone = settled.filter(number__lte=last)
    deleted, _ = gone.exclude(customer_id=_NO_ONE).delete()
    CustomerChange.objects.filter(customer_id=_NO_ONE).delete()
    CustomerChange.objects.create(number=last + 1, customer_id=_NO_ONE, at=clock.now())
    return deleted


def _between(position: Position, end: Position) -> models.QuerySet[CustomerChange]:
    later = Q(number__gt=position.number) | Q(number=position.number, customer_id__gt=position.customer_id)
    # The second condition is implied, but it lets the index find the start.
    rows = CustomerChange.objects.filter(later, number__gte=position.number, number__lt=end.number)
    return rows.exclude(customer_id=_NO_ONE).order_by("number", "customer_id")


def _floor(end: Position) -> Position:
    """The end of what was deleted: its row is the first one."""
    first = CustomerChange.objects.order_by("number", "customer_id").first()
    # After a dump is restored, numbers can be above all of this database.
    is_floor = first is not None and first.customer_id == _NO_ONE and first.number <= end.number
    return Position(first.number) if first is not None and is_floor else Position(0)


def _described(rows: Sequence[CustomerChange]) -> list[Change]:
    found: Any = Customer.objects.filter(pk__in=[row.customer_id for row in rows])
    survivors: dict[str, str | None] = dict(found.values_list("pk", "merged_into_id"))
    erased = Erasure.objects.filter(customer_id__in=list(survivors), person_id=None)
    for key in erased.values_list("customer_id", flat=True):
        del survivors[str(key)]
    return [
        Change(row.customer_id, _kind(row.customer_id, survivors), survivors.get(row.customer_id), row.at)
        for row in rows
    ]


def _kind(customer_id: str, survivors: Mapping[str, str | None]) -> ChangeKind:
    if customer_id not in survivors:
        return ChangeKind.ERASED
    return ChangeKind.CHANGED if survivors[customer_id] is None else ChangeKind.MERGED
