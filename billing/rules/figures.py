"""The figures of a balance: what is granted, used, left and owed, from its rows and rollovers.

Pure arithmetic on values: no clock, no database. The caller chooses which rows count (DESIGN: not expired,
standalone or of an active plan; for an entity the customer's rows and its own). Figures are exact to ten
decimals: sums never round, and what a credit cost turns into credits or units rounds once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import reduce

from customers.json_types import DECIMALS

#: Over how many days the rate is measured, where the balance is that old.
BURN_RATE_WINDOW = timedelta(days=30)
#: Whole numbers are held in 32 bits.
LARGEST_WHOLE = 2**31 - 1

_ZERO = Decimal(0)
# Wide enough that no sum or product of figures ever rounds.
_EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantFigures:
    """One grant of a feature; `usage` is signed, as is `included_grant` after a correction downwards."""

    included_grant: Decimal = _ZERO
    prepaid_grant: Decimal = _ZERO
    usage: Decimal = _ZERO
    unlimited: bool = False
    resets_at: datetime | None = None

    @property
    def granted(self) -> Decimal:
        """What the row grants in all."""
        return _EXACT.add(self.included_grant, self.prepaid_grant)

    @property
    def balance(self) -> Decimal:
        """What is left; below zero when more was used than granted."""
        return _EXACT.subtract(self.granted, self.usage)

    @property
    def remaining(self) -> Decimal:
        """What is left to use, never below zero."""
        return max(_ZERO, self.balance)

    @property
    def overage(self) -> Decimal:
        """What was used beyond the grant; an unlimited row has none."""
        return _ZERO if self.unlimited else max(_ZERO, self.balance.copy_negate())


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloverFigures:
    """What an earlier period left over: `balance` of it is still there, `usage` was drawn."""

    balance: Decimal
    usage: Decimal = _ZERO

    @property
    def granted(self) -> Decimal:
        """What was carried over."""
        return _EXACT.add(self.balance, self.usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One feature's figures.

    `remaining` is not `granted - usage` when a row is over its grant while another has something left. That is
    why there are two overages: `billable_overage`, the sum of the rows', is what is owed; `displayed_overage`
    is how far all usage exceeds all grants. Of an unlimited feature `granted`, `remaining` and
    `displayed_overage` are 0 and `usage` is that of its unlimited rows.
    """

    granted: Decimal
    remaining: Decimal
    usage: Decimal
    unlimited: bool
    next_reset_at: datetime | None
    billable_overage: Decimal
    displayed_overage: Decimal


def figures_of(rows: Iterable[GrantFigures], rollovers: Iterable[RolloverFigures] = ()) -> Figures:
    """The figures of the feature whose counted rows and living rollovers these are."""
    rows, rollovers = list(rows), list(rollovers)
    resets = [row.resets_at for row in rows if row.resets_at is not None]
    next_reset_at = min(resets, default=None)
    unlimited_rows = [row for row in rows if row.unlimited]
    if unlimited_rows:
        return Figures(
            granted=_ZERO,
            remaining=_ZERO,
            usage=_sum(row.usage for row in unlimited_rows),
            unlimited=True,
            next_reset_at=next_reset_at,
            billable_overage=_sum(row.overage for row in rows),
            displayed_overage=_ZERO,
        )
    granted = _sum([*(row.granted for row in rows), *(rollover.granted for rollover in rollovers)])
    usage = _sum([*(row.usage for row in rows), *(rollover.usage for rollover in rollovers)])
    return Figures(
        granted=granted,
        remaining=_sum([*(row.remaining for row in rows), *(rollover.balance for rollover in rollovers)]),
        usage=usage,
        unlimited=False,
        next_reset_at=next_reset_at,
        billable_overage=_sum(row.overage for row in rows),
        displayed_overage=max(_ZERO, _EXACT.subtract(usage, granted)),
    )


def included_grant(included: Decimal, quantity: Decimal, adjustments: Decimal = _ZERO) -> Decimal:
    """What a plan item includes for `quantity` of its plan, with the corrections made since the last reset."""
    return _EXACT.add(_EXACT.multiply(included, quantity), adjustments)


def prepaid_grant(packs: Decimal, billing_units: Decimal) -> Decimal:
    """What `packs` of `billing_units` each grant."""
    return _EXACT.multiply(packs, billing_units)


def credits_for(units: Decimal, credit_cost: Decimal) -> Decimal:
    """The credits that `units` of a metered feature cost, rounded half-even to ten decimals."""
    return _rounded(_EXACT.multiply(units, credit_cost))


def units_for(available: Decimal, credit_cost: Decimal) -> Decimal:
    """The units of a metered feature that the `available` credits pay for, rounded half-even to ten decimals."""
    return _rounded(_EXACT.divide(available, credit_cost))


def _sum(values: Iterable[Decimal]) -> Decimal:
    return reduce(_EXACT.add, values, _ZERO)


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(DECIMALS, context=_EXACT)
