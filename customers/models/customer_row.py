"""Rows that belong to a customer, and stay known as its own when it is merged into another."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from django.db import models

B = TypeVar("B", bound="Belonging")


class Belonging(models.Model):
    """A row of a customer's.

    When its customer is merged into another, the row goes to the survivor, and `came_with` is the customer that it
    came with: what arrives for that customer later is about this row, and undoing the merge gives it back.
    Empty: it has been the present customer's from the beginning.
    """

    came_with = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        # It is asked for together with the survivor, and only merging writes it.
        db_index=False,
        # It is what the customer of the row was a moment ago: checking it once more doubles what a merge costs. That a
        # merged customer is never deleted keeps it true (`customers.triggers`), and the doctor looks.
        db_constraint=False,
    )

    class Meta:
        abstract = True


def shown_once(rows: Iterable[B], key: Callable[[B], Hashable]) -> list[B]:
    """The customer's own rows first, then those that came with others; of several with one `key`, the first."""
    found: dict[Hashable, B] = {}
    for row in sorted(rows, key=lambda row: row.came_with_id is not None):
        found.setdefault(key(row), row)
    return list(found.values())
