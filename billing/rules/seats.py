"""What seats and the like cost in a period: features that are in use, not used up, and are taken and given up within it.

Pure arithmetic: no clock, no database.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from billing.rules.exact import EXACT


def prorated_cost(
    cost: Callable[[Decimal], Decimal],
    first: Decimal,
    changes: Sequence[tuple[Decimal, Decimal]],
    *,
    up: bool,
    down: bool,
) -> Decimal:
    """The cost of a period that began with `first` units beyond the included ones.

    `changes` are the units after each change, with the share of the period that was left then, in the order of time. With
    `up`, more costs only from then on, else the whole period. With `down`, fewer costs less from then on. Otherwise, what
    was given up stays paid, and taking it again costs nothing more.
    """
    billed, paid = cost(first), first
    for share, units in changes:
        if units > paid:
            more = EXACT.subtract(cost(units), cost(paid))
            billed, paid = EXACT.add(billed, EXACT.multiply(more, share) if up else more), units
        elif units < paid and down:
            less = EXACT.subtract(cost(paid), cost(units))
            billed, paid = EXACT.subtract(billed, EXACT.multiply(less, share)), units
    return billed
