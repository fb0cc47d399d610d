"""What a quantity costs: base prices, packs bought ahead, use beyond the grant, and parts of a period.

Pure arithmetic on values: no clock, no database. Amounts and quantities are Decimals, amounts in major units of a
currency that the caller knows. No answer is rounded to the currency: `billing.rules.money.round_to_minor` does that
once, when the answer becomes a line. What a person may have got wrong raises `ValueError` with a sentence for them.
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
    """The price of the units up to and with `to`, or of all that follow if None.

    `amount` is for each pack, `flat_amount` once.
    """

    to: Decimal | None
    amount: Decimal
    flat_amount: Decimal = _ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What packs of `billing_units` units cost: `amount` each, or what `tiers` say, which win over it.

    Tiers ascend, and their bounds count units, not packs, from the first unit of the feature: the included ones
    too, as in the billing document. The last tier goes on past its bound.
    """

    amount: Decimal | None = None
    tiers: tuple[PriceTier, ...] = ()
    tier_behavior: TierBehavior = "graduated"
    billing_units: Decimal = _ONE

    def __post_init__(self) -> None:
        if self.amount is None and not self.tiers:
            raise ValueError("The price has neither an amount nor tiers: give it one of them")
        if self.billing_units <= 0:
            raise ValueError(f"The price is for {self.billing_units:f} units: expected more than 0")
        reached = _ZERO
        for number, tier in enumerate(self.tiers, 1):
            if tier.to is None and number < len(self.tiers):
                raise ValueError(f"Price tier {number} has no end: only the last tier may go on for ever")
            if tier.to is not None and (tier.to < reached or (number > 1 and tier.to == reached)):
                raise ValueError(f"Price tier {number} ends at {tier.to:f}: expected more than {reached:f}")
            reached = tier.to or reached

    @classmethod
    def from_stored(
        cls, amount: Decimal | None, tiers: object, tier_behavior: str, billing_units: Decimal | None
    ) -> Self:
        """The price that the columns of a plan item or a grant hold.

        `tiers` is None or a list of objects with `to` (a number, or "inf" or null for no end), `amount` and
        `flat_amount`, their numbers as texts or as JSON numbers. No behaviour means graduated, no billing units
        one.
        """
        if tier_behavior not in ("", "graduated", "volume"):
            raise ValueError(f"{tier_behavior!r} is no tier behaviour: expected graduated or volume")
        return cls(
            amount=amount,
            tiers=_stored_tiers(tiers),
            tier_behavior="volume" if tier_behavior == "volume" else "graduated",
            billing_units=_ONE if billing_units is None else billing_units,
        )


def base_cost(amount: Decimal, quantity: Decimal | int) -> Decimal:
    """What `quantity` units of a plan cost at a base price of `amount`."""
    return EXACT.multiply(amount, Decimal(quantity))


def cost_of(price: Price, quantity: Decimal, included: Decimal = _ZERO) -> Decimal:
    """What `quantity` units past the `included` ones cost, in whole packs: a part of a pack is charged as one.

    Graduated tiers: each part in its own tier, and the flat amount of every tier that is entered. Volume: all of
    it in the tier that the units with the included ones reach, and that tier's flat amount. Nothing costs nothing.
    """
    return _cost(price, _whole_packs(quantity, price.billing_units), included)


def prepaid_cost(price: Price, quantity: Decimal, included: Decimal = _ZERO) -> Decimal:
    """What `quantity` units bought ahead, beside the `included` ones, cost in whole packs.

    As `cost_of`, but that a volume price charges the included units too, as the reference system does, once
    anything is bought.
    """
    if price.tiers and price.tier_behavior == "volume" and quantity > 0:
        return _cost(price, _whole_packs(EXACT.add(quantity, included), price.billing_units), _ZERO)
    return cost_of(price, quantity, included)


def proration(
    amount: Decimal, period_start: datetime, period_end: datetime, from_: datetime, to: datetime
) -> Decimal:
    """The part of a period's `amount` that the time from `from_` to `to` takes, to the microsecond.

    Raises `ValueError` unless the moments are aware and lie in order in a period that is longer than nothing.
    """
    start, begins, ends, end = (_utc(moment) for moment in (period_start, from_, to, period_end))
    if not start <= begins <= ends <= end or start == end:
        raise ValueError(
            f"{begins.isoformat()} to {ends.isoformat()} is no part of the period"
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
    """The figure `value`; None is 0. A float stands for the shortest decimal that reads as it."""
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
