"""What the reset of a grant changes when its period is over, and what it carries over.

Pure arithmetic on values: the clock is passed in, no database, and no argument is changed. The caller passes grants that
count (not expired, standalone or of an active plan), each with its own rollovers, and applies the result.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext

from billing.rules.drawing_order import (
    DrawableGrant,
    DrawableRollover,
    expiry_sort_key,
)
from billing.rules.exact import EXACT
from billing.rules.intervals import NEVER_RESETS, is_made_of_months, last_by, next_after, step

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloverRule:
    """What a plan item carries over: at most `maximum` in total (None: everything), for `months` (None: forever)."""

    maximum: Decimal | None = None
    months: int | None = None


@dataclass(frozen=True, slots=True)
class NewRollover:
    """A rollover to create: `balance` of it, all unused."""

    balance: Decimal
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class RolloverTrim:
    """The `amount` that the rollover maximum takes off an earlier rollover: off its granted amount and off what is left.

    If `emptied`, nothing is left and the rollover ends.
    """

    rollover_id: str
    amount: Decimal
    emptied: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetResult:
    """The changes of the reset that was due at `due_at`.

    `last_reset_at` is when the period began that is open now: later than `due_at` if several periods were missed.
    `usage_change` and `included_change` are amounts to add to the grant's usage and included grant, after which it holds
    what its plan item grants. `billable_overage` must be billed first; `forgiven_overage` is not billed.
    """

    row_id: str
    due_at: datetime
    last_reset_at: datetime
    next_reset_at: datetime | None
    usage_change: Decimal
    included_change: Decimal
    billable_overage: Decimal
    forgiven_overage: Decimal
    rollover: NewRollover | None = None
    trims: tuple[RolloverTrim, ...] = ()


def reset(
    row: DrawableGrant,
    rollovers: Iterable[DrawableRollover],
    now: datetime,
    item_rollover: RolloverRule | None,
    *,
    included: Decimal,
    anchor_day: int | None = None,
    usage_based: bool = False,
    past_due: bool = False,
    reset_past_due: bool = False,
) -> ResetResult | None:
    """Work out the reset, or None if none is due: it is still to come, the grant never resets, or it may not reset.

    `included` is what the plan item grants for the whole quantity, without adjustments. If several periods were missed,
    the grant is refilled once, and what is left is carried over once, from when the first reset was due. What would have
    expired by `now` is not carried over, and `rollovers` that have expired by then do not count. With `usage_based`,
    overage is billed. A grant of a `past_due` subscription resets only with `reset_past_due`.
    """
    if row.resets_at is None or row.resets_at > now or row.reset_interval in NEVER_RESETS:
        return None
    if past_due and not reset_past_due:
        return None
    with localcontext(EXACT):
        made, trims = _carry_over(row, rollovers, now, item_rollover, anchor_day)
        return ResetResult(
            row_id=row.id,
            due_at=row.resets_at,
            last_reset_at=last_by(
                row.resets_at, row.reset_interval, row.reset_interval_count, now, anchor_day
            ),
            next_reset_at=next_after(
                row.resets_at, row.reset_interval, row.reset_interval_count, now, anchor_day
            ),
            usage_change=_ZERO - row.usage,
            included_change=included - row.included_grant,
            billable_overage=row.overage if usage_based else _ZERO,
            forgiven_overage=_ZERO if usage_based else row.overage,
            rollover=made,
            trims=trims,
        )


def _carry_over(
    row: DrawableGrant,
    rollovers: Iterable[DrawableRollover],
    now: datetime,
    rule: RolloverRule | None,
    anchor_day: int | None,
) -> tuple[NewRollover | None, tuple[RolloverTrim, ...]]:
    """The rollover made from what is left of the grant, and what the maximum takes off earlier rollovers."""
    if rule is None or row.unlimited or not row.remaining or row.resets_at is None:
        return None, ()
    expires_at = None
    if rule.months is not None:
        anchor = anchor_day if is_made_of_months(row.reset_interval) else None
        expires_at = step(row.resets_at, "month", rule.months, anchor) if rule.months else row.resets_at
        if expires_at is not None and expires_at <= now:
            return None, ()
    unexpired = [each for each in rollovers if each.expires_at is None or each.expires_at > now]
    if rule.maximum is None:
        return NewRollover(row.remaining, expires_at), ()
    ordered = sorted(unexpired, key=lambda each: (*expiry_sort_key(each.expires_at), each.id))
    until = expiry_sort_key(expires_at)
    sooner = [each for each in ordered if expiry_sort_key(each.expires_at) <= until]
    later = ordered[len(sooner) :]
    excess = max(_ZERO, sum((each.balance for each in ordered), row.remaining) - rule.maximum)
    trims, excess = _trimmed(sooner, excess)
    kept = max(_ZERO, row.remaining - excess)
    more, _ = _trimmed(later, excess - (row.remaining - kept))
    return (NewRollover(kept, expires_at) if kept else None), (*trims, *more)


def _trimmed(rollovers: list[DrawableRollover], excess: Decimal) -> tuple[list[RolloverTrim], Decimal]:
    """Take `excess` off the rollovers in order; also return the excess that is left."""
    trims: list[RolloverTrim] = []
    for each in rollovers:
        amount = min(excess, each.balance)
        if amount > 0:
            trims.append(RolloverTrim(each.id, amount, emptied=amount == each.balance))
            excess -= amount
    return trims, excess
