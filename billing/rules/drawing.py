"""The reference for what usage deducts from the grants and rollovers of a balance, and what a refund returns.

Pure arithmetic on values: no clock, no database, and no argument is changed. The caller passes the grants and
rollovers that count (neither ended nor expired, standalone or of an active plan) and applies the result. Amounts are
units of the feature that is used; a grant of a credit system is charged in its credits, at `credit_cost` per unit.
IDs are unique among the grants, and among the rollovers.

Two places repeat the simplest case, one grant that covers the whole amount, for speed: the PostgreSQL function
`billing_record_plain_use` and `billing.usage.record_many`. A property test holds both to this module.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from typing import Literal

from billing.rules.drawing_order import (
    DrawableGrant,
    DrawableRollover,
    UsageCap,
    drawing_order,
    rollover_order,
)
from billing.rules.exact import EXACT, ZERO, total
from billing.rules.figures import amount_problem, credits_for, units_for

DrawStep = Literal["unlimited", "rollover", "granted", "overage", "healed", "refilled"]
LimitKind = Literal[
    "nothing_granted", "no_overage", "overage_off", "max_purchase", "spend_limit", "usage_limit"
]

#: Whose overage a spend limit bounds: that of a feature, or of a feature in the grants of one entity.
OverageOwner = str | tuple[str, str]
OverageLimits = Mapping[OverageOwner, Decimal]

_UNBOUNDED = Decimal("Infinity")


@dataclass(frozen=True, slots=True)
class DrawnPart:
    """The part of a usage, or refund, that one grant or (if `step` is `rollover`) one rollover covers.

    `units` are of the feature that is used; `charged` is in the grant's own feature: the same number, or credits.
    """

    id: str
    step: DrawStep
    units: Decimal
    charged: Decimal


@dataclass(frozen=True, slots=True)
class LimitReached:
    """Why nothing more could be deducted: the limit that the grant `row_id` has reached, and its value.

    Both are None if no grant may go below zero. `bound` is in the grant's own feature. A usage limit has no grant: it is
    the `cap`.
    """

    limit: LimitKind
    row_id: str | None = None
    bound: Decimal | None = None
    cap: UsageCap | None = None

    def __str__(self) -> str:
        if self.limit == "nothing_granted":
            return "nothing is granted"
        if self.limit == "no_overage":
            return "no grant allows overage"
        if self.limit == "overage_off":
            return "overage is off"
        if self.cap is not None:
            return f"the usage limit is {self.cap.limit.normalize():f} per {self.cap.interval}"
        name = "max_purchase" if self.limit == "max_purchase" else "spend limit"
        bound = "" if self.bound is None else f" of {self.bound.normalize():f}"
        return f"{self.row_id} has reached its {name}{bound}"


@dataclass(frozen=True, slots=True)
class DrawResult:
    """A deduction: its `parts` in drawing order, the units `dropped` because of `cap`, and the limits that caused it."""

    parts: tuple[DrawnPart, ...]
    dropped: Decimal = ZERO
    stops: tuple[LimitReached, ...] = ()

    @property
    def units(self) -> Decimal:
        """The units that were deducted."""
        return total(part.units for part in self.parts)

    @property
    def usage_changes(self) -> dict[str, Decimal]:
        """What to add to the usage of each grant, by grant ID, in drawing order."""
        return _charged_by_id(part for part in self.parts if part.step != "rollover")

    @property
    def rollover_changes(self) -> dict[str, Decimal]:
        """What to add to the balance of each rollover, by rollover ID: amounts below zero."""
        taken = _charged_by_id(part for part in self.parts if part.step == "rollover")
        return {rollover_id: charged.copy_negate() for rollover_id, charged in taken.items()}


@dataclass(frozen=True, slots=True)
class DrawRefusal:
    """A usage that does not fit, so nothing is deducted: `missing` of the `requested` units are not covered."""

    requested: Decimal
    missing: Decimal
    stops: tuple[LimitReached, ...]

    def __str__(self) -> str:
        reasons = "; ".join(str(stop) for stop in self.stops)
        return f"{self.missing.normalize():f} of {self.requested.normalize():f} can't be deducted: {reasons}"


@dataclass(frozen=True, slots=True)
class RefundResult:
    """A refund: its `parts` in order, and the units `dropped` because they had not been used."""

    parts: tuple[DrawnPart, ...]
    dropped: Decimal

    @property
    def usage_changes(self) -> dict[str, Decimal]:
        """What to add to the usage of each grant, by grant ID: amounts below zero."""
        return {row_id: charged.copy_negate() for row_id, charged in _charged_by_id(self.parts).items()}


def draw(
    grants: Iterable[DrawableGrant],
    rollovers: Iterable[DrawableRollover],
    amount: Decimal,
    *,
    entity_id: str | None = None,
    overage_limits: OverageLimits | None = None,
    usage_caps: Sequence[UsageCap] = (),
    cap: bool = False,
) -> DrawResult | DrawRefusal:
    """Deduct `amount` units, or return a refusal if they do not fit. With `cap`, drop what does not fit instead.

    An unlimited grant covers everything. Otherwise rollovers come first, then what the grants have left, then their
    overage. `overage_limits` are spend limits by feature ID, in units of that feature: the overage of all `grants` of
    the feature together, including those of other entities, does not grow beyond its limit. One by feature ID and entity
    ID replaces it for the entity's own grants, which then count towards that one only. `usage_caps` are the usage limits
    of this usage: the tightest decides, whatever is granted. Raises `ValueError` for an amount that is below zero, not
    finite, or has more than ten decimals.
    """
    grants = list(grants)
    _check(amount)
    with localcontext(EXACT):
        allocation = _Allocation(amount, usage_caps)
        ordered = drawing_order(grants, entity_id)
        usable_rollovers = rollover_order(rollovers, entity_id)
        stops: list[LimitReached] = []
        unlimited = next((grant for grant in ordered if grant.unlimited), None)
        if unlimited is not None:
            allocation.take(unlimited, "unlimited", _UNBOUNDED)
        else:
            for rollover in usable_rollovers:
                allocation.take(rollover, "rollover", rollover.balance)
            left = {grant.id: grant.balance for grant in ordered}
            for grant in ordered:
                left[grant.id] -= allocation.take(grant, "granted", left[grant.id])
            stops = _overdraw(allocation, grants, ordered, left, overage_limits or {})
        missing = allocation.missing + allocation.held_back
        if not missing:
            return DrawResult(tuple(allocation.parts))
        stops = allocation.stops(stops)
        if not stops:
            is_off = any(grant.overage_off and grant.overage_allowed for grant in ordered)
            kind: LimitKind = "overage_off" if is_off else "no_overage"
            stops = [LimitReached(kind if ordered or usable_rollovers else "nothing_granted")]
        if not cap:
            return DrawRefusal(amount, missing, tuple(stops))
        return DrawResult(tuple(allocation.parts), missing, tuple(stops))


def refund(grants: Iterable[DrawableGrant], amount: Decimal, *, entity_id: str | None = None) -> RefundResult:
    """Return `amount` units (a positive number) to the grants, in drawing order, at most what each has used.

    An unlimited grant, which would have covered the usage, comes first. Then every grant in overage is brought back to
    zero, then grants are refilled. Rollovers do not change. Raises as `draw` does.
    """
    _check(amount)
    with localcontext(EXACT):
        allocation = _Allocation(amount)
        ordered = drawing_order(grants, entity_id)
        used = {grant.id: grant.usage for grant in ordered}
        for grant in ordered:
            if grant.unlimited:
                used[grant.id] -= allocation.take(grant, "unlimited", used[grant.id])
        for grant in ordered:
            room = min(grant.overage, used[grant.id])
            used[grant.id] -= allocation.take(grant, "healed", room)
        for grant in ordered:
            allocation.take(grant, "refilled", used[grant.id])
        return RefundResult(tuple(allocation.parts), allocation.missing)


def grants_after(
    grants: Iterable[DrawableGrant], usage_changes: Mapping[str, Decimal]
) -> list[DrawableGrant]:
    """The grants with these amounts added to their usage."""
    return [
        replace(grant, usage=EXACT.add(grant.usage, usage_changes[grant.id]))
        if grant.id in usage_changes
        else grant
        for grant in grants
    ]


def rollovers_after(
    rollovers: Iterable[DrawableRollover], balance_changes: Mapping[str, Decimal]
) -> list[DrawableRollover]:
    """The rollovers with these amounts moved from their usage to their balance."""
    after = []
    for rollover in rollovers:
        change = balance_changes.get(rollover.id, ZERO)
        after.append(
            replace(
                rollover,
                balance=EXACT.add(rollover.balance, change),
                usage=EXACT.subtract(rollover.usage, change),
            )
        )
    return after


class _Allocation:
    """An amount being spread over grants and rollovers: `missing` units are not covered yet.

    `held_back` are the units that a usage limit of the feature keeps out from the start.
    """

    def __init__(self, amount: Decimal, caps: Sequence[UsageCap] = ()) -> None:
        self._caps = caps
        self._own = min(
            (cap for cap in caps if cap.is_of_used_feature), key=lambda cap: cap.left, default=None
        )
        #: How many credits of each capped credit system may still be charged.
        self._rooms: dict[str, Decimal] = {}
        for cap in caps:
            if not cap.is_of_used_feature:
                self._rooms[cap.feature_id] = min(cap.left, self._rooms.get(cap.feature_id, _UNBOUNDED))
        self._full: set[str] = set()
        self.held_back = ZERO if self._own is None else max(ZERO, amount - self._own.left)
        self.missing = amount - self.held_back
        self.parts: list[DrawnPart] = []

    def take(self, source: DrawableGrant | DrawableRollover, step: DrawStep, room: Decimal) -> Decimal:
        """Cover as much as fits into `room` (in the source's own feature); return what that charges."""
        if room <= 0 or not self.missing:
            return ZERO
        cost = source.credit_cost
        units, charged = self.missing, self.missing
        if cost is not None:
            charged = credits_for(self.missing, cost)
        capped = self._rooms.get(source.feature_id, _UNBOUNDED)
        if min(charged, room) > capped:
            self._full.add(source.feature_id)
            room = capped
        if charged > room:
            charged = room
            units = room if cost is None else units_for(room, cost)
        if not units:
            return ZERO  # Too few credits for the smallest unit: they stay.
        self.missing -= units
        if source.feature_id in self._rooms:
            self._rooms[source.feature_id] -= charged
        self.parts.append(DrawnPart(source.id, step, units, charged))
        return charged

    def stops(self, others: Sequence[LimitReached]) -> list[LimitReached]:
        """The limits that stopped the usage, usage limits first; `others` count only if they left something uncovered."""
        reached = []
        if self._own is not None and self.held_back:
            reached.append(LimitReached("usage_limit", bound=self._own.limit, cap=self._own))
        if not self.missing:
            return reached
        for feature_id in sorted(self._full):
            of_feature = (cap for cap in self._caps if cap.feature_id == feature_id)
            tightest = min(of_feature, key=lambda cap: cap.left)
            reached.append(LimitReached("usage_limit", bound=tightest.limit, cap=tightest))
        return [*reached, *others]


def _overdraw(
    allocation: _Allocation,
    grants: Sequence[DrawableGrant],
    ordered: Sequence[DrawableGrant],
    left: Mapping[str, Decimal],
    overage_limits: OverageLimits,
) -> list[LimitReached]:
    """Take the `ordered` grants that allow overage below zero; return the limit that stopped each.

    All `grants` count towards the spend limits. `left` is what the ordered ones have left at this point.
    """
    allowances = _allowances(grants, overage_limits)
    stops: list[LimitReached] = []
    shared: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for grant in grants:
        if grant.shares_max_purchase:
            shared[grant.feature_id, grant.balance_id] += grant.overage
    for grant in ordered:
        if not grant.overage_allowed or grant.overage_off or not allocation.missing:
            continue
        above_zero = max(ZERO, left[grant.id])
        to_floor = _UNBOUNDED
        if grant.max_purchase is not None:
            together = shared[grant.feature_id, grant.balance_id]
            overdrawn = together if grant.shares_max_purchase else max(ZERO, -left[grant.id])
            to_floor = above_zero + max(ZERO, grant.max_purchase - overdrawn)
        limit = _limit_of(grant, overage_limits)
        to_limit = _UNBOUNDED if limit is None else above_zero + allowances[limit]
        charged = allocation.take(grant, "overage", min(to_floor, to_limit))
        overage = max(ZERO, charged - above_zero)
        if grant.shares_max_purchase:
            shared[grant.feature_id, grant.balance_id] += overage
        if limit is not None:
            allowances[limit] -= overage
        if limit is not None and to_limit < to_floor:
            stops.append(LimitReached("spend_limit", grant.id, overage_limits[limit]))
        elif grant.max_purchase is not None:
            stops.append(LimitReached("max_purchase", grant.id, grant.max_purchase))
    return stops


def _limit_of(grant: DrawableGrant, overage_limits: OverageLimits) -> OverageOwner | None:
    """The spend limit that the overage of the grant counts towards: its entity's, else the customer's."""
    if grant.entity_id is not None and (grant.feature_id, grant.entity_id) in overage_limits:
        return grant.feature_id, grant.entity_id
    return grant.feature_id if grant.feature_id in overage_limits else None


def _allowances(
    grants: Iterable[DrawableGrant], overage_limits: OverageLimits
) -> dict[OverageOwner, Decimal]:
    """How much more overage each spend limit allows."""
    allowances = dict(overage_limits)
    for grant in grants:
        limit = _limit_of(grant, overage_limits)
        if limit is not None:
            allowances[limit] -= grant.overage
    return allowances


def _check(amount: Decimal) -> None:
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"An amount of {amount} can be neither deducted nor refunded: expected 0 or more")
    if problem := amount_problem(amount):
        raise ValueError(f"An amount of {amount} cannot be deducted or refunded. {problem}")


def _charged_by_id(parts: Iterable[DrawnPart]) -> dict[str, Decimal]:
    charged: dict[str, Decimal] = {}
    for part in parts:
        charged[part.id] = EXACT.add(charged.get(part.id, ZERO), part.charged)
    return charged
