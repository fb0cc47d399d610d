"""Rows as JSON, from which they can be restored column by column."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.models import Field, Model

_PLAIN = (str, bool, int, float, list, dict)


def as_json(row: Model, column: str) -> Any:
    """The value of a column as JSON; `from_json` restores an equal value."""
    return _value_of(row, _field(type(row), column))


def _value_of(row: Model, field: Field[Any, Any]) -> Any:
    value = getattr(row, field.attname)
    return value if value is None or isinstance(value, _PLAIN) else field.value_to_string(row)


def from_json(model: type[Model], column: str, value: Any) -> Any:
    """The value that `as_json` was given."""
    field = _field(model, column)
    if value is None or field.get_internal_type() == "JSONField":
        return value
    return field.to_python(value)


def take_snapshot(row: Model) -> dict[str, Any]:
    """Every column of the row, with the label of its model."""
    columns = {field.attname: _value_of(row, field) for field in row._meta.concrete_fields}
    return {"model": row._meta.label, "columns": columns}


def restore_snapshot(snapshot: dict[str, Any]) -> Model:
    """The row of a snapshot, with its key; the caller inserts it."""
    model = apps.get_model(snapshot["model"])
    row: Model = model(**{name: from_json(model, name, value) for name, value in snapshot["columns"].items()})
    return row


def _field(model: type[Model], column: str) -> Field[Any, Any]:
    return next(field for field in model._meta.concrete_fields if field.attname == column)
