"""The schema of the CRM document with keys in camelCase."""

from __future__ import annotations

from typing import Any

from customers.api.schemas import Components, Schema
from customers.json_types import JsonDocument
from customers.json_types.keys import camel

_SUFFIX = "InCamelCase"


def add_camel_case(kind: type[JsonDocument], components: Components) -> Schema:
    """Add the schema of `kind` with keys in camelCase, and all that it refers to, to `components`."""
    snake = Components()
    reference = snake.add(kind)
    for name, schema in snake.schemas.items():
        components.put(name + _SUFFIX, _with_camel_keys(schema))
    camel_reference: Schema = _pointing_to_camel(reference)
    return camel_reference


def _with_camel_keys(schema: Schema) -> Schema:
    renamed: Schema = _pointing_to_camel(schema)
    return {
        **renamed,
        "properties": {camel(name): each for name, each in renamed["properties"].items()},
        "required": [camel(name) for name in renamed["required"]],
    }


def _pointing_to_camel(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: value + _SUFFIX if key == "$ref" else _pointing_to_camel(value)
            for key, value in schema.items()
        }
    if isinstance(schema, list):
        return [_pointing_to_camel(item) for item in schema]
    return schema
