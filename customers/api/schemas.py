"""The JSON Schemas that the description of the API shares between its endpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from customers.json_types import JsonDocument, json_schema

Schema: TypeAlias = dict[str, Any]

_PLACE = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class Body:
    """A request body: its schema, an example, and whether it is required."""

    schema: Schema
    example: object
    is_required: bool


class Components:
    """Schemas by name, which other schemas refer to."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}

    def add(self, kind: type[JsonDocument]) -> Schema:
        """Add the schema of `kind` and return a reference to it."""
        (schema,), found = json_schema([kind], _PLACE + "{name}")
        for name, component in found.items():
            self.put(name, component)
        return schema

    def put(self, name: str, schema: Schema) -> Schema:
        """Add `schema` under `name` and return a reference to it. Raises `ValueError` if another one has the name."""
        if self.schemas.setdefault(name, schema) != schema:
            raise ValueError(f"Two schemas are named {name}: give one of the types another name.")
        return {"$ref": _PLACE + name}
