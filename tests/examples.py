"""How many examples Hypothesis tries."""

from __future__ import annotations

from django.db import connection


def examples(count: int) -> int:
    """So many with SQLite; with PostgreSQL, which is told the same things by the same code, a third of them."""
    return -(-count // 3) if connection.vendor == "postgresql" else count
