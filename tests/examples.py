"""How many examples Hypothesis tries, and how many items sweeps try."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, TypeVar

import pytest
from django.db import connection

T = TypeVar("T")

#: `make soak` tries ten times as many.
_TIMES = int(os.environ.get("MORE_EXAMPLES", "1"))


def examples(count: int) -> int:
    """So many with SQLite; with PostgreSQL, which is told the same things by the same code, a third of them."""
    return _TIMES * (-(-count // 3) if connection.vendor == "postgresql" else count)


def sampled(items: Iterable[T], *, one_in: int, first: int = 0) -> list[T]:
    """One in so many of the items, from the `first` of them; all in `make soak`, for tests that are marked `sampled`."""
    every = list(items)
    return every if _TIMES > 1 else every[first % one_in :: one_in]


def some_cases(cases: Iterable[tuple[Any, ...]], *, one_in: int) -> list[Any]:
    """The cases of a parametrized test. One in so many is tried each time; `make soak` tries the others."""
    return [
        pytest.param(*case, marks=[pytest.mark.soak] if number % one_in else [])
        for number, case in enumerate(cases)
    ]
