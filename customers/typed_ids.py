"""Typed IDs: a UUIDv7 in the database, a TypeID (`cus_01h3…`) for people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import uuid_utils
from django.core.exceptions import ValidationError
from django.db import models
from typeid import TypeID
from typeid.errors import TypeIDException

if TYPE_CHECKING:
    _UUIDField = models.UUIDField[Any, Any]
else:
    _UUIDField = models.UUIDField


def new_typed_id(prefix: str) -> str:
    """A new ID; later IDs sort later."""
    return str(TypeID(prefix=prefix))


def new_uuid_text() -> str:
    """The UUID of a new ID, for rows that are written without the ORM."""
    return str(uuid_utils.uuid7())


def to_uuid(typed_id: str, prefixes: tuple[str, ...]) -> UUID | None:
    """The UUID of a well-formed `typed_id` under one of `prefixes`; None for anything else."""
    try:
        prefix, found = _parsed(typed_id)
    except TypeIDException:
        return None
    return found if prefix in prefixes else None


def uuid_of(typed_id: str) -> UUID:
    """The UUID of a typed ID with any prefix."""
    return _parsed(typed_id)[1]


# A batch of writes gives the same IDs to the database many times over. Text that is no ID raises, and is not kept.
@lru_cache(maxsize=8192)
def _parsed(typed_id: str) -> tuple[str, UUID]:
    """The prefix and the UUID. Raises `TypeIDException`."""
    parsed = TypeID.from_string(typed_id)
    return parsed.prefix, UUID(bytes=bytes(parsed.uuid_bytes))


def created_at(typed_id: str) -> datetime:
    """When Clientele made this ID, to the millisecond. For an ID from elsewhere, the result means nothing."""
    return datetime.fromtimestamp((uuid_of(typed_id).int >> 80) / 1000, UTC)


def to_typed_id(value: UUID, prefix: str) -> str:
    """The TypeID of `value`."""
    return str(TypeID.from_uuid(cast("Any", value), prefix))


def with_prefix(typed_id: str, prefix: str) -> str:
    """The same ID with another prefix: a payment method shows the prefix of its type."""
    return f"{prefix}_{typed_id.rpartition('_')[2]}"


class TypedIdField(_UUIDField):
    """A primary key that reads and writes as a TypeID.

    `prefix` is shown; `also` are prefixes that find the same row.
    """

    description = "Typed id: a UUIDv7 shown as a TypeID"

    def __init__(self, prefix: str, also: tuple[str, ...] = (), **options: Any) -> None:
        self.prefix = prefix
        self.also = tuple(also)
        super().__init__(**options)

    def set_attributes_from_name(self, name: str) -> None:
        if not self.verbose_name and name == "id":
            # Django would write "Id".
            self.verbose_name = "ID"
        super().set_attributes_from_name(name)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, options = super().deconstruct()
        options["prefix"] = self.prefix
        if self.also:
            options["also"] = self.also
        return name, path, args, options

    def get_default(self) -> Any:
        return new_typed_id(self.prefix) if self.primary_key else super().get_default()

    def has_default(self) -> bool:
        return self.primary_key or super().has_default()

    def _to_uuid(self, value: Any) -> UUID:
        if isinstance(value, UUID):
            return value
        found = to_uuid(str(value), (self.prefix, *self.also))
        if found is None:
            raise ValidationError(
                "Enter an ID that begins with %(prefix)s_.",
                code="invalid",
                params={"value": value, "prefix": self.prefix},
            )
        return found

    def to_python(self, value: Any) -> str | None:
        if value is None:
            return None
        return to_typed_id(self._to_uuid(value), self.prefix)

    def from_db_value(self, value: UUID | None, expression: Any, connection: Any) -> str | None:
        return None if value is None else to_typed_id(value, self.prefix)

    def get_prep_value(self, value: Any) -> UUID | None:
        return None if value is None else self._to_uuid(value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if value is None:
            return None
        found = self._to_uuid(value)
        return found if connection.features.has_native_uuid_field else found.hex

    def formfield(self, **options: Any) -> Any:
        from_char_field: Any = super(models.UUIDField, self).formfield(**options)
        return from_char_field
