"""Database triggers that guard merges: a merged customer owns no rows and leads to one that is not merged.

On PostgreSQL a merged customer cannot be deleted either, because rows name it in `came_with`, which has no
foreign key constraint.

The triggers follow the models: each `migrate` ends by creating missing triggers and replacing those with
another text, so a new table with a customer is guarded too. SQLite cannot rebuild a table that a trigger on
another table names, so on SQLite the triggers are dropped while migrations run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate

_CUSTOMERS = "customers_customer"
_OWNS = "owns_nothing_when_merged"
_LEADS = "leads_to_one_that_is_not_merged"
_STAYS = "stays_when_merged"


def owned() -> dict[str, str]:
    """For each table whose rows a customer can own, the column that names the owner."""
    return {
        model._meta.db_table: str(field.column)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.related_model is apps.get_model("customers.Customer")
        and not model.__name__.startswith("Historical")
        and (field.name == "customer" or (field.name == "survivor" and hasattr(model, "came_with")))
    }


def names(vendor: str) -> set[str]:
    """The names of all triggers of this module."""
    return {trigger[0] for trigger in _triggers(vendor, owned())}


def install(using: str) -> None:
    """Create the triggers that are missing or have another text, on the tables that exist."""
    connection = connections[using]
    tables = owned()
    with connection.cursor() as cursor:
        existing_tables = set(connection.introspection.table_names(cursor))
        if _CUSTOMERS not in existing_tables:
            return
        tables = {table: column for table, column in tables.items() if table in existing_tables}
        wanted = _triggers(connection.vendor, tables)
        if connection.vendor == "postgresql":
            _install_on_postgresql(cursor, _functions(tables), wanted)
        else:
            _install_on_sqlite(cursor, wanted)


def remove(using: str) -> None:
    """Drop the triggers."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("DROP FUNCTION IF EXISTS customers_lead_on, customers_stay CASCADE")
            for column in sorted(set(owned().values())):
                cursor.execute(f"DROP FUNCTION IF EXISTS customers_{column}_is_not_merged CASCADE")
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


def _triggers(vendor: str, tables: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """The name, the table and the statement of each trigger."""
    yield from _on_postgresql(tables) if vendor == "postgresql" else _on_sqlite(tables)


def _on_sqlite(tables: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for table, column in tables.items():
        for verb, when in (("insert", "INSERT"), ("update", f"UPDATE OF {column}")):
            name = f"{table}_{_OWNS}_{verb}"
            yield (
                name,
                table,
                f"""
                CREATE TRIGGER {name} BEFORE {when} ON {table}
                WHEN (SELECT merged_into_id FROM {_CUSTOMERS} WHERE id = NEW.{column}) IS NOT NULL
                BEGIN SELECT RAISE(ABORT, 'a merged customer owns nothing: it belongs to the survivor'); END""",  # noqa: S608 - names of ours
            )
    led_to = f" OR EXISTS (SELECT 1 FROM {_CUSTOMERS} WHERE merged_into_id = NEW.id)"  # noqa: S608 - names of ours
    for verb, when, more in (("insert", "INSERT", ""), ("update", "UPDATE OF merged_into_id", led_to)):
        name = f"{_CUSTOMERS}_{_LEADS}_{verb}"
        changed = "" if verb == "insert" else " AND OLD.merged_into_id IS NOT NEW.merged_into_id"
        yield (
            name,
            _CUSTOMERS,
            f"""
            CREATE TRIGGER {name} BEFORE {when} ON {_CUSTOMERS}
            WHEN NEW.merged_into_id IS NOT NULL{changed} AND (
                (SELECT merged_into_id FROM {_CUSTOMERS} WHERE id = NEW.merged_into_id) IS NOT NULL{more})
            BEGIN SELECT RAISE(ABORT, 'a merged customer leads to one that is not merged'); END""",  # noqa: S608 - names of ours
        )


def _on_postgresql(tables: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for table, column in tables.items():
        function = f"customers_{column}_is_not_merged"
        yield (
            f"{table}_{_OWNS}_insert",
            table,
            f"""
            CREATE OR REPLACE TRIGGER {table}_{_OWNS}_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS rows_now
            FOR EACH STATEMENT EXECUTE FUNCTION {function}()""",
        )
        yield (
            f"{table}_{_OWNS}_update",
            table,
            f"""
            CREATE OR REPLACE TRIGGER {table}_{_OWNS}_update AFTER UPDATE ON {table}
            REFERENCING OLD TABLE AS rows_before NEW TABLE AS rows_now
            FOR EACH STATEMENT EXECUTE FUNCTION {function}()""",
        )
    yield (
        f"{_CUSTOMERS}_{_LEADS}_insert",
        _CUSTOMERS,
        f"""
        CREATE OR REPLACE TRIGGER {_CUSTOMERS}_{_LEADS}_insert AFTER INSERT ON {_CUSTOMERS}
        FOR EACH ROW WHEN (NEW.merged_into_id IS NOT NULL) EXECUTE FUNCTION customers_lead_on()""",
    )
    yield (
        f"{_CUSTOMERS}_{_LEADS}_update",
        _CUSTOMERS,
        f"""
        CREATE OR REPLACE TRIGGER {_CUSTOMERS}_{_LEADS}_update AFTER UPDATE OF merged_into_id ON {_CUSTOMERS}
        FOR EACH ROW WHEN (
            NEW.merged_into_id IS NOT NULL AND NEW.merged_into_id IS DISTINCT FROM OLD.merged_into_id)
        EXECUTE FUNCTION customers_lead_on()""",
    )
    yield (
        f"{_CUSTOMERS}_{_STAYS}",
        _CUSTOMERS,
        f"""
        CREATE OR REPLACE TRIGGER {_CUSTOMERS}_{_STAYS} BEFORE DELETE ON {_CUSTOMERS}
        FOR EACH ROW WHEN (OLD.merged_into_id IS NOT NULL) EXECUTE FUNCTION customers_stay()""",
    )


def _functions(tables: dict[str, str]) -> Iterator[str]:
    for column in sorted(set(tables.values())):
        # Lock the customers as a foreign key check does, so that a concurrent merge waits.
        yield f"""
            CREATE OR REPLACE FUNCTION customers_{column}_is_not_merged() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE
                owner record;
            BEGIN
                IF TG_OP = 'INSERT' THEN
                    FOR owner IN
                        SELECT held.id, held.merged_into_id FROM {_CUSTOMERS} AS held
                        WHERE held.id IN (SELECT now.{column} FROM rows_now AS now)
                        ORDER BY held.id FOR KEY SHARE
                    LOOP
                        IF owner.merged_into_id IS NOT NULL THEN
                            RAISE EXCEPTION 'customer % is merged and owns nothing: it belongs to the survivor', owner.id
                                USING ERRCODE = '23514';
                        END IF;
                    END LOOP;
                ELSE
                    FOR owner IN
                        SELECT held.id, held.merged_into_id FROM {_CUSTOMERS} AS held
                        WHERE held.id IN (
                            SELECT now.{column} FROM rows_now AS now
                            EXCEPT SELECT before.{column} FROM rows_before AS before)
                        ORDER BY held.id FOR KEY SHARE
                    LOOP
                        IF owner.merged_into_id IS NOT NULL THEN
                            RAISE EXCEPTION 'customer % is merged and owns nothing: it belongs to the survivor', owner.id
                                USING ERRCODE = '23514';
                        END IF;
                    END LOOP;
                END IF;
                RETURN NULL;
            END $$"""  # noqa: S608 - names of ours
    yield f"""
        CREATE OR REPLACE FUNCTION customers_lead_on() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            further uuid;
        BEGIN
            SELECT merged_into_id INTO further FROM {_CUSTOMERS} WHERE id = NEW.merged_into_id FOR KEY SHARE;
            IF further IS NOT NULL THEN
                RAISE EXCEPTION 'customer % is merged: nothing can be merged into it', NEW.merged_into_id
                    USING ERRCODE = '23514';
            END IF;
            IF TG_OP = 'UPDATE' THEN
                IF EXISTS (SELECT FROM {_CUSTOMERS} WHERE merged_into_id = NEW.id) THEN
                    RAISE EXCEPTION 'others are merged into customer %: it leads to one that is not merged', NEW.id
                        USING ERRCODE = '23514';
                END IF;
            END IF;
            RETURN NULL;
        END $$"""  # noqa: S608 - names of ours
    yield """
        CREATE OR REPLACE FUNCTION customers_stay() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'customer % is merged and never deleted: rows of the survivor came with it', OLD.id
                USING ERRCODE = '23514';
        END $$"""
