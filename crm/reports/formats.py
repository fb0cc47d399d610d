"""How figures look at the axis of a chart."""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import format_compact_decimal, get_currency_symbol

from billing.rules.exact import EXACT
from billing.rules.money import from_minor, known_code

_HUNDRED = Decimal(100)


def compact(value: Decimal) -> str:
    """`1.2K`, `45M`, `0.5`: at most two decimals."""
    return format_compact_decimal(value, locale="en_US", fraction_digits=2)


def compact_money(minor: Decimal, currency: str) -> str:
    """`$1.2K`: an amount of minor units."""
    try:
        symbol = get_currency_symbol(known_code(currency), locale="en_US")
        major = from_minor(int(minor), currency)
    except ValueError:
        return compact(minor)
    text = compact(abs(major))
    return f"{'-' if minor < 0 else ''}{symbol}{' ' if symbol[-1].isalpha() else ''}{text}"


def points(share: Decimal | None) -> Decimal | None:
    """A share in percent."""
    return None if share is None else EXACT.multiply(share, _HUNDRED)
