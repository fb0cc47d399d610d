"""Rows that are an item of a list in a document."""

from __future__ import annotations

from django.db import models

from customers.models.customer_row import Belonging


class Listed(Belonging):
    """An item of a list in a document: it keeps its place, and whether a document or a person put it there.

    An import takes away what documents put there and no longer list; what a person added, it leaves alone.
    """

    position = models.PositiveIntegerField(default=0, editable=False)
    imported = models.BooleanField(default=False, editable=False)

    class Meta:
        abstract = True
