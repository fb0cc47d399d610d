"""What the database itself guards of merging: a merged customer is given nothing, and leads to one that is not merged.

On PostgreSQL it is not deleted either: rows say in `came_with` that they came with it, which no foreign key checks.

The guards follow the models: every `migrate` ends with making those that are missing, so a table that gains a customer
is guarded without anybody thinking of it. SQLite cannot remake a table that a trigger of another one names, so there
they step aside while migrations run.
"""

from __future__ import annotations

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
    """The column that names the owner, by the table of everything that a customer can own."""
    return {
        model._meta.db_table: str(field.column)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.related_model is apps.get_model("customers.Customer")
        and not model.__name__.startswith("Historical")
        and (field.name == "customer" or (field.name == "survivor" and hasattr(model, "came_with")))
    }


def names(vendor: str) -> set[str]:
    """The triggers that make up the guards."""
    return {name for name, _ in _triggers(vendor, owned())}


def install(using: str) -> None:
    """Make the guards that are missing, of the tables that are there."""
    connection = connections[using]
    tables = owned()
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        if _CUSTOMERS not in there:
            return
        tables = {table: column for table, column in tables.items() if table in there}
        if connection.vendor == "postgresql":
            for statement in _functions(tables):
                cursor.execute(statement)
        installed = _installed(connection.vendor, cursor)
        for name, statement in _triggers(connection.vendor, tables):
            if name not in installed:
                cursor.execute(statement)


def remove(using: str) -> None:
    """Take the guards away."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("DROP FUNCTION IF EXISTS customers_lead_on, customers_stay CASCADE")
            for column in sorted(set(owned().values())):
                cursor.execute(f"DROP FUNCTION IF EXISTS customers_{column}_is_not_merged CASCADE")
            return
        for name in sorted(names("sqlite") & _installed("sqlite", cursor)):
            cursor.execute(f"DROP TRIGGER {name}")


def connect(sender: Any) -> None:
    """Let the guards follow the migrations of an installation."""
    pre_migrate.connect(_before, sender=sender)
    post_migrate.connect(_after, sender=sender)


def _before(using: str, **_: Any) -> None:
    if connections[using].vendor == "sqlite":
        remove(using)


def _after(using: str, **_: Any) -> None:
    install(using)


def _installed(vendor: str, cursor: Any) -> set[str]:
    if vendor == "postgresql":
        cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
    else:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    return {name for (name,) in cursor.fetchall()}


def _triggers(vendor: str, tables: dict[str, str]) -> Iterator[tuple[str, str]]:
    yield from _on_postgresql(tables) if vendor == "postgresql" else _on_sqlite(tables)


def _on_sqlite(tables: dict[str, str]) -> Iterator[tuple[str, str]]:
    for table, column in tables.items():
        for verb, when in (("insert", "INSERT"), ("update", f"UPDATE OF {column}")):
            name = f"{table}_{_OWNS}_{verb}"
            yield (
                name,
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
            f"""
            CREATE TRIGGER {name} BEFORE {when} ON {_CUSTOMERS}
            WHEN NEW.merged_into_id IS NOT NULL{changed} AND (
                (SELECT merged_into_id FROM {_CUSTOMERS} WHERE id = NEW.merged_into_id) IS NOT NULL{more})
            BEGIN SELECT RAISE(ABORT, 'a merged customer leads to one that is not merged'); END""",  # noqa: S608 - names of ours
        )


def _on_postgresql(tables: dict[str, str]) -> Iterator[tuple[str, str]]:
    for table, column in tables.items():
        function = f"customers_{column}_is_not_merged"
        yield (
            f"{table}_{_OWNS}_insert",
            f"""
            CREATE TRIGGER {table}_{_OWNS}_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS rows_now
            FOR EACH STATEMENT EXECUTE FUNCTION {function}()""",
        )
        yield (
            f"{table}_{_OWNS}_update",
            f"""
            CREATE TRIGGER {table}_{_OWNS}_update AFTER UPDATE ON {table}
            REFERENCING OLD TABLE AS rows_before NEW TABLE AS rows_now
            FOR EACH STATEMENT EXECUTE FUNCTION {function}()""",
        )
    yield (
        f"{_CUSTOMERS}_{_LEADS}_insert",
        f"""
        CREATE TRIGGER {_CUSTOMERS}_{_LEADS}_insert AFTER INSERT ON {_CUSTOMERS}
        FOR EACH ROW WHEN (NEW.merged_into_id IS NOT NULL) EXECUTE FUNCTION customers_lead_on()""",
    )
    yield (
        f"{_CUSTOMERS}_{_LEADS}_update",
        f"""
        CREATE TRIGGER {_CUSTOMERS}_{_LEADS}_update AFTER UPDATE OF merged_into_id ON {_CUSTOMERS}
        FOR EACH ROW WHEN (
            NEW.merged_into_id IS NOT NULL AND NEW.merged_into_id IS DISTINCT FROM OLD.merged_into_id)
        EXECUTE FUNCTION customers_lead_on()""",
    )
    yield (
        f"{_CUSTOMERS}_{_STAYS}",
        f"""
        CREATE TRIGGER {_CUSTOMERS}_{_STAYS} BEFORE DELETE ON {_CUSTOMERS}
        FOR EACH ROW WHEN (OLD.merged_into_id IS NOT NULL) EXECUTE FUNCTION customers_stay()""",
    )


def _functions(tables: dict[str, str]) -> Iterator[str]:
    for column in sorted(set(tables.values())):
        # The customers are locked as a foreign key locks them: whoever merges one waits, and is waited for.
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
                RAISE EXCEPTION 'customer % is merged itself: nobody is merged into it', NEW.merged_into_id
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
