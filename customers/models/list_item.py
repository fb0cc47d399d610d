"""Rows that are an item of a list in a document."""

from __future__ import annotations

from django.db import models

from customers.models.customer_row import CustomerRow


class PartOfList(models.Model):
    """An item of a list in a document, with its position.

    An import deletes the imported items that a document no longer lists; items that a person added stay.
    """

    position = models.PositiveIntegerField(default=0, editable=False)
    imported = models.BooleanField(default=False, editable=False)

    class Meta:
        abstract = True


class ListItem(PartOfList, CustomerRow):
    """An item of a list that belongs to a customer."""

    class Meta:
        abstract = True
