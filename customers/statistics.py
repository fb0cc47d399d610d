"""Statistics of the database's tables, by which it chooses indexes."""

from __future__ import annotations

from django.db import connection

#: Rows that are read of each index: enough to tell a selective one from another.
_ROWS = 1000
#: Also tables that no query of this connection has used.
_ALL_TABLES = 0x10002


def update_statistics() -> None:
    """Let SQLite count what changed much since the last time. PostgreSQL does so by itself.

    Without statistics SQLite sorts whole tables for some lists.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA analysis_limit = {_ROWS}")
            cursor.execute(f"PRAGMA optimize = {_ALL_TABLES}")
