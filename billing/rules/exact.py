"""Exact decimal arithmetic: the one context in which quantities, prices and amounts are added and multiplied."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import reduce

#: Precise enough that no sum or product of figures is rounded, and that no quotient rounds to the wrong side of a half.
EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)
ZERO = Decimal(0)


def total(values: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    return reduce(EXACT.add, values, ZERO)
