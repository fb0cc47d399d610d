"""Recurring revenue: MRR and ARR from recurring charges. This is the reference for what a subscription is worth.

Pure arithmetic on values: no clock, no database. The caller passes what renews by itself: base prices times the quantity,
and prepaid packs. Overage is not known in advance, and discounts and tax are left out. A year has 12 months, 52 weeks or
365 days.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from billing.rules.exact import EXACT
from billing.rules.money import known_code, round_to_minor

_MONTHS_A_YEAR = Decimal(12)
#: How often each interval comes in a year.
TIMES_A_YEAR = {
    "one_off": 0,
    "minute": 365 * 24 * 60,
    "hour": 365 * 24,
    "day": 365,
    "week": 52,
    "month": 12,
    "quarter": 4,
    "semi_annual": 2,
    "year": 1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecurringCharge:
    """An `amount` in major units of `currency`, charged every `interval_count` intervals."""

    currency: str
    amount: Decimal
    interval: str
    interval_count: int = 1


@dataclass(frozen=True, slots=True)
class RecurringRevenue:
    """Recurring revenue in minor units: `mrr` per month, `arr` per year.

    Both are rounded half-even from the exact sum, so `arr` is not always 12 times `mrr`.
    """

    mrr: int
    arr: int


def annual(amount: Decimal, interval: str, interval_count: int = 1) -> Decimal:
    """The yearly amount of a charge of `amount` every `interval_count` intervals; a one-off charge is 0.

    Raises `ValueError` for an unknown interval or a count below 1.
    """
    if interval not in TIMES_A_YEAR:
        known = ", ".join(TIMES_A_YEAR)
        raise ValueError(f"{interval!r} is not an interval: expected one of {known}")
    if interval_count < 1:
        raise ValueError(f"An interval count of {interval_count} is not possible: expected 1 or more")
    return EXACT.divide(EXACT.multiply(amount, Decimal(TIMES_A_YEAR[interval])), Decimal(interval_count))


def monthly(amount: Decimal, interval: str, interval_count: int = 1) -> Decimal:
    """The monthly amount of a charge of `amount` every `interval_count` intervals: a twelfth of `annual`."""
    return EXACT.divide(annual(amount, interval, interval_count), _MONTHS_A_YEAR)


def yearly(charges: Iterable[RecurringCharge]) -> dict[str, Decimal]:
    """The exact yearly sums of `charges` by currency code, in capitals."""
    years: dict[str, Decimal] = {}
    for charge in charges:
        currency = known_code(charge.currency)
        amount = annual(charge.amount, charge.interval, charge.interval_count)
        years[currency] = EXACT.add(years.get(currency, Decimal(0)), amount)
    return years


def rounded(year: Decimal, currency: str) -> RecurringRevenue:
    """MRR and ARR of an exact yearly sum in major units. Raises `ValueError` for more than 64 bits of minor units."""
    return RecurringRevenue(
        mrr=round_to_minor(EXACT.divide(year, _MONTHS_A_YEAR), currency), arr=round_to_minor(year, currency)
    )


def recurring_revenue(charges: Iterable[RecurringCharge]) -> dict[str, RecurringRevenue]:
    """MRR and ARR of `charges` by currency code, in capitals. A currency with one-off charges only has zeros."""
    return {currency: rounded(year, currency) for currency, year in yearly(charges).items()}
