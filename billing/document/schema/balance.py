"""Balances with their breakdown and rollovers, and flags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from msgspec import UNSET, UnsetType, structs

from billing.document.schema.catalog import Feature
from billing.document.schema.prices import RowPrice
from billing.document.schema.scalars import (
    AggregateInterval,
    Bounded,
    Count,
    Expiry,
    Identifier,
    NonNegative,
    drop_invalid,
    refuse_repeats,
)
from billing.rules.figures import Figures, GrantFigures, RolloverFigures, figures_of
from customers.json_types import (
    LARGEST,
    EpochMs,
    JsonDocument,
    Number,
    Refused,
    Remark,
    plain_number,
    to_iso,
    within,
)

T = TypeVar("T")

#: The figures of a balance that its rows and rollovers come to.
_FIGURES = ("granted", "remaining", "usage", "unlimited", "next_reset_at")

#: The `expires_at` of a rollover that never expires: 0 on the wire.
NEVER = Expiry(1970, 1, 1, tzinfo=UTC)


class Reset(JsonDocument, kw_only=True):
    """How often a grant resets, and when next: never if `resets_at` is null."""

    interval: AggregateInterval
    interval_count: Count | UnsetType = UNSET
    resets_at: EpochMs | None = None


class BreakdownRow(JsonDocument, kw_only=True):
    """One grant of a feature: of a plan or, without `plan_id`, standalone.

    `included_grant` and `usage` may be negative, because of corrections and refunds.
    """

    IDENTITY: ClassVar[tuple[str, ...]] = ("id", "plan_id")
    DEFAULTS: ClassVar[Mapping[str, Any]] = {"remaining": 0, "unlimited": False}
    #: What the customer may use, and what is billed as overage, is computed from these.
    REFUSING: ClassVar[frozenset[str]] = frozenset({"included_grant", "prepaid_grant", "usage"})

    id: Bounded | UnsetType = UNSET
    plan_id: Identifier | None = None
    included_grant: Number
    prepaid_grant: NonNegative
    remaining: Number
    usage: Number
    unlimited: bool
    reset: Reset | None = None
    price: RowPrice | None = None
    expires_at: EpochMs | None = None

    def __post_init__(self) -> None:
        # The billing client's models write an empty ID if there is none.
        if self.id == "":
            self.id = UNSET

    def figures(self) -> GrantFigures:
        return GrantFigures(
            included_grant=self.included_grant,
            prepaid_grant=self.prepaid_grant,
            usage=self.usage,
            unlimited=self.unlimited,
            resets_at=None if self.reset is None else self.reset.resets_at,
        )


class Rollover(JsonDocument, kw_only=True):
    """Unused amount of an earlier period: `granted` was carried over, and `balance` of it remains.

    Older clients leave out `granted`. It then equals `balance`.
    """

    IDENTITY: ClassVar[tuple[str, ...]] = ("expires_at",)

    ALWAYS_SENT: ClassVar[frozenset[str]] = frozenset({"granted"})
    #: A rollover that is left out, or expires too late, changes what the customer may use.
    REFUSING: ClassVar[frozenset[str]] = frozenset({"balance", "expires_at"})

    granted: NonNegative | UnsetType = UNSET
    balance: NonNegative
    expires_at: Expiry

    @property
    def expiry(self) -> datetime | None:
        """When it expires; None for never."""
        return None if self.expires_at == NEVER else self.expires_at

    def figures(self) -> RolloverFigures:
        granted = self.balance if self.granted is UNSET else self.granted
        return RolloverFigures.of(granted, self.balance)

    def verify(self, at: str) -> list[Remark]:
        """Drop `granted` if more remains than was carried over."""
        if self.granted is UNSET or self.granted >= self.balance:
            return []
        text = (
            f"Expected at least the balance {plain_number(self.balance)}, got {plain_number(self.granted)}."
            " The balance was taken instead."
        )
        self.granted = UNSET
        return [Remark(within(at, "granted"), text)]


def _computed_from_rows(balance: Mapping[str, Any]) -> int | UnsetType:
    """The default of a figure that is computed from the rows anyway, if there are any."""
    return 0 if balance.get("breakdown") else UNSET


class Balance(JsonDocument, kw_only=True):
    """What is granted, used and remaining of one feature, over all its rows and rollovers.

    All figures except `overage_allowed` and `max_purchase` are computed from the rows.
    """

    ALWAYS_SENT: ClassVar[frozenset[str]] = frozenset({"feature_id"})
    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "granted": _computed_from_rows,
        "usage": _computed_from_rows,
        "remaining": 0,
        "unlimited": False,
        "overage_allowed": False,
    }
    #: What the customer may use, and what is billed as overage, is computed from these.
    REFUSING: ClassVar[frozenset[str]] = frozenset({"granted", "usage", "breakdown", "rollovers"})

    feature_id: Identifier | UnsetType = UNSET
    granted: Number
    remaining: Number
    usage: Number
    unlimited: bool
    overage_allowed: bool
    max_purchase: NonNegative | None = None
    next_reset_at: EpochMs | None = None
    feature: Feature | UnsetType = UNSET
    breakdown: list[BreakdownRow] | UnsetType = UNSET
    rollovers: list[Rollover] | UnsetType = UNSET

    def figures(self) -> Figures:
        """The figures computed from the rows and rollovers."""
        return figures_of(
            [row.figures() for row in rows_of(self)],
            [rollover.figures() for rollover in self.rollovers or []],
        )

    def counted(self, at: datetime) -> Balance:
        """The balance at a moment: without expired rows and rollovers, its figures computed from the others."""
        rollovers = _counted(self.rollovers, lambda rollover: rollover.expiry, at)
        if rollovers is not UNSET:
            rollovers = [
                structs.replace(each, granted=each.balance) if each.granted is UNSET else each
                for each in rollovers
            ]
        rows = _counted(rows_of(self), lambda row: row.expires_at, at)
        figures = figures_of(
            [row.figures() for row in rows or []], [rollover.figures() for rollover in rollovers or []]
        )
        return structs.replace(
            self,
            breakdown=UNSET if self.breakdown is UNSET else rows,
            rollovers=rollovers,
            **{name: getattr(figures, name) for name in _FIGURES},
        )

    def verify(self, at: str, feature_id: str) -> list[Remark]:
        """Set `feature_id` to the key of this balance, and drop what contradicts it or is invalid.

        Raises `Refused` for two rows with one ID, because either would change what the customer may use.
        """
        remarks = settle_feature(self, at, feature_id)
        rows = self.breakdown or []
        refuse_repeats(within(at, "breakdown"), "id", (None if row.id is UNSET else row.id for row in rows))
        for index, row in enumerate(rows):
            remarks += drop_invalid(row, within(at, "breakdown", index), "price", None)
        for index, rollover in enumerate(self.rollovers or []):
            remarks += rollover.verify(within(at, "rollovers", index))
        return remarks

    def settle(self, at: str) -> list[Remark]:
        """Replace the figures that differ from the sums of the rows, with a remark on each."""
        remarks = []
        for index, row in enumerate(self.breakdown or []):
            remaining = row.figures().remaining
            if row.remaining != remaining:
                path = within(at, "breakdown", index, "remaining")
                remarks.append(_remark(path, row.remaining, remaining, "the row's grant and usage"))
                row.remaining = _in_range(path, remaining)
        if not self.breakdown:
            for row in rows_of(self):
                _in_range(at, row.included_grant)
                _in_range(at, row.usage)
        ours = self.figures()
        for name in _FIGURES:
            sent, taken = getattr(self, name), getattr(ours, name)
            if sent != taken:
                path = within(at, name)
                remarks.append(_remark(path, sent, taken, "the rows"))
                setattr(self, name, _in_range(path, taken) if isinstance(taken, Decimal) else taken)
        return remarks


class Flag(JsonDocument, kw_only=True):
    """A boolean feature that a customer has: of a plan or, without `plan_id`, standalone."""

    ALWAYS_SENT: ClassVar[frozenset[str]] = frozenset({"feature_id"})

    id: Identifier
    feature_id: Identifier | UnsetType = UNSET
    plan_id: Identifier | None = None
    expires_at: EpochMs | None = None
    feature: Feature | UnsetType = UNSET

    def verify(self, at: str, feature_id: str) -> list[Remark]:
        """Set `feature_id` to the key of this flag, and drop what contradicts it."""
        return settle_feature(self, at, feature_id)


def rows_of(balance: Balance) -> list[BreakdownRow]:
    """The rows of `balance`: its breakdown or, without one, a single standalone row.

    That row holds what the rollovers don't. It may hold less than the aggregate, because one row can't be in overage and
    have something remaining. An empty breakdown with figures of 0 has no row.
    """
    if balance.breakdown:
        return balance.breakdown
    included, usage = Decimal(0), Decimal(balance.usage)
    if not balance.unlimited:
        rollovers = [rollover.figures() for rollover in balance.rollovers or []]
        included = balance.granted - sum(rollover.granted for rollover in rollovers)
        usage -= sum(rollover.usage for rollover in rollovers)
    is_empty = not (balance.unlimited or included or usage or balance.next_reset_at)
    if balance.breakdown is not UNSET and is_empty:
        return []
    row = BreakdownRow(
        included_grant=Number(included),
        prepaid_grant=NonNegative(0),
        remaining=Number(GrantFigures(included_grant=included, usage=usage).remaining),
        usage=Number(usage),
        unlimited=balance.unlimited,
        reset=None
        if balance.next_reset_at is None
        else Reset(interval="multiple", resets_at=balance.next_reset_at),
    )
    return [row]


def settle_feature(item: Balance | Flag, at: str, key: str) -> list[Remark]:
    """Set the feature ID of `item` to its key, and drop a description of another feature."""
    remarks: list[Remark] = []
    if item.feature_id is not UNSET and item.feature_id != key:
        text = f"Expected {key!r}, the key of this object, got {item.feature_id!r}. The key was used."
        remarks.append(Remark(within(at, "feature_id"), text))
    item.feature_id = key
    return remarks + drop_invalid(item, at, "feature", UNSET, own_id=key)


def _counted(
    items: list[T] | UnsetType, expiry: Callable[[T], datetime | None], at: datetime
) -> list[T] | UnsetType:
    if items is UNSET:
        return UNSET
    return [item for item in items if (end := expiry(item)) is None or end > at]


def _in_range(path: str, figure: Decimal) -> Number:
    if abs(figure) >= LARGEST:
        raise Refused(path, "The sum of the rows has more than 15 digits before the decimal point.")
    return Number(figure)


def _remark(path: str, sent: object, taken: object, source: str) -> Remark:
    return Remark(path, f"Imported as {_shown(taken)} instead of {_shown(sent)}, as computed from {source}.")


def _shown(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return to_iso(value)
    return str(plain_number(value)) if isinstance(value, Decimal) else str(value)
