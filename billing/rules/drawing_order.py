"""What usage may draw from, and in which order.

Pure values: no clock, no database. See `billing.rules.drawing`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from billing.rules.exact import EXACT, ZERO
from billing.rules.figures import GrantFigures, RolloverFigures
from billing.rules.intervals import nominal_minutes

_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawableGrant(GrantFigures):
    """A grant with everything that decides when usage is deducted from it, and how far.

    `entity_id` is None for a grant of the customer, `credit_cost` is None for a grant of the used feature itself. Of
    grants that are equal in all else and equally old, the one with the lower `position` comes first. `max_purchase` is
    how far below zero a grant with `overage_allowed` may go; None means no floor. With `shares_max_purchase` it bounds
    the overage of all grants of the balance that share it, together. With `overage_off` the grant keeps its place in the
    order, but may not go below zero.
    """

    id: str
    feature_id: str
    balance_id: str = ""
    created_at: datetime
    position: int = 0
    entity_id: str | None = None
    credit_cost: Decimal | None = None
    reset_interval: str = ""
    reset_interval_count: int = 1
    expires_at: datetime | None = None
    add_on: bool = False
    overage_allowed: bool = False
    overage_off: bool = False
    max_purchase: Decimal | None = None
    shares_max_purchase: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawableRollover(RolloverFigures):
    """A rollover with everything that decides when usage is deducted from it; `expires_at` None means never."""

    id: str
    feature_id: str = ""
    entity_id: str | None = None
    credit_cost: Decimal | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageCap:
    """At most `limit` of a feature per interval, of which `used` are used in the present one.

    A cap of the feature that is used counts its units (`is_of_used_feature`). One of a credit system counts the credits
    that are charged, for whatever feature.
    """

    feature_id: str
    limit: Decimal
    used: Decimal
    interval: str
    is_of_used_feature: bool = True
    #: Whether it is what is allocated to the entity, or left of what is allocated to others.
    is_share: bool = False

    @property
    def left(self) -> Decimal:
        """How much may still be used."""
        return max(ZERO, EXACT.subtract(self.limit, self.used))


def drawing_order(grants: Iterable[DrawableGrant], entity_id: str | None = None) -> list[DrawableGrant]:
    """The grants that usage of this entity (None: of the customer) may draw from, in order."""
    return sorted(
        (grant for grant in grants if _is_usable_by(grant.entity_id, entity_id)), key=grant_sort_key
    )


def rollover_order(
    rollovers: Iterable[DrawableRollover], entity_id: str | None = None
) -> list[DrawableRollover]:
    """The rollovers that usage of this entity (None: of the customer) may draw from, in order."""
    usable = (rollover for rollover in rollovers if _is_usable_by(rollover.entity_id, entity_id))
    return sorted(usable, key=rollover_sort_key)


def expiry_sort_key(expires_at: datetime | None) -> tuple[bool, datetime]:
    """Sorts what expires soonest first and what never expires last."""
    return expires_at is None, expires_at or _EARLIEST


def grant_sort_key(grant: DrawableGrant) -> tuple[object, ...]:
    """The drawing order of grants; the first difference decides.

    Grants of the entity come before the customer's, the feature itself before credits, short reset intervals before
    long ones, and what expires soon before what lasts. Add-ons and grants with overage wait, then age decides.
    """
    length = nominal_minutes(grant.reset_interval, grant.reset_interval_count)
    return (
        grant.entity_id is None,
        grant.credit_cost is not None,
        length is None,
        length or 0,
        *expiry_sort_key(grant.expires_at),
        grant.add_on,
        grant.overage_allowed,
        grant.created_at,
        grant.position,
        grant.id,
    )


def rollover_sort_key(rollover: DrawableRollover) -> tuple[object, ...]:
    """The drawing order of rollovers; the first difference decides."""
    return (
        *expiry_sort_key(rollover.expires_at),
        rollover.entity_id is None,
        rollover.credit_cost is not None,
        rollover.id,
    )


def _is_usable_by(owner: str | None, entity_id: str | None) -> bool:
    return owner is None or owner == entity_id
