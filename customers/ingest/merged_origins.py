"""Which rows a document of a merged customer may change: those that came with that customer, and no others.

The merged origin of a record is the customer that it was about before a merge; a row has the same in
`came_with`. A document that arrives under a merged customer's ID neither deletes nor repeats the rows that
the survivor had before the merge, and the survivor's documents leave the merged customer's rows alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from msgspec import UNSET

from customers.bulk import assign_values
from customers.ingest.importer import Incoming
from customers.json_types import JsonDocument

R = TypeVar("R", bound=Model)
D = TypeVar("D", bound=JsonDocument)


def rows_at_origin(rows: QuerySet[R], batch: Iterable[Incoming[Any]], scope: str = "customer") -> QuerySet[R]:
    """Those of `rows` with the same merged origin as the records; `scope` is the path from a row to its customer."""
    owner = scope.rpartition("__")[0]
    came_with = f"{owner}__came_with" if owner else "came_with"
    own: list[Any] = []
    merged: list[Any] = []
    origins: list[Any] = []
    for incoming in batch:
        if incoming.merged_origin is None:
            own.append(incoming.customer.pk)
        else:
            merged.append(incoming.customer.pk)
            origins.append(incoming.merged_origin.pk)
    condition = Q(**{f"{scope}__in": own, came_with: None})
    if merged:
        condition |= Q(**{f"{scope}__in": merged, f"{came_with}__in": origins})
    return rows.filter(condition)


def assign_changes(
    row: Model, incoming: Incoming[D], values_of: Callable[[Incoming[D], D], dict[str, Any]]
) -> bool:
    """Set the document's values on the customer's one row of a model; return whether any differed.

    If others were merged into the customer, several records set the same row. Then a record sets only values
    that changed since its previous document, and its first document only values that the row lacks.
    """
    values = values_of(incoming, incoming.document)
    if incoming.shares_customer and incoming.previous is not None:
        before = values_of(incoming, incoming.previous)
        values = {
            name: UNSET if before.get(name, UNSET) == value else value for name, value in values.items()
        }
    elif incoming.shares_customer and not row._state.adding:
        values = {name: UNSET if _is_known(row, name) else value for name, value in values.items()}
    return assign_values(row, values)


def _is_known(row: Model, name: str) -> bool:
    column: Any = row._meta.get_field(name)
    return bool(getattr(row, name) != column.get_default())
