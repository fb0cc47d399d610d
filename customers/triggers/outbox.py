"""Database triggers that write the outbox: a `CustomerChange` for each customer whose rows changed.

They record every write of a table with a customer, also one in plain SQL, in the transaction of the write: a write
that is rolled back leaves nothing. A model can set `changes_customer_of`: a relation to rows of the customer that
its rows change, or None for rows that are derived from others and not recorded.
Other models without a customer are not recorded.

On PostgreSQL a transaction leaves one row for each customer, numbered by the transaction. SQLite has no number of a
transaction, but one writer: there the row of a customer moves to the end at each change. See `customers.changes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps

from customers.triggers.merge_guards import owned

TABLE = "customers_customerchange"

#: One row for each customer, which the triggers on SQLite move. PostgreSQL has one for each transaction as well.
INDEX_ON_SQLITE = f"CREATE UNIQUE INDEX IF NOT EXISTS {TABLE}_once ON {TABLE} (customer_id)"

_RECORDS = "records_change"
_VERBS = ("insert", "update", "delete")
#: PostgreSQL: the tables in which a trigger finds the rows of its statement.
_NOW, _BEFORE = "rows_now", "rows_before"


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A table whose changes are recorded, and SQL that selects the customers of its rows.

    `owners` selects them as `id`. In it, `{keys}` stands for a selection of the values of `columns`.
    """

    table: str
    columns: tuple[str, ...]
    owners: str
    function: str


def triggers(vendor: str) -> Iterator[tuple[str, str, str]]:
    """The name, the table and the statement of each trigger."""
    make = _on_postgresql if vendor == "postgresql" else _on_sqlite
    for recorded in _recorded():
        for verb in _VERBS:
            name = f"{recorded.table}_{_RECORDS}_{verb}"
            yield name, recorded.table, make(name, recorded, verb)


def functions() -> Iterator[str]:
    """The functions that the triggers call on PostgreSQL."""
    for recorded in {each.function: each for each in _recorded()}.values():
        yield f"""
            CREATE OR REPLACE FUNCTION {recorded.function}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'INSERT' THEN
                    {_insert_on_postgresql(recorded, _NOW)}
                ELSIF TG_OP = 'UPDATE' THEN
                    {_insert_on_postgresql(recorded, _NOW, _BEFORE)}
                ELSE
                    {_insert_on_postgresql(recorded, _BEFORE)}
                END IF;
                RETURN NULL;
            END $$"""


def function_names() -> list[str]:
    """The names of the functions."""
    return sorted({each.function for each in _recorded()})


def recorded_tables() -> set[str]:
    """The tables whose changes are recorded."""
    return {each.table for each in _recorded()}


def _recorded() -> Iterator[_Recorded]:
    owners = owned()
    customers = apps.get_model("customers.Customer")._meta.db_table
    # Who is merged, or not any more, is a change of the survivor too.
    yield _Recorded(customers, ("id", "merged_into_id"), "{keys}", _function(customers))
    for model in apps.get_models():
        if model.__name__.startswith("Historical"):
            continue
        table = model._meta.db_table
        if hasattr(model, "changes_customer_of"):
            if model.changes_customer_of is not None:
                yield _through(model, model._meta.get_field(model.changes_customer_of), owners)
        elif table in owners:
            yield _Recorded(table, (owners[table],), "{keys}", _function(owners[table]))
            for field in model._meta.local_many_to_many:
                yield _below(field.m2m_db_table(), field.m2m_column_name(), table, owners)


def _through(model: Any, relation: Any, owners: dict[str, str]) -> _Recorded:
    """Rows whose customers are those of the rows they refer to, or of rows that refer to them."""
    table = model._meta.db_table
    other = relation.related_model._meta.db_table
    if not relation.auto_created:
        return _below(table, relation.column, other, owners)
    keys = "{keys}"
    for field in model._meta.concrete_fields:
        if field.related_model is model:
            # A document shows the whole line of managers above a person.
            keys = (
                f"WITH RECURSIVE below (id) AS ({{keys}} UNION SELECT each.id FROM {table} AS each"  # noqa: S608 - names of ours
                f" JOIN below ON each.{field.column} = below.id) SELECT id FROM below"
            )
    return _Recorded(
        table,
        ("id",),
        f"SELECT owner.{owners[other]} AS id FROM {other} AS owner WHERE owner.{relation.field.column} IN ({keys})",  # noqa: S608 - names of ours
        _function(table),
    )


def _below(table: str, column: str, parent: str, owners: dict[str, str]) -> _Recorded:
    """Rows that belong to a row with a customer."""
    selection = f"SELECT owner.{owners[parent]} AS id FROM {parent} AS owner WHERE owner.id IN ({{keys}})"  # noqa: S608 - names of ours
    return _Recorded(table, (column,), selection, _function(table))


def _function(name: str) -> str:
    return f"customers_{_RECORDS}_of_{name}"


def _on_postgresql(name: str, recorded: _Recorded, verb: str) -> str:
    rows = {
        "insert": f"NEW TABLE AS {_NOW}",
        "update": f"OLD TABLE AS {_BEFORE} NEW TABLE AS {_NOW}",
        "delete": f"OLD TABLE AS {_BEFORE}",
    }
    return f"""
        CREATE OR REPLACE TRIGGER {name} AFTER {verb.upper()} ON {recorded.table} REFERENCING {rows[verb]}
        FOR EACH STATEMENT EXECUTE FUNCTION {recorded.function}()"""


def _insert_on_postgresql(recorded: _Recorded, *tables: str) -> str:
    places = [(column, table) for table in tables for column in recorded.columns]
    # UNION leaves each key once; a single selection must say so.
    each_once = "DISTINCT " if len(places) == 1 else ""
    keys = " UNION ".join(
        f"SELECT {each_once}each.{column} FROM {table} AS each"  # noqa: S608 - names of ours
        for column, table in places
    )
    return f"""
        INSERT INTO {TABLE} (number, customer_id, at)
        SELECT pg_current_xact_id()::text::bigint, changed.id, now()
        FROM ({recorded.owners.format(keys=keys)}) AS changed (id) WHERE changed.id IS NOT NULL
        ON CONFLICT DO NOTHING;"""  # noqa: S608 - names of ours


def _on_sqlite(name: str, recorded: _Recorded, verb: str) -> str:
    keys = " UNION ALL ".join(_keys_on_sqlite(column, verb) for column in recorded.columns)
    # Short, because SQLite parses all triggers whenever a connection is opened.
    return f"""
        CREATE TRIGGER {name} AFTER {verb.upper()} ON {recorded.table}
        BEGIN
            INSERT INTO {TABLE} (number, customer_id, at)
            SELECT (SELECT COALESCE(MAX(number), 0) + 1 FROM {TABLE}), id, strftime('%Y-%m-%d %H:%M:%f')
            FROM ({recorded.owners.format(keys=keys)}) WHERE id IS NOT NULL
            ON CONFLICT (customer_id) DO UPDATE SET number = excluded.number, at = excluded.at;
        END"""  # noqa: S608 - names of ours


def _keys_on_sqlite(column: str, verb: str) -> str:
    if verb == "update":
        moved = f"SELECT OLD.{column} WHERE OLD.{column} IS NOT NEW.{column}"
        return f"{_keys_on_sqlite(column, 'insert')} UNION ALL {moved}"
    return f"SELECT {'OLD' if verb == 'delete' else 'NEW'}.{column} AS id"
