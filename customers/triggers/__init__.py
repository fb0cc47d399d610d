"""Database triggers that follow the models: the guards of merges, and the outbox of changes.

Each `migrate` ends by creating missing triggers and replacing those with another text, so a new table with a
customer has them too. SQLite cannot rebuild a table that a trigger on another table names, so on SQLite the
triggers are dropped while migrations run, and rows that a migration changes are not in the outbox.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate

from customers.triggers import merge_guards, outbox
from customers.triggers.merge_guards import owned

__all__ = ["connect", "install", "names", "owned", "remove"]

_CUSTOMERS = "customers_customer"


def names(vendor: str) -> set[str]:
    """The names of all triggers of this package."""
    return {trigger[0] for trigger in _triggers(vendor, owned())}


def install(using: str) -> None:
    """Create the triggers that are missing or have another text, on the tables that exist."""
    connection = connections[using]
    with connection.cursor() as cursor:
        existing_tables = set(connection.introspection.table_names(cursor))
        # Some are missing if only the migrations up to a former one are applied.
        if not {_CUSTOMERS, outbox.TABLE} <= existing_tables:
            return
        tables = {table: column for table, column in owned().items() if table in existing_tables}
        wanted = (each for each in _triggers(connection.vendor, tables) if each[1] in existing_tables)
        if connection.vendor == "postgresql":
            _install_on_postgresql(cursor, _functions(tables), wanted)
        else:
            cursor.execute(outbox.INDEX_ON_SQLITE)
            _install_on_sqlite(cursor, wanted)


def remove(using: str) -> None:
    """Drop the triggers."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for name in [*merge_guards.function_names(), *outbox.function_names()]:
                cursor.execute(f"DROP FUNCTION IF EXISTS {name} CASCADE")
            return
        for name in sorted(names("sqlite") & _texts_on_sqlite(cursor).keys()):
            cursor.execute(f"DROP TRIGGER {name}")


def connect(sender: Any) -> None:
    """Install the triggers after the migrations of `sender`, an app's config; on SQLite, drop them before."""
    pre_migrate.connect(_before, sender=sender)
    post_migrate.connect(_after, sender=sender)


def _before(using: str, **_: Any) -> None:
    if connections[using].vendor == "sqlite":
        remove(using)


def _after(using: str, **_: Any) -> None:
    install(using)


def _triggers(vendor: str, tables: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """The name, the table and the statement of each trigger."""
    yield from merge_guards.triggers(vendor, tables)
    yield from outbox.triggers(vendor)


def _functions(tables: dict[str, str]) -> Iterator[str]:
    yield from merge_guards.functions(tables)
    yield from outbox.functions()


def _install_on_postgresql(
    cursor: Any, functions: Iterator[str], triggers: Iterator[tuple[str, str, str]]
) -> None:
    for function in functions:
        cursor.execute(function)
    # PostgreSQL rewrites the text of a trigger, so the digest of our text is stored as its comment.
    cursor.execute("SELECT tgname, obj_description(oid, 'pg_trigger') FROM pg_trigger WHERE NOT tgisinternal")
    installed = dict(cursor.fetchall())
    for name, table, statement in triggers:
        digest = hashlib.sha256(statement.encode()).hexdigest()
        if installed.get(name) != digest:
            cursor.execute(statement)
            cursor.execute(f"COMMENT ON TRIGGER {name} ON {table} IS '{digest}'")


def _install_on_sqlite(cursor: Any, triggers: Iterator[tuple[str, str, str]]) -> None:
    installed = _texts_on_sqlite(cursor)
    for name, _, statement in triggers:
        text = statement.strip()
        if installed.get(name) != text:
            if name in installed:
                cursor.execute(f"DROP TRIGGER {name}")
            cursor.execute(text)


def _texts_on_sqlite(cursor: Any) -> dict[str, str]:
    cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    return dict(cursor.fetchall())
