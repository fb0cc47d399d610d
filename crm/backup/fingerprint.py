"""What a database holds, in figures that are the same only if the rows are: a count and a hash of each table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from django.db import connection

#: Rows of a table and the sum of their hashes, so that their order makes no difference.
Fingerprint = dict[str, tuple[int, str]]

_LIMIT = 1 << 64
_ROWS = 2000

#: The hash of a row as PostgreSQL prints it, in a session with `POSTGRESQL_FORM`.
_POSTGRESQL = (
    "SELECT count(*), coalesce(sum(('x' || left(md5(whole_row::text), 16))::bit(64)::bigint::numeric), 0)::text"
    " FROM {table} AS whole_row"
)
#: What else could print the same row in another way.
POSTGRESQL_FORM = (
    "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL IntervalStyle = 'postgres';"
    " SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'"
)


def tables() -> list[str]:
    """All tables of the database, sorted."""
    return sorted(connection.introspection.table_names())


def fingerprint_of_postgresql(cursor: Any) -> Fingerprint:
    """The fingerprint of what the cursor's transaction sees."""
    cursor.execute(POSTGRESQL_FORM)
    found: Fingerprint = {}
    for table in tables():
        cursor.execute(postgresql_query(table))
        rows, digest = cursor.fetchone()
        found[table] = (rows, digest)
    return found


def postgresql_query(table: str) -> str:
    """The statement that returns the rows of a table and their hash."""
    return _POSTGRESQL.format(table=connection.ops.quote_name(table))


def fingerprint_of_sqlite(database: Any) -> Fingerprint:
    """The fingerprint of an open SQLite database."""
    names = database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    return {name: _of_rows(_rows(database, name)) for (name,) in names.fetchall()}


def _rows(database: Any, table: str) -> Iterator[Any]:
    cursor = database.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - a name of the database
    while rows := cursor.fetchmany(_ROWS):
        yield from rows


def _of_rows(rows: Iterator[Any]) -> tuple[int, str]:
    count = total = 0
    for row in rows:
        digest = hashlib.blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=8).digest()
        count, total = count + 1, (total + int.from_bytes(digest)) % _LIMIT
    return count, str(total)
