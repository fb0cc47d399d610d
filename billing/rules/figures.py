"""The reference for the figures of a balance: granted, remaining, usage and overage of its grants and rollovers.

Pure arithmetic on values: no clock, no database. The caller passes the grants and rollovers that count: neither ended
nor expired, standalone or of an active plan, and for an entity the customer's and its own. Figures are exact to ten
decimals: sums never round, and converting between units and credits rounds once.

`billing.ledger.figure_range` repeats `figures_of` in SQL for PostgreSQL; a property test compares them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from billing.rules.exact import EXACT, ZERO, total
from customers.json_types import DECIMALS, LARGEST

#: The burn rate is measured over this window, or since the balance began if that is later.
BURN_RATE_WINDOW = timedelta(days=30)
#: Every figure is below it. PostgreSQL's NaN is greater than any number, so a check against this bound refuses NaN.
UPPER_BOUND = LARGEST
#: Whole numbers are stored in 32 bits.
LARGEST_WHOLE = 2**31 - 1

_HUNDRED = Decimal(100)
_FINEST_EXPONENT = -10

#: The figures of a balance that can be compared with bounds.
FigureName = Literal["remaining", "granted", "usage", "usage_percent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantFigures:
    """The figures of one grant. `usage` is signed, and so is `included_grant` after a correction downwards."""

    included_grant: Decimal = ZERO
    prepaid_grant: Decimal = ZERO
    usage: Decimal = ZERO
    unlimited: bool = False
    resets_at: datetime | None = None

    @property
    def granted(self) -> Decimal:
        """The included and the prepaid amount."""
        return EXACT.add(self.included_grant, self.prepaid_grant)

    @property
    def balance(self) -> Decimal:
        """Granted less usage; below zero when more was used than granted."""
        return EXACT.subtract(self.granted, self.usage)

    @property
    def remaining(self) -> Decimal:
        """The balance, but never below zero."""
        return max(ZERO, self.balance)

    @property
    def overage(self) -> Decimal:
        """Usage above what is granted; an unlimited grant has none."""
        return ZERO if self.unlimited else max(ZERO, self.balance.copy_negate())


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloverFigures:
    """The figures of one rollover: `balance` of it is left, `usage` of it was used."""

    balance: Decimal
    usage: Decimal = ZERO

    @classmethod
    def of(cls, granted: Decimal, left: Decimal) -> RolloverFigures:
        """The figures of a rollover that carried over `granted` and has `left` remaining."""
        return cls(balance=left, usage=EXACT.subtract(granted, left))

    @property
    def granted(self) -> Decimal:
        """The amount that was carried over."""
        return EXACT.add(self.balance, self.usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figures of one balance.

    `remaining` is not `granted - usage` when one grant is in overage while another has something left. That is why
    there are two overages: `billable_overage`, the sum over the grants, is owed; `displayed_overage` is how far all
    usage exceeds everything granted. With an unlimited grant, `granted`, `remaining` and `displayed_overage` are 0
    and `usage` is that of the unlimited grants.
    """

    granted: Decimal
    remaining: Decimal
    usage: Decimal
    unlimited: bool
    next_reset_at: datetime | None
    billable_overage: Decimal
    displayed_overage: Decimal

    @property
    def usage_percent(self) -> Decimal | None:
        """Usage as a percentage of what is granted, above 100 with overage; None if nothing is granted or it is unlimited."""
        return self._percent(self.usage)

    @property
    def spent_percent(self) -> Decimal | None:
        """The percentage of what is granted that no longer remains; None if nothing is granted or it is unlimited."""
        return self._percent(EXACT.subtract(self.granted, self.remaining))

    def is_between(self, name: FigureName, low: Decimal | None, high: Decimal | None) -> bool:
        """Whether the figure is above `low` and at most `high`. An unlimited balance has no figure to compare."""
        value: Decimal | None = None if self.unlimited else getattr(self, name)
        return value is not None and (low is None or value > low) and (high is None or value <= high)

    def _percent(self, part: Decimal) -> Decimal | None:
        if self.unlimited or self.granted <= 0:
            return None
        return EXACT.divide(EXACT.multiply(part, _HUNDRED), self.granted)


def figures_of(grants: Iterable[GrantFigures], rollovers: Iterable[RolloverFigures] = ()) -> Figures:
    """The figures of a balance with these grants and rollovers. All of them must count."""
    grants, rollovers = list(grants), list(rollovers)
    next_reset_at = min((grant.resets_at for grant in grants if grant.resets_at is not None), default=None)
    billable_overage = total(grant.overage for grant in grants)
    unlimited = [grant for grant in grants if grant.unlimited]
    if unlimited:
        return Figures(
            granted=ZERO,
            remaining=ZERO,
            usage=total(grant.usage for grant in unlimited),
            unlimited=True,
            next_reset_at=next_reset_at,
            billable_overage=billable_overage,
            displayed_overage=ZERO,
        )
    granted = total([*(grant.granted for grant in grants), *(rollover.granted for rollover in rollovers)])
    usage = total([*(grant.usage for grant in grants), *(rollover.usage for rollover in rollovers)])
    return Figures(
        granted=granted,
        remaining=total([*(grant.remaining for grant in grants), *(each.balance for each in rollovers)]),
        usage=usage,
        unlimited=False,
        next_reset_at=next_reset_at,
        billable_overage=billable_overage,
        displayed_overage=max(ZERO, EXACT.subtract(usage, granted)),
    )


def counts(ended_at: datetime | None, expires_at: datetime | None, at: datetime) -> bool:
    """Whether a grant or rollover counts towards its balance: neither ended nor expired.

    `CountedQuerySet.counted` is the same rule in SQL.
    """
    return ended_at is None and (expires_at is None or expires_at > at)


def amount_problem(amount: Decimal) -> str | None:
    """Why `amount` doesn't fit into a figure, as a sentence; None if it fits."""
    if not amount.is_finite() or amount.copy_abs() >= UPPER_BOUND:
        return "Enter a number with at most 15 digits before the decimal point."
    exponent = amount.as_tuple().exponent
    # Most amounts have few decimals: the exponent alone decides without rounding.
    if isinstance(exponent, int) and exponent < _FINEST_EXPONENT and amount != _rounded(amount):
        return "Enter a number with at most 10 decimals."
    return None


def included_grant(included: Decimal, quantity: Decimal, adjustments: Decimal = ZERO) -> Decimal:
    """What a plan item includes for `quantity` of its plan, plus the adjustments made since the last reset."""
    return EXACT.add(EXACT.multiply(included, quantity), adjustments)


def prepaid_grant(packs: Decimal, billing_units: Decimal) -> Decimal:
    """The units in `packs` packs of `billing_units` each."""
    return EXACT.multiply(packs, billing_units)


def credits_for(units: Decimal, credit_cost: Decimal) -> Decimal:
    """The credits that `units` of a metered feature cost, rounded half-even to ten decimals."""
    return _rounded(EXACT.multiply(units, credit_cost))


def units_for(available: Decimal, credit_cost: Decimal) -> Decimal:
    """The units of a metered feature that the `available` credits pay for, rounded half-even to ten decimals."""
    return _rounded(EXACT.divide(available, credit_cost))


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(DECIMALS, context=EXACT)
