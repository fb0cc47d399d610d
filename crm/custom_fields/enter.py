"""Enter and clear values of custom fields that users keep."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from crm.custom_fields.types import read_entered
from crm.models import FieldDefinition, FieldValue
from customers.models import Customer


def value_row(customer: Customer, field: FieldDefinition) -> FieldValue | None:
    """The customer's value of a field: its own, else the first that came with a merged customer."""
    rows = FieldValue.objects.filter(customer=customer, field=field).order_by("pk")
    return min(rows, key=lambda row: row.came_with_id is not None, default=None)


@transaction.atomic
def enter_value(customer: Customer, field: FieldDefinition, text: str, *, by: Any) -> None:
    """Set the value of a field of a locked customer to what a user entered; an empty text clears it.

    The rows of merged customers stay as they are, so that undoing the merge gives them back. An empty row hides them.
    Raises `BadFieldValue`.
    """
    stored = read_entered(field, text)
    rows = FieldValue.objects.filter(customer=customer, field=field)
    row: Any = rows.filter(came_with=None).first()
    hides = rows.exclude(came_with=None).exists()
    if row is None:
        if not stored and not hides:
            return
        row = FieldValue(customer=customer, field=field)
    elif row.text == stored:
        return
    row._history_user = by
    if stored or hides:
        row.text = stored
        row.save()
    else:
        row.delete()


@transaction.atomic
def forget_value(customer: Customer, field: FieldDefinition, *, by: Any) -> None:
    """Delete the customer's own value of a field; that of a merged customer shows again."""
    row: Any = FieldValue.objects.filter(customer=customer, field=field, came_with=None).first()
    if row is not None:
        row._history_user = by
        row.delete()
