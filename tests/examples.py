"""How many examples Hypothesis tries, and how many items sweeps try."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TypeVar

from django.db import connection

T = TypeVar("T")

#: `make soak` tries ten times as many.
_TIMES = int(os.environ.get("MORE_EXAMPLES", "1"))


def examples(count: int) -> int:
    """So many with SQLite; with PostgreSQL, which is told the same things by the same code, a third of them."""
    return _TIMES * (-(-count // 3) if connection.vendor == "postgresql" else count)


def sampled(items: Iterable[T], *, one_in: int) -> list[T]:
    """One in so many of the items; all of them in `make soak`, for tests that are marked `sampled`."""
    every = list(items)
    return every if _TIMES > 1 else every[::one_in]
