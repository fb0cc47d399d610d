"""What a quantity costs: base prices, prepaid packs, overage, and parts of a period.

Pure arithmetic on values: no clock, no database. Amounts and quantities are Decimals, amounts in major units of a
currency that the caller knows. No result is rounded to the currency: `billing.rules.money.round_to_minor` does that once,
for an invoice line. Input that a person may have got wrong raises `ValueError` with a sentence for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation, localcontext
from typing import Literal, Self

from billing.rules.exact import EXACT

TierBehavior = Literal["graduated", "volume"]

_ZERO = Decimal(0)
_ONE = Decimal(1)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class PriceTier:
    """The price of the units up to and including `to`; None is without end.

    `amount` is charged per pack, `flat_amount` once.
    """

    to: Decimal | None
    amount: Decimal
    flat_amount: Decimal = _ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The price of packs of `billing_units` units: `amount` each, or `tiers`, which take precedence.

    Tiers ascend. Their bounds count units, not packs, from the first unit of the feature, included ones too, as in the
    billing document. The last tier also covers what is above its bound.
    """

    amount: Decimal | None = None
    tiers: tuple[PriceTier, ...] = ()
    tier_behavior: TierBehavior = "graduated"
    billing_units: Decimal = _ONE

    def __post_init__(self) -> None:
        if self.amount is None and not self.tiers:
            raise ValueError("Enter an amount or tiers: the price has neither")
        if self.billing_units <= 0:
            raise ValueError(f"The price is for {self.billing_units:f} units: expected more than 0")
        reached = _ZERO
        for number, tier in enumerate(self.tiers, 1):
            if tier.to is None and number < len(self.tiers):
                raise ValueError(f"Price tier {number} has no end: only the last tier may have none")
            if tier.to is not None and (tier.to < reached or (number > 1 and tier.to == reached)):
                raise ValueError(f"Price tier {number} ends at {tier.to:f}: expected more than {reached:f}")
            reached = tier.to or reached

    @classmethod
    def from_stored(
        cls, amount: Decimal | None, tiers: object, tier_behavior: str, billing_units: Decimal | None
    ) -> Self:
        """The price in the columns of a plan item or a grant.

        `tiers` is None or a list of objects with `to` (a number, or "inf" or null for no end), `amount` and
        `flat_amount`, their numbers as text or as JSON numbers. No behavior means graduated, no billing units
        means one.
        """
        if tier_behavior not in ("", "graduated", "volume"):
            raise ValueError(f"{tier_behavior!r} is not a tier behavior: expected graduated or volume")
        return cls(
            amount=amount,
            tiers=_stored_tiers(tiers),
            tier_behavior="volume" if tier_behavior == "volume" else "graduated",
            billing_units=_ONE if billing_units is None else billing_units,
        )


def base_cost(amount: Decimal, quantity: Decimal | int) -> Decimal:
    """The cost of `quantity` units of a plan at a base price of `amount`."""
    return EXACT.multiply(amount, Decimal(quantity))


def cost_of(price: Price, quantity: Decimal, included: Decimal = _ZERO) -> Decimal:
    """The cost of `quantity` units above the `included` ones, in whole packs: part of a pack costs as much as a pack.

    Graduated: each part at the price of its tier, plus the flat amount of every tier that is reached. Volume: everything
    at the price of the tier that all units together reach, plus its flat amount. A quantity of 0 costs nothing.
    """
    return _cost(price, _whole_packs(quantity, price.billing_units), included)


def prepaid_cost(price: Price, quantity: Decimal, included: Decimal = _ZERO) -> Decimal:
    """The cost of `quantity` prepaid units above the `included` ones, in whole packs.

    Like `cost_of`, but at a volume price, buying anything charges the included units too, as the billing platform
    does.
    """
    if price.tiers and price.tier_behavior == "volume" and quantity > 0:
        return _cost(price, _whole_packs(EXACT.add(quantity, included), price.billing_units), _ZERO)
    return cost_of(price, quantity, included)


def proration(
    amount: Decimal, period_start: datetime, period_end: datetime, from_: datetime, to: datetime
) -> Decimal:
    """The part of a period's `amount` for the time from `from_` to `to`, to the microsecond.

    Raises `ValueError` unless all moments are aware, in order, and the period is not empty.
    """
    start, begins, ends, end = (_utc(moment) for moment in (period_start, from_, to, period_end))
    if not start <= begins <= ends <= end or start == end:
        raise ValueError(
            f"{begins.isoformat()} to {ends.isoformat()} isn't within the period"
            f" {start.isoformat()} to {end.isoformat()}"
        )
    with localcontext(EXACT):
        return amount * ((ends - begins) // _MICROSECOND) / ((end - start) // _MICROSECOND)


def _cost(price: Price, units: Decimal, included: Decimal) -> Decimal:
    with localcontext(EXACT):
        if not units:
            return _ZERO
        if not price.tiers:
            return units / price.billing_units * (price.amount or _ZERO)
        if price.tier_behavior == "volume":
            tier = _reached(price.tiers, included + units)
            return units / price.billing_units * tier.amount + tier.flat_amount
        return _graduated(price, included, included + units)


def _graduated(price: Price, start: Decimal, end: Decimal) -> Decimal:
    charged, flat, position = _ZERO, _ZERO, start
    for tier in price.tiers:
        top = end if tier.to is None or tier is price.tiers[-1] else min(tier.to, end)
        if top > position:
            charged += (top - position) * tier.amount
            flat += tier.flat_amount
            position = top
    return charged / price.billing_units + flat


def _reached(tiers: Sequence[PriceTier], units: Decimal) -> PriceTier:
    return next((tier for tier in tiers if tier.to is None or units <= tier.to), tiers[-1])


def _whole_packs(quantity: Decimal, billing_units: Decimal) -> Decimal:
    """`quantity` rounded up to whole packs, in units."""
    if quantity < 0:
        raise ValueError(f"A quantity of {quantity:f} has no price: expected 0 or more")
    with localcontext(EXACT):
        rest = quantity % billing_units
        return quantity - rest + billing_units if rest else quantity


def _stored_tiers(tiers: object) -> tuple[PriceTier, ...]:
    if tiers is None:
        return ()
    if not isinstance(tiers, list) or not all(isinstance(tier, Mapping) for tier in tiers):
        raise ValueError("The price's tiers are not a list of objects with to, amount and flat_amount")
    return tuple(
        PriceTier(
            to=None if tier.get("to") in (None, "inf") else _stored(tier["to"], number, "to"),
            amount=_stored(tier.get("amount"), number, "amount"),
            flat_amount=_stored(tier.get("flat_amount"), number, "flat_amount"),
        )
        for number, tier in enumerate(tiers, 1)
    )


def _stored(value: object, number: int, name: str) -> Decimal:
    """`value` as a number; None is 0. A float is read as its shortest decimal representation."""
    try:
        figure = Decimal(0 if value is None else str(value))
    except InvalidOperation:
        figure = Decimal("NaN")
    if not figure.is_finite() or figure < 0:
        raise ValueError(f"Price tier {number} has {value!r} as its {name}: expected a number, 0 or more")
    return figure


def _utc(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} has no time zone: pass an aware moment")
    return moment.astimezone(UTC)
