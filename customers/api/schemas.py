"""The JSON Schemas that the description of the API shares between its endpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from customers.json_types import JsonDocument, json_schema

Schema: TypeAlias = dict[str, Any]

_PLACE = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries, an example of it, and whether it must carry it."""

    schema: Schema
    example: object
    is_required: bool


class Components:
    """Schemas by name, which others refer to."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}

    def add(self, kind: type[JsonDocument]) -> Schema:
        """The schema of `kind`: a reference to a component, which is there from now on."""
        (schema,), found = json_schema([kind], _PLACE + "{name}")
        for name, component in found.items():
            self.put(name, component)
        return schema

    def put(self, name: str, schema: Schema) -> Schema:
        """A reference to `schema`, which has this name from now on. Raises `ValueError` if another has it."""
        if self.schemas.setdefault(name, schema) != schema:
            raise ValueError(f"Two schemas are named {name}: give one of the types another name.")
        return {"$ref": _PLACE + name}
