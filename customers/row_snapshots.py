"""Rows as JSON, to be brought back column for column as they were."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.models import Field, Model

_PLAIN = (str, bool, int, float, list, dict)


def as_json(row: Model, column: str) -> Any:
    """The value of a column as JSON holds it; `from_json` gives it back equal."""
    field = _field(type(row), column)
    value = getattr(row, column)
    return value if value is None or isinstance(value, _PLAIN) else field.value_to_string(row)


def from_json(model: type[Model], column: str, value: Any) -> Any:
    """What `as_json` was given."""
    field = _field(model, column)
    if value is None or field.get_internal_type() == "JSONField":
        return value
    return field.to_python(value)


def take_snapshot(row: Model) -> dict[str, Any]:
    """Every column of the row, with the name of its model."""
    columns = {field.attname: as_json(row, field.attname) for field in row._meta.concrete_fields}
    return {"model": row._meta.label, "columns": columns}


def restore_snapshot(away: dict[str, Any]) -> Model:
    """The row that was put away, with its key; it is to be inserted."""
    model = apps.get_model(away["model"])
    row: Model = model(**{name: from_json(model, name, value) for name, value in away["columns"].items()})
    return row


def _field(model: type[Model], column: str) -> Field[Any, Any]:
    return next(field for field in model._meta.concrete_fields if field.attname == column)
