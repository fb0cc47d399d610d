"""What a use draws from the rows and rollovers of a balance, and what a refund puts back.

Pure arithmetic on values: no clock, no database, and nothing passed in changes. The caller passes the rows and
rollovers that count (not expired, standalone or of an active plan) and applies the answer. Amounts are units of
the feature that is used; a row of a credit system is charged in its credits, at `credit_cost` for each unit.
Ids are unique among the rows, and among the rollovers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Literal

from billing.rules.figures import GrantFigures, RolloverFigures, credits_for, units_for
from billing.rules.intervals import nominal_minutes
from customers.json_types import DECIMALS

DrawStep = Literal["unlimited", "rollover", "granted", "overage", "healed", "refilled"]
LimitKind = Literal["nothing_granted", "no_overage", "max_purchase", "spend_limit"]

_ZERO = Decimal(0)
_UNBOUNDED = Decimal("Infinity")
_ALWAYS = datetime.min.replace(tzinfo=UTC)
# Wide enough that no sum of figures ever rounds.
_EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawableGrant(GrantFigures):
    """A row with what decides when it is drawn and how far.

    `entity_id` is None for a row of the customer, `credit_cost` for a row of the feature that is used itself.
    Of rows as old as each other the one with the lower `position` comes first. `max_purchase` is how far below
    zero a row with `overage_allowed` may go; None: no floor. With `shares_max_purchase` it bounds what all rows of the
    feature that share it are overdrawn by together.
    """

    id: str
    feature_id: str
    created_at: datetime
    position: int = 0
    entity_id: str | None = None
    credit_cost: Decimal | None = None
    reset_interval: str = ""
    reset_interval_count: int = 1
    expires_at: datetime | None = None
    add_on: bool = False
    overage_allowed: bool = False
    max_purchase: Decimal | None = None
    shares_max_purchase: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawableRollover(RolloverFigures):
    """A rollover with what decides when it is drawn; it never expires if `expires_at` is None."""

    id: str
    entity_id: str | None = None
    credit_cost: Decimal | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DrawnPart:
    """What one rollover (if `step` is `rollover`) or row gave of a use, or took of a refund.

    `units` are of the feature that is used, `charged` is in the row's own feature: the same number, or credits.
    """

    id: str
    step: DrawStep
    units: Decimal
    charged: Decimal


@dataclass(frozen=True, slots=True)
class LimitReached:
    """Why nothing more could be drawn: of the row `row_id`, the limit it has reached and where that lies.

    Without a row that may go below zero there is neither; `bound` is in the row's own feature.
    """

    limit: LimitKind
    row_id: str | None = None
    bound: Decimal | None = None

    def __str__(self) -> str:
        if self.limit == "nothing_granted":
            return "nothing is granted"
        if self.limit == "no_overage":
            return "no grant allows overage"
        name = "max_purchase" if self.limit == "max_purchase" else "spend limit"
        bound = "" if self.bound is None else f" of {self.bound.normalize():f}"
        return f"{self.row_id} has reached its {name}{bound}"


@dataclass(frozen=True, slots=True)
class DrawResult:
    """A use that fits, or with `cap` what fits of it: `parts` in the order drawn, and the units `dropped`.

    `stops` says why, where something was dropped.
    """

    parts: tuple[DrawnPart, ...]
    dropped: Decimal = _ZERO
    stops: tuple[LimitReached, ...] = ()

    @property
    def units(self) -> Decimal:
        """How much was drawn."""
        return _total(part.units for part in self.parts)

    @property
    def usage_changes(self) -> dict[str, Decimal]:
        """By row id, what to add to the row's usage; in the order drawn."""
        return _by_id(part for part in self.parts if part.step != "rollover")

    @property
    def rollover_changes(self) -> dict[str, Decimal]:
        """By rollover id, what to add to what is left of it (below zero); its usage grows by as much."""
        taken = _by_id(part for part in self.parts if part.step == "rollover")
        return {rollover_id: charged.copy_negate() for rollover_id, charged in taken.items()}


@dataclass(frozen=True, slots=True)
class DrawRefusal:
    """A use that does not fit: nothing is drawn. `missing` units of those asked for have no place."""

    asked: Decimal
    missing: Decimal
    stops: tuple[LimitReached, ...]

    def __str__(self) -> str:
        reasons = "; ".join(str(stop) for stop in self.stops)
        return f"{self.missing.normalize():f} of {self.asked.normalize():f} do not fit: {reasons}"


@dataclass(frozen=True, slots=True)
class RefundResult:
    """What a refund put back, in the order it did, and the units `dropped` because no row had used them."""

    parts: tuple[DrawnPart, ...]
    dropped: Decimal

    @property
    def usage_changes(self) -> dict[str, Decimal]:
        """By row id, what to add to the row's usage (below zero)."""
        return {row_id: charged.copy_negate() for row_id, charged in _by_id(self.parts).items()}


def drawing_order(rows: Iterable[DrawableGrant], entity_id: str | None = None) -> list[DrawableGrant]:
    """The rows that a use by this entity (None: by no entity) may draw, in the order it draws them."""
    return sorted((row for row in rows if _reaches(row.entity_id, entity_id)), key=grant_sort_key)


def rollover_order(
    rollovers: Iterable[DrawableRollover], entity_id: str | None = None
) -> list[DrawableRollover]:
    """The rollovers that a use by this entity (None: by no entity) may draw, in the order it draws them."""
    reachable = (rollover for rollover in rollovers if _reaches(rollover.entity_id, entity_id))
    return sorted(reachable, key=rollover_sort_key)


def draw(
    rows: Iterable[DrawableGrant],
    rollovers: Iterable[DrawableRollover],
    amount: Decimal,
    *,
    entity_id: str | None = None,
    overage_limits: Mapping[str, Decimal] | None = None,
    cap: bool = False,
) -> DrawResult | DrawRefusal:
    """What a use of `amount` units draws, or why it is refused whole. With `cap` it is never refused.

    `overage_limits` are spend limits by feature id, in units of that feature: the overage of all the `rows` of
    the feature together, those of other entities too, is kept from growing beyond its limit. Raises `ValueError`
    for an amount below zero, not finite, or finer than ten decimals.
    """
    rows = list(rows)
    _check(amount)
    with localcontext(_EXACT):
        use = _Allocation(amount)
        ordered = drawing_order(rows, entity_id)
        unlimited = next((row for row in ordered if row.unlimited), None)
        if unlimited is not None:
            use.take(unlimited.id, "unlimited", _UNBOUNDED, unlimited.credit_cost)
            return DrawResult(tuple(use.parts))
        reachable = rollover_order(rollovers, entity_id)
        for rollover in reachable:
            use.take(rollover.id, "rollover", rollover.balance, rollover.credit_cost)
        left = {row.id: row.balance for row in ordered}
        for row in ordered:
            left[row.id] -= use.take(row.id, "granted", left[row.id], row.credit_cost)
        stops = _overdraw(use, rows, ordered, left, overage_limits or {})
        if not use.missing:
            return DrawResult(tuple(use.parts))
        if not stops:
            stops = [LimitReached("no_overage" if ordered or reachable else "nothing_granted")]
        if not cap:
            return DrawRefusal(amount, use.missing, tuple(stops))
        return DrawResult(tuple(use.parts), use.missing, tuple(stops))


def refund(rows: Iterable[DrawableGrant], amount: Decimal, *, entity_id: str | None = None) -> RefundResult:
    """Where `amount` units (a positive number) go back to: in drawing order, what was used and no more.

    An unlimited row, which would have taken the use, takes the refund first. Then every row below zero is healed
    to zero, then rows are refilled up to their grant. Rollovers stay as they are. Raises as `draw` does.
    """
    _check(amount)
    with localcontext(_EXACT):
        use = _Allocation(amount)
        ordered = drawing_order(rows, entity_id)
        used = {row.id: row.usage for row in ordered}
        for row in ordered:
            if row.unlimited:
                used[row.id] -= use.take(row.id, "unlimited", used[row.id], row.credit_cost)
        for row in ordered:
            used[row.id] -= use.take(row.id, "healed", min(row.overage, used[row.id]), row.credit_cost)
        for row in ordered:
            use.take(row.id, "refilled", used[row.id], row.credit_cost)
        return RefundResult(tuple(use.parts), use.missing)


def expiry_sort_key(expires_at: datetime | None) -> tuple[bool, datetime]:
    """A key that sorts the soonest to expire first and what never expires last."""
    return expires_at is None, expires_at or _ALWAYS


class _Allocation:
    """A use, or a refund, being shared out: `missing` units still have no place."""

    def __init__(self, amount: Decimal) -> None:
        self.missing = amount
        self.parts: list[DrawnPart] = []

    def take(self, source_id: str, step: DrawStep, room: Decimal, credit_cost: Decimal | None) -> Decimal:
        """Places what fits into `room` (in the source's own feature), and returns what that charges."""
        if room <= 0 or not self.missing:
            return _ZERO
        units, charged = self.missing, self.missing
        if credit_cost is not None:
            charged = credits_for(self.missing, credit_cost)
        if charged > room:
            charged = room
            units = room if credit_cost is None else units_for(room, credit_cost)
        if not units:
            return _ZERO  # too few credits for the smallest unit: they stay
        self.missing -= units
        self.parts.append(DrawnPart(source_id, step, units, charged))
        return charged


def _overdraw(
    use: _Allocation,
    rows: list[DrawableGrant],
    ordered: list[DrawableGrant],
    left: dict[str, Decimal],
    overage_limits: Mapping[str, Decimal],
) -> list[LimitReached]:
    """Lets the `ordered` rows that allow overage go below zero, and says what stopped each.

    All the `rows` count towards the spend limits; `left` is what the ordered ones hold by now.
    """
    allowances = _allowances(rows, overage_limits)
    stops: list[LimitReached] = []
    shared: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row.shares_max_purchase:
            shared[row.feature_id] += row.overage
    for row in ordered:
        if not row.overage_allowed or not use.missing:
            continue
        above_zero = max(_ZERO, left[row.id])
        to_floor = _UNBOUNDED
        if row.max_purchase is not None:
            overdrawn = shared[row.feature_id] if row.shares_max_purchase else max(_ZERO, -left[row.id])
            to_floor = above_zero + max(_ZERO, row.max_purchase - overdrawn)
        to_limit = above_zero + allowances.get(row.feature_id, _UNBOUNDED)
        charged = use.take(row.id, "overage", min(to_floor, to_limit), row.credit_cost)
        beyond = max(_ZERO, charged - above_zero)
        if row.shares_max_purchase:
            shared[row.feature_id] += beyond
        if row.feature_id in allowances:
            allowances[row.feature_id] -= beyond
        if to_limit < to_floor:
            stops.append(LimitReached("spend_limit", row.id, overage_limits[row.feature_id]))
        else:
            stops.append(LimitReached("max_purchase", row.id, row.max_purchase))
    return stops


def _allowances(rows: list[DrawableGrant], overage_limits: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """By feature id, how much more overage its spend limit lets pass."""
    allowances = dict(overage_limits)
    for row in rows:
        if row.feature_id in allowances:
            allowances[row.feature_id] -= row.overage
    return allowances


def _reaches(owner: str | None, entity_id: str | None) -> bool:
    return owner is None or owner == entity_id


def grant_sort_key(row: DrawableGrant) -> tuple[object, ...]:
    """What rows are sorted by, the first of these that differs deciding."""
    length = nominal_minutes(row.reset_interval, row.reset_interval_count)
    return (
        row.entity_id is None,
        row.credit_cost is not None,
        length is None,
        length or 0,
        *expiry_sort_key(row.expires_at),
        row.add_on,
        row.overage_allowed,
        row.created_at,
        row.position,
        row.id,
    )


def rollover_sort_key(rollover: DrawableRollover) -> tuple[object, ...]:
    """What rollovers are sorted by, the first of these that differs deciding."""
    return (
        *expiry_sort_key(rollover.expires_at),
        rollover.entity_id is None,
        rollover.credit_cost is not None,
        rollover.id,
    )


def _check(amount: Decimal) -> None:
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"An amount of {amount} can be neither drawn nor refunded: expected 0 or more")
    if amount != amount.quantize(DECIMALS, context=_EXACT):
        raise ValueError(f"An amount of {amount} is too fine: expected at most 10 decimals")


def _total(values: Iterable[Decimal]) -> Decimal:
    with localcontext(_EXACT):
        return sum(values, _ZERO)


def _by_id(parts: Iterable[DrawnPart]) -> dict[str, Decimal]:
    charged: dict[str, Decimal] = {}
    with localcontext(_EXACT):
        for part in parts:
            charged[part.id] = charged.get(part.id, _ZERO) + part.charged
    return charged
