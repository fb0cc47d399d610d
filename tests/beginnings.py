"""The database as all tests begin with it, given back after each test that commits.

Django would empty 250 tables one by one, which the triggers of the ledger refuse, and then load what migrations wrote,
row by row: a second for each test.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from django.db import connection
from django.test import TransactionTestCase

#: Where PostgreSQL keeps a copy of each table that is not empty at the beginning.
_KEPT = "as_it_began"

_WRITTEN = """
    SELECT relname FROM pg_class
    WHERE relkind = 'r' AND relnamespace = %s::regnamespace AND pg_relation_size(oid) > 0
"""


@contextmanager
def given_back(migrated: Path) -> Iterator[None]:
    """Tests that commit leave nothing behind. `migrated` is SQLite's database as it was before any of them."""
    # Django need not load what migrations wrote.
    vars(connection).pop("_test_serialized_contents", None)
    give_back: Callable[[], None] = _give_back_rows
    if connection.vendor == "sqlite":

        def give_back() -> None:
            _give_back_file(migrated)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: give_back())
        yield


def keep_rows() -> None:
    """Keeps the rows that there are in PostgreSQL's test database."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {_KEPT} CASCADE")
        cursor.execute(f"CREATE SCHEMA {_KEPT}")
        cursor.execute(_WRITTEN, ["public"])
        for (table,) in cursor.fetchall():
            cursor.execute(f'CREATE TABLE {_KEPT}."{table}" AS SELECT * FROM public."{table}"')


def _give_back_file(migrated: Path) -> None:
    connection.ensure_connection()
    with closing(sqlite3.connect(migrated)) as kept:
        kept.backup(connection.connection)


def _give_back_rows() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_WRITTEN, ["public"])
        written = [table for (table,) in cursor.fetchall()]
        cursor.execute(_WRITTEN, [_KEPT])
        kept = [table for (table,) in cursor.fetchall()]
        statements = [
            "BEGIN",
            # Neither triggers nor foreign keys are asked.
            "SET LOCAL session_replication_role = replica",
            *(f'DELETE FROM public."{table}"' for table in written),
            *(f'INSERT INTO public."{table}" SELECT * FROM {_KEPT}."{table}"' for table in kept),
            "COMMIT",
        ]
        cursor.execute(";".join(statements))
