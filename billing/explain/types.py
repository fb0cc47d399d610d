"""The parts of an explanation of a balance. All figures are exact; times are aware and in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from billing.rules.drawing import DrawStep
from billing.rules.figures import Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantTerm:
    """One part of the amount that a grant or rollover grants. `words` name its source."""

    words: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RowExplained:
    """A grant or rollover that counts.

    `granted`, `remaining` and `usage` are what it adds to the figures of the balance; a limited grant adds nothing if
    the balance also has an unlimited one. `held` is what it holds itself, negative in overage. `terms` sum to what it
    grants itself. `owner` names its entity, and is empty for the customer's own.
    """

    id: str
    kind: Literal["grant", "rollover"]
    name: str
    owner: str
    unlimited: bool
    terms: tuple[GrantTerm, ...]
    granted: Decimal
    remaining: Decimal
    usage: Decimal
    held: Decimal
    overage: Decimal
    is_overage_billed: bool
    next_reset_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowLeftOut:
    """A grant or rollover that does not count, and the reason. `held` is what it would hold."""

    id: str
    kind: Literal["grant", "rollover"]
    name: str
    owner: str
    held: Decimal
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryExplained:
    """A ledger line: `amount` was added to `figure` of the grant or rollover `row`, which made it `after`.

    `reverses` is the ID of the posting that its own posting reverses, `reversed_by` the ID of the one that reverses it.
    """

    posting_id: str
    kind: str
    row: str
    figure: str
    amount: Decimal
    after: Decimal
    occurred_at: datetime
    recorded_at: datetime
    done_by: str
    reason: str
    key: str | None
    reverses: str | None
    reversed_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wasted:
    """The unused `amount` that a grant or rollover will lose when it expires or is reset, at this burn rate."""

    row_id: str
    name: str
    how: Literal["expires", "is reset"]
    at: datetime
    amount: Decimal
    carried_over: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The burn rate of a balance, and what follows if it stays the same.

    `used` is usage less refunds from `since` to `until`. `per_day` is rounded half-even to ten decimals. `runs_out_at`
    is None if the balance does not run out at this rate. `words` describe all of this. `wasted` is what will be lost.
    """

    used: Decimal
    since: datetime
    until: datetime
    per_day: Decimal
    runs_out_at: datetime | None
    next_reset_at: datetime | None
    words: str
    wasted: tuple[Wasted, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceExplained:
    """One balance: the feature's own (`credit_cost` is None), or one of a credit system that pays for the feature.

    `overage_words` explain both overages. `left_out` lists only some of the grants and rollovers that do not count;
    `left_out_more` is set if there are others.
    """

    id: str
    feature: str
    feature_id: str
    credit_cost: Decimal | None
    figures: Figures
    rows: tuple[RowExplained, ...]
    left_out: tuple[RowLeftOut, ...]
    left_out_more: bool
    overage_words: str
    pace: Pace
    entries: tuple[EntryExplained, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeductionPlace:
    """A grant or rollover in the drawing order, with the `reason` for its place.

    `available` is what can be deducted from it before overage, in units of its own feature; None is unlimited.
    `beyond` describes in words how much overage it allows.
    """

    number: int
    row_id: str
    name: str
    owner: str
    feature: str
    available: Decimal | None
    beyond: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartExplained:
    """The part of usage, or of a refund, that one grant or rollover covers.

    `units` are of the feature that is used. `charged` is in the feature `charged_in`: the same number, or credits.
    """

    row_id: str
    name: str
    step: DrawStep
    words: str
    units: Decimal
    charged: Decimal
    charged_in: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UseExplained:
    """What usage of `asked` units, or a refund of them if negative, would do.

    Usage is either `drawn` or `refused` as a whole. If it is refused, `missing` units do not fit, and `reasons` say why.
    A refund is `refunded`, except for the units `dropped` because they were not used. `remaining` is what remains in
    each balance afterwards, by feature ID; None is unlimited.
    """

    asked: Decimal
    outcome: Literal["drawn", "refused", "refunded"]
    parts: tuple[PartExplained, ...]
    missing: Decimal
    dropped: Decimal
    reasons: tuple[str, ...]
    remaining: dict[str, Decimal | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagExplained:
    """Whether a boolean feature is on for the customer, and why, in `words`."""

    is_on: bool
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The explanation of a customer's balance of a feature.

    `balances` has the feature's own balance first, if there is one, then those of the credit systems that pay for it. A
    boolean feature has a `flag` instead. `order` is the drawing order. `unreachable` names grants and rollovers that
    count but that usage without an entity can't draw from. For a credit system, `drawn_by` has the features that it
    pays for, each with its credits per unit.
    """

    customer: str
    customer_id: str
    feature: str
    feature_id: str
    entity: str | None
    at: datetime
    flag: FlagExplained | None = None
    balances: tuple[BalanceExplained, ...] = ()
    order: tuple[DeductionPlace, ...] = ()
    unreachable: tuple[str, ...] = ()
    drawn_by: tuple[tuple[str, Decimal], ...] = ()
    use: UseExplained | None = None
    notes: tuple[str, ...] = ()
