"""Custom fields in JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from crm.custom_fields.types import ShownValue
from crm.custom_fields.values import definitions, values_of
from customers.json_types import plain_number

#: The permission to see them.
PERMISSION = "crm.view_fieldvalue"


def custom_fields_of(customer_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The custom fields of each customer that have a value, by the name of the field."""
    found = values_of(customer_ids, definitions())
    return {key: {name: _plain(shown) for name, shown in values.items()} for key, values in found.items()}


def _plain(shown: ShownValue) -> dict[str, Any]:
    return {
        "label": shown.field.label,
        "type": shown.field.type,
        "value": _value(shown),
        "fits": shown.fits,
    }


def _value(shown: ShownValue) -> Any:
    match shown.typed:
        case None:
            return shown.text
        case Decimal():
            return plain_number(shown.typed)
        case bool():
            return shown.typed
        case date():
            return shown.typed.isoformat()
        case _:
            return shown.typed
