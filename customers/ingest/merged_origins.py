"""What the documents of a merged customer still speak for: the rows that came with it, and no others.

A record's home is the customer that it was about before any merge. Rows know theirs by `came_with`. So what arrives
under an old id neither takes away nor repeats what the survivor had of its own, and the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from msgspec import UNSET

from customers.bulk import assign_values
from customers.ingest.engine import Incoming
from customers.json_types import JsonDocument

R = TypeVar("R", bound=Model)
D = TypeVar("D", bound=JsonDocument)


def rows_at_origin(rows: QuerySet[R], batch: Iterable[Incoming[Any]], scope: str = "customer") -> QuerySet[R]:
    """Those of `rows` that are at the homes of the records; `scope` is the path from a row to its customer."""
    own: list[Any] = []
    merged: list[Any] = []
    homes: list[Any] = []
    for incoming in batch:
        if incoming.merged_origin is None:
            own.append(incoming.customer.pk)
        else:
            merged.append(incoming.customer.pk)
            homes.append(incoming.merged_origin.pk)
    condition = Q(**{f"{scope}__in": own}, came_with=None)
    if merged:
        condition |= Q(**{f"{scope}__in": merged}, came_with__in=homes)
    return rows.filter(condition)


def assign_changes(
    row: Model, incoming: Incoming[D], values_of: Callable[[Incoming[D], D], dict[str, Any]]
) -> bool:
    """Set on the one row that a customer has what the document says (see `assign_values`); say if any differed.

    Where others were merged into the customer, several records speak of the one row: then only what a record
    says otherwise than the time before counts, and of one that speaks for the first time what nobody has said.
    """
    said = values_of(incoming, incoming.document)
    if incoming.shares_customer and incoming.previous is not None:
        before = values_of(incoming, incoming.previous)
        said = {name: UNSET if before.get(name, UNSET) == value else value for name, value in said.items()}
    elif incoming.shares_customer and not row._state.adding:
        said = {name: UNSET if _is_known(row, name) else value for name, value in said.items()}
    return assign_values(row, said)


def _is_known(row: Model, name: str) -> bool:
    column: Any = row._meta.get_field(name)
    return bool(getattr(row, name) != column.get_default())
