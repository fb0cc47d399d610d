"""Which rows a document of a merged customer may change: those that came with that customer, and no others.

The merged origin of a record is the customer that it was about before a merge; a row has the same in
`came_with`. A document that arrives under a merged customer's ID neither deletes nor repeats the rows that
the survivor had before the merge, and the survivor's documents leave the merged customer's rows alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from customers.ingest.accounts import rows_of_accounts
from customers.ingest.importer import Incoming

R = TypeVar("R", bound=Model)


def rows_at_origin(rows: QuerySet[R], batch: Iterable[Incoming[Any]], scope: str = "customer") -> QuerySet[R]:
    """Those of `rows` with the same merged origin as the records; `scope` is the path from a row to its customer."""
    places = [
        (str((each.merged_origin or each.customer).pk), str(each.customer.pk) if each.merged_origin else None)
        for each in batch
    ]
    return rows_of_accounts(rows, places, scope)
