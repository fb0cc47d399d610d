"""How money, quantities, intervals and the names of grants look to a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from billing.models import Feature, Grant, Rollover
from billing.models.figures import Interval
from billing.rules import money as money_rules
from billing.rules.drawing import LimitReached
from customers.formats import EMPTY, day, number


def money(minor: int, currency: str) -> str:
    """`$2,499.95`, `KWD 14.700`: an amount of minor units in its currency."""
    try:
        return money_rules.display(minor, currency)
    except ValueError:
        return f"{minor:,} minor units of {currency}"


def unit_price(value: Decimal | None, currency: str) -> str:
    """`$0.002`, `$20.00`: a price in major units, with every digit that it has."""
    if value is None:
        return EMPTY
    try:
        return money_rules.display_exact(value, currency)
    except ValueError:
        return f"{number(value)} {currency}"


def every(interval: str, count: int | None) -> str:
    """`month`, `3 months`; `-` for never."""
    if not interval:
        return EMPTY
    words = Interval(interval).label.lower() if interval in Interval.values else interval
    return f"{count} {words}s" if count and count > 1 else words


def quantity(amount: Decimal, feature: Feature) -> str:
    """`1 call`, `2 calls`, in the feature's own words for one and for many where it has them."""
    is_one = abs(amount) == 1
    word = feature.display_singular if is_one else feature.display_plural
    if word:
        return f"{number(amount)} {word}"
    return f"{number(amount)} unit of {feature}" if is_one else f"{number(amount)} {feature}"


def name_of_grant(grant: Grant) -> str:
    """What a grant is called: its plan, or the day on which it was made."""
    if grant.plan is not None:
        return str(grant.plan)
    return f"Standalone grant of {day(grant.created_at)}"


def name_of_rollover(rollover: Rollover, made_at: datetime | None, source: str) -> str:
    """What a rollover is called: when it was carried over, and from what."""
    of_day = f" of {day(made_at)}" if made_at else ""
    return f"Rollover{of_day}{' from ' + source if source else ''}"


def stopped(stop: LimitReached, names: Mapping[str, str], features: Mapping[str, str]) -> str:
    """Which limit stopped a use, in words."""
    if stop.limit == "nothing_granted":
        return "nothing is granted that it may draw"
    if stop.limit == "no_overage":
        return "what is granted is used up, and no grant allows overage"
    name = names.get(stop.row_id or "", "a grant")
    bound = "" if stop.bound is None else f" of {number(stop.bound)}"
    if stop.limit == "max_purchase":
        return f"{name} has reached its limit{bound} on overage (max purchase)"
    return f"{name}: the spend limit{bound} on {features.get(stop.row_id or '', 'the feature')} is reached"
