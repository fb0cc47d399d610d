"""Rows that belong to a customer, and stay known as its own when it is merged into another."""

from __future__ import annotations

from django.db import models


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
    )

    class Meta:
        abstract = True
