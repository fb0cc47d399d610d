"""Expressions that lists sort by, so that an index can be of the same one."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Func, Value
from django.db.models.functions import Lower, NullIf


class Literal(Value):
    """A constant text or day within the SQL: an index of an expression doesn't match one with a parameter."""

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[()]]:
        text = str(self.value).replace("'", "''").replace("%", "%%")
        return f"'{text}'", ()

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[()]]:
        sql, none = self.as_sql(compiler, connection)
        return (sql if isinstance(self.value, str) else f"DATE {sql}"), none


class Beginning(Func):
    """The first 200 characters of a text: PostgreSQL refuses an entry of an index above 2,704 bytes."""

    function = "SUBSTR"
    template = "%(function)s(%(expressions)s, 1, 200)"
    output_field = CharField()


def letters(name: str) -> Beginning:
    """A text in lowercase, as far as lists sort by it."""
    return Beginning(Lower(name))


def words(name: str) -> NullIf:
    """The same; no value if it is blank."""
    return NullIf(letters(name), Literal(""))
