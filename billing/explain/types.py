"""What an explanation of a balance says, as values. All figures are exact; moments are aware and in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from billing.rules.drawing import DrawStep
from billing.rules.figures import Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantTerm:
    """A part of what a row grants, and where it comes from."""

    words: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RowExplained:
    """A grant or a rollover that counts.

    `granted`, `remaining` and `usage` are what it adds to the figures of the balance: beside an unlimited grant,
    limited ones add nothing. `held` is what it holds itself, below zero when it was overdrawn. `terms` add up to
    what it grants itself; `owner` is the entity that it belongs to, empty for the customer.
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
    """A grant or a rollover that does not count, and why. `held` is what it would hold."""

    id: str
    kind: Literal["grant", "rollover"]
    name: str
    owner: str
    held: Decimal
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryExplained:
    """An entry of the ledger. `amount` was added to the figure, which was `after` then.

    `reverses` and `reversed_by` are the ids of the postings that this one takes back, and that takes this one back.
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
    """What of a grant or a rollover will still be there when it expires or is reset, and so be lost."""

    row_id: str
    name: str
    how: Literal["expires", "is reset"]
    at: datetime
    amount: Decimal
    carried_over: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a balance is used, and what follows if that goes on.

    `used` was drawn from `since` to `until`, refunds taken off. `per_day` is rounded half-even to ten decimals.
    `runs_out_at` is None if it never does so at this rate. `words` say it all in a sentence.
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
    """One balance: the feature's own (`credit_cost` is None), or that of a credit system it draws from.

    `overage_words` say which overage is owed and which is shown. Of the rows left out those that ended last are
    there, `left_out_more` says whether there are others.
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
    """A place in the order of drawing: what stands there, why, and how much it can give.

    `available` is in the row's own feature, None for an unlimited one; `beyond` says whether, and how far, more
    may be drawn when nothing is left.
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
    """What one row gives of a use, or takes of a refund. `charged` is in `charged_in`, units or credits."""

    row_id: str
    name: str
    step: DrawStep
    words: str
    units: Decimal
    charged: Decimal
    charged_in: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UseExplained:
    """What using `asked` units (below zero: refunding them) would do.

    A use is `drawn` whole or `refused` whole, then `missing` units have no place, for `reasons`; a refund is
    `refunded`, but for the units `dropped`. `remaining` is by feature id what remains in each balance after it; None
    is without limit.
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
    """A boolean feature: whether the customer has it, and the reason in words."""

    is_on: bool
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a customer's balance of a feature is what it is, and what can be done with it.

    `balances` begins with the feature's own, if there is one; those of the credit systems that it draws from follow.
    `flag` is there for a boolean feature, which has no balance. `unreachable` names rows that count but that this
    use may not draw. `drawn_by` says of a credit system what a unit of each feature costs in it.
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
