"""How the admin shows figures, money and intervals."""

from __future__ import annotations

from decimal import Decimal

from billing.models.figures import Interval
from billing.rules import money
from customers.admin.fields import plain_text


def figure(value: Decimal | None) -> str:
    """A figure without idle zeros; a dash for none."""
    return "-" if value is None else f"{Decimal(plain_text(value)):,f}"


def amount(minor: int, currency: str) -> str:
    """An amount of minor units, with its currency."""
    try:
        return money.display(minor, currency)
    except ValueError:
        return f"{minor:,} minor units of {currency}"


def price(value: Decimal | None, currency: str) -> str:
    """A unit price, with its currency; a dash for none."""
    return "-" if value is None else f"{figure(value)} {currency}"


def every(interval: str, count: int | None) -> str:
    """`month`, `3 months`; a dash for never."""
    if not interval:
        return "-"
    words = Interval(interval).label.lower() if interval in Interval.values else interval
    return f"{count} {words}s" if count and count > 1 else words
