"""Amounts of several currencies in one currency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from billing.models import ExchangeRate
from billing.rules.exact import EXACT, total
from billing.rules.money import from_minor, is_known, round_to_minor
from customers.configuration.table import DEFAULT_CURRENCY, REPORTING_CURRENCY
from customers.configuration.values import value_of

_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Converted:
    """A total in minor units of `currency`.

    `rate_day` is the day of the oldest rate used; None if none was needed. Amounts in the currencies `missing` have no
    rate and are not in the total.
    """

    minor: int
    currency: str
    rate_day: date | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DatedRate:
    """How much one unit of a currency is worth in another, and the day of the oldest rate that it is made of."""

    rate: Decimal
    day: date | None


class Rates:
    """The rates in force on a day, to convert any number of totals with one query."""

    def __init__(self, day: date, currency: str) -> None:
        """Rates of `day`, into `currency`."""
        self.day = day
        self.currency = currency

    def convert(self, amounts: Mapping[str, int]) -> Converted:
        """The total of amounts in minor units by currency, rounded once, half-even."""
        parts: list[Decimal] = []
        days: list[date] = []
        missing: list[str] = []
        for code, minor in amounts.items():
            found = self.rate_of(code) if minor else DatedRate(_ONE, None)
            if found is None:
                missing.append(code)
            elif minor:
                parts.append(EXACT.multiply(from_minor(minor, code), found.rate))
                days += [found.day] if found.day else []
        minor = round_to_minor(total(parts), self.currency)
        return Converted(minor, self.currency, min(days, default=None), tuple(sorted(missing)))

    def rate_of(self, code: str) -> DatedRate | None:
        """What one unit of `code` is worth: by its own rate, the inverse of the other way, or through a third currency.

        None if no rate leads there.
        """
        if not is_known(code):
            return None
        if code == self.currency:
            return DatedRate(_ONE, None)
        if direct := self._either_way(code, self.currency):
            return direct
        for third in sorted({to for _, to in self._found}):
            first, second = self._either_way(code, third), self._either_way(third, self.currency)
            if first and second:
                days = [each.day for each in (first, second) if each.day]
                return DatedRate(EXACT.multiply(first.rate, second.rate), min(days, default=None))
        return None

    def _either_way(self, code: str, to: str) -> DatedRate | None:
        if found := self._found.get((code, to)):
            return found
        if found := self._found.get((to, code)):
            return DatedRate(EXACT.divide(_ONE, found.rate), found.day)
        return None

    @cached_property
    def _found(self) -> dict[tuple[str, str], DatedRate]:
        rows = ExchangeRate.objects.in_force(self.day).order_by()
        return {
            (code, to): DatedRate(rate, day)
            for code, to, rate, day in rows.values_list("currency", "to_currency", "rate", "day")
        }


_chosen: ContextVar[str] = ContextVar("summed_in", default="")


@contextmanager
def summed_in(currency: str) -> Iterator[None]:
    """Show totals within in this currency. Blank or unknown: in that of the installation."""
    token = _chosen.set(currency if is_known(currency) else "")
    try:
        yield
    finally:
        _chosen.reset(token)


def installation_currency() -> str:
    """The reporting currency as administrators have set it. Rates are entered in it."""
    return value_of(REPORTING_CURRENCY) or value_of(DEFAULT_CURRENCY)


def reporting_currency() -> str:
    """The currency of totals: the user's own on a page, else the installation's."""
    return _chosen.get() or installation_currency()


def in_reporting_currency(amounts: Mapping[str, int], day: date) -> Converted:
    """The total of amounts in minor units by currency, at the rates of `day`. At most one query.

    For many totals use one `Rates`.
    """
    return Rates(day, reporting_currency()).convert(amounts)
