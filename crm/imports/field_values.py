"""Write what tables say of custom fields that users enter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from crm.imports.document import FileCustomer
from crm.models import FieldDefinition, FieldValue
from customers.bulk import create_rows, update_rows
from customers.ingest.importer import Incoming


def write_field_values(
    batch: Sequence[Incoming[FileCustomer]], before: Mapping[str, FileCustomer], reason: str
) -> None:
    """Set the values that customers don't have yet, or have from an earlier file. What a user entered stays.

    `before` is what the latest file said, by the ID of the record.
    """
    named = {name for incoming in batch for name in incoming.document.fields or {}}
    if not named:
        return
    own = FieldDefinition.objects.filter(name__in=named, origin=FieldDefinition.Origin.OURS)
    fields = {field.name: field for field in own}
    held: dict[str, dict[Any, FieldValue]] = defaultdict(dict)
    rows = FieldValue.objects.filter(
        customer__in=[each.customer for each in batch], field__in=fields.values()
    ).order_by("pk")
    for row in sorted(rows, key=lambda row: row.came_with_id is not None):
        held[str(row.customer_id)].setdefault(row.field_id, row)
    new: list[FieldValue] = []
    changed: list[FieldValue] = []
    for incoming in batch:
        known = before.get(incoming.document.id)
        earlier = (known.fields or {}) if known else {}
        values = held[str(incoming.customer.pk)]
        for name, text in (incoming.document.fields or {}).items():
            field = fields.get(name)
            if field is None:
                # It was removed after the preview.
                continue
            if field.pk not in values:
                values[field.pk] = FieldValue(customer=incoming.customer, field=field, text=text)
                new.append(values[field.pk])
                continue
            held_row = values[field.pk]
            if held_row.text != text and held_row.text == earlier.get(name):
                held_row.text = text
                changed.append(held_row)
    create_rows(new, reason)
    update_rows(changed, ("text",), reason)
