"""How many examples Hypothesis tries."""

from __future__ import annotations

import os

from django.db import connection

#: `make soak` tries ten times as many.
_TIMES = int(os.environ.get("MORE_EXAMPLES", "1"))


def examples(count: int) -> int:
    """So many with SQLite; with PostgreSQL, which is told the same things by the same code, a third of them."""
    return _TIMES * (-(-count // 3) if connection.vendor == "postgresql" else count)
