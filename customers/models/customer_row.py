"""Rows that belong to a customer and remember it when it is merged into another."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from django.db import models

B = TypeVar("B", bound="CustomerRow")


class CustomerRow(models.Model):
    """A row of a customer.

    A merge gives the row to the survivor and sets `came_with` to the merged customer: later documents of that
    customer are about this row, and undoing the merge gives it back. Empty means that the row has always been the
    present customer's.
    """

    came_with = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        # No index: queries also filter by the survivor, which has one, and only merges write the column.
        db_index=False,
        # No constraint: a merge copies the value from `customer`, and a check would double the cost of a merge. A
        # merged customer is never deleted (`customers.triggers`), and `doctor` verifies the column.
        db_constraint=False,
    )

    class Meta:
        abstract = True


def default_of(rows: Iterable[B]) -> B | None:
    """The default of a customer's addresses or payment methods: its own, else that of a merged customer."""
    marked = [row for row in rows if getattr(row, "is_default", False)]
    return next(iter(shown_once(marked, lambda row: True)), None)


def shown_once(rows: Iterable[B], key: Callable[[B], Hashable]) -> list[B]:
    """One row per `key`: the customer's own rows first, then those that came with merged customers."""
    first: dict[Hashable, B] = {}
    for row in sorted(rows, key=lambda row: row.came_with_id is not None):
        first.setdefault(key(row), row)
    return list(first.values())
