"""Exact decimal arithmetic: the one context in which quantities, prices and amounts are added and multiplied."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import reduce

#: So wide that no sum or product of figures rounds, and that no quotient lands on the wrong side of a half.
EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)
ZERO = Decimal(0)


def total(values: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    return reduce(EXACT.add, values, ZERO)
