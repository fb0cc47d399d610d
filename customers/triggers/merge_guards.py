"""Database triggers that guard merges: a merged customer owns no rows and leads to one that is not merged.

On PostgreSQL a merged customer cannot be deleted either, because rows name it in `came_with`, which has no
foreign key constraint.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps

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


def triggers(vendor: str, tables: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """The name, the table and the statement of each trigger."""
    yield from _on_postgresql(tables) if vendor == "postgresql" else _on_sqlite(tables)


def function_names() -> list[str]:
    """The names of the functions."""
    columns = sorted(set(owned().values()))
    return ["customers_lead_on", "customers_stay", *(f"customers_{each}_is_not_merged" for each in columns)]


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


def functions(tables: dict[str, str]) -> Iterator[str]:
    """The functions that the triggers call on PostgreSQL."""
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
