"""The currency that a report shows: one of those that there are, or all in the reporting currency if rates are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from billing.rates.convert import Rates, reporting_currency
from customers.formats import day

#: Stands for all currencies together, in a URL and as the chosen option.
ALL = "all"


@dataclass(frozen=True, slots=True)
class ShownCurrency:
    """The chosen option, the currency of the amounts, all options, and which currencies are summed.

    `rates` convert them; None if it is a single one.
    """

    option: str
    code: str
    options: Sequence[tuple[str, str]]
    codes: Sequence[str]
    rates: Rates | None = None
    note: str = ""

    def total(self, amounts: Mapping[str, int]) -> int:
        """The sum of amounts by currency, in minor units of `code`."""
        if self.rates is None:
            return amounts.get(self.code, 0)
        return self.rates.convert(amounts).minor


def shown_currency(weights: Mapping[str, int], chosen: str, on: date) -> ShownCurrency:
    """What to show of the currencies in `weights`, with the rates of a day.

    Without a choice: all together, if each has a rate. Else the reporting currency, else that with the most weight. At most
    one query.
    """
    codes = sorted(weights)
    options = [(code, code) for code in codes]
    into = reporting_currency()
    usual = into if into in weights else max(codes, key=lambda code: (weights[code], code))
    if len(codes) > 1:
        rates = Rates(on, into)
        found = [rates.rate_of(code) for code in codes]
        known = [rate for rate in found if rate is not None]
        if len(known) == len(codes):
            options.insert(0, (ALL, f"All in {into}"))
            days = [rate.day for rate in known if rate.day is not None]
            if chosen not in weights:
                note = f"Converted into {into} at rates of {day(min(days))}." if days else ""
                return ShownCurrency(ALL, into, options, codes, rates, note)
    code = chosen if chosen in weights else usual
    return ShownCurrency(code, code, options, [code])
