"""What a use of a feature does to a customer's holding: what it draws, or in words why it is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any
from uuid import UUID

from billing.formats import name_of_grant, stopped
from billing.ledger.drawable_balances import DrawableBalances
from billing.ledger.entries import FigureChange
from billing.models import Entity, Feature
from billing.models.figures import UPPER_BOUND
from billing.rules.drawing import (
    DrawableGrant,
    DrawableRollover,
    DrawnPart,
    DrawRefusal,
    LimitReached,
    draw,
    refund,
)
from billing.rules.figures import figures_of
from customers.formats import number
from customers.json_types import DECIMALS
from customers.typed_ids import to_typed_id, to_uuid

_ZERO = Decimal(0)
_FINEST = -10
_EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)


class UsageRefused(Exception):
    """A use that is refused whole; the message says why. `missing` units of it have no place, where that is why."""

    def __init__(self, reason: str, missing: Decimal | None = None) -> None:
        super().__init__(reason)
        self.missing = missing


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRequest:
    """A use of a feature by a customer; a negative amount is a refund.

    `customer_id` is a customer's key, that of a merged one too. `at` is when it happened (None: now). With `cap`,
    what does not fit is dropped instead of refusing the whole.
    """

    customer_id: str
    feature: Feature
    amount: Decimal
    done_by: str
    entity: Entity | None = None
    key: str | None = None
    at: datetime | None = None
    cap: bool = False
    reason: str = ""

    @property
    def entity_id(self) -> str | None:
        """The key of the entity, if it is one's use."""
        return None if self.entity is None else str(self.entity.pk)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageResult:
    """What came of a use: the `parts` that grants and rollovers gave (or took back), and the units `dropped`.

    `why` says in words why something was dropped. `remaining` is what was left afterwards, by the key of the
    feature: of the one used and of the credit systems it draws; None is without limit. `is_replay`: the key was
    used before for the same, and this is what was answered then.
    """

    amount: Decimal
    parts: Sequence[DrawnPart]
    dropped: Decimal
    why: str
    remaining: Mapping[str, Decimal | None]
    is_replay: bool = False

    def again(self) -> UsageResult:
        """The same, as the answer to a repetition."""
        return replace(self, is_replay=True)

    @property
    def units(self) -> Decimal:
        """How much was drawn, or put back, in units of the feature."""
        total = _ZERO
        for part in self.parts:
            total = _EXACT.add(total, part.units)
        return total


def deduct(
    holding: DrawableBalances, use: UsageRequest, at: datetime
) -> tuple[UsageResult, list[FigureChange]]:
    """What the use comes to, and the changes to post for it; nothing is changed yet. Raises `UsageRefused`."""
    rows, rollovers = holding.drawable_grants(at), holding.drawable_rollovers(at)
    changes: list[FigureChange] = []
    if use.amount > 0:
        drawn = draw(
            rows,
            rollovers,
            use.amount,
            entity_id=use.entity_id,
            overage_limits=holding.overage_limits,
            cap=use.cap,
        )
        if isinstance(drawn, DrawRefusal):
            why = _in_words(drawn.stops, holding)
            raise UsageRefused(
                f"{number(drawn.missing)} of {number(use.amount)} {use.feature} do not fit: {why}.",
                drawn.missing,
            )
        why = _in_words(drawn.stops, holding) if drawn.stops else ""
        usage_changes, left_changes = drawn.usage_changes, drawn.rollover_changes
        parts, dropped = drawn.parts, drawn.dropped
    else:
        refunded = refund(rows, use.amount.copy_negate(), entity_id=use.entity_id)
        usage_changes, left_changes = refunded.usage_changes, {}
        parts, dropped = refunded.parts, refunded.dropped
        why = "no more than that was used" if dropped else ""
    changes += [FigureChange(holding.grants[key], "usage", amount) for key, amount in usage_changes.items()]
    changes += [FigureChange(holding.rollovers[key], "left", amount) for key, amount in left_changes.items()]
    for change in changes:
        if abs(_EXACT.add(getattr(change.row, change.figure), change.amount)) > UPPER_BOUND:
            raise UsageRefused(f"The usage of {use.feature} would have more than 15 digits before the point.")
    used = UsageResult(
        amount=use.amount,
        parts=parts,
        dropped=dropped,
        why=why,
        remaining=remaining_by_feature(
            holding,
            use.entity_id,
            [_moved(row, usage_changes) for row in rows],
            [_drawn(rollover, left_changes) for rollover in rollovers],
        ),
    )
    return used, changes


def check_request(use: UsageRequest) -> None:
    """Raise `UsageRefused` for a use that no holding could serve."""
    feature = use.feature
    if feature.type == Feature.Type.BOOLEAN:
        raise UsageRefused(f"{feature} is a flag: it is on or off, and there is nothing of it to use up.")
    amount = use.amount
    if not amount.is_finite() or abs(amount) >= UPPER_BOUND:
        raise UsageRefused("An amount has at most 15 digits before the point.")
    if not amount:
        raise UsageRefused("An amount of 0 uses nothing: give what was used, or a negative amount to refund.")
    exponent = amount.as_tuple().exponent
    if (
        isinstance(exponent, int)
        and exponent < _FINEST
        and amount != amount.quantize(DECIMALS, context=_EXACT)
    ):
        raise UsageRefused(f"An amount has at most 10 decimals, but {amount} has more.")


def check_entity(use: UsageRequest, customer_id: str) -> None:
    """Raise `UsageRefused` if the entity of the use is not one that the customer has."""
    if use.entity is None:
        return
    # It may have come to the customer by a merge since it was read.
    if use.entity.customer_id != customer_id and not _is_held(use.entity, customer_id):
        raise UsageRefused(f"The entity {use.entity} is another customer's.")
    if use.entity.removed_at is not None:
        raise UsageRefused(f"The entity {use.entity} was removed on {use.entity.removed_at:%Y-%m-%d}.")


def _is_held(entity: Entity, customer_id: str) -> bool:
    return Entity.objects.filter(pk=entity.pk, customer__pk=customer_id).exists()


def no_balance_refusal(use: UsageRequest) -> UsageRefused:
    """The refusal of a use of what the customer does not have at all."""
    feature_id = use.feature.feature_id
    return UsageRefused(
        f"The customer has no balance of {use.feature}: attach a plan that includes it, or grant some with"
        f" `manage.py grant CUSTOMER {feature_id} AMOUNT`.",
        use.amount,
    )


def remaining_by_feature(
    holding: DrawableBalances,
    entity_id: str | None,
    rows: Sequence[DrawableGrant],
    rollovers: Sequence[DrawableRollover],
) -> dict[str, Decimal | None]:
    """By feature, what the rows and rollovers leave to a use by the entity (None: by no entity)."""
    remaining: dict[str, Decimal | None] = {}
    for balance in holding.balances.values():
        figures = figures_of(
            [
                row
                for row in rows
                if row.feature_id == balance.feature_id and row.entity_id in (None, entity_id)
            ],
            [
                rollover
                for rollover in rollovers
                if holding.rollovers[rollover.id].balance_id == balance.pk
                and rollover.entity_id in (None, entity_id)
            ],
        )
        remaining[balance.feature_id] = None if figures.unlimited else figures.remaining
    return remaining


def to_stored_answer(used: UsageResult, to_uuid_text: Callable[[str], str] | None = None) -> dict[str, Any]:
    """What a posting keeps of the answer, as JSON: ids as UUIDs, figures as texts without trailing zeros."""
    uuid_text = to_uuid_text or _uuid_text
    return {
        "amount": _plain(used.amount),
        "parts": [
            [uuid_text(part.id), part.step, _plain(part.units), _plain(part.charged)] for part in used.parts
        ],
        "dropped": _plain(used.dropped),
        "why": used.why,
        "remaining": {
            uuid_text(key): None if left is None else _plain(left) for key, left in used.remaining.items()
        },
    }


def from_stored_answer(answer: dict[str, Any]) -> UsageResult:
    """What was answered then."""
    parts = [
        DrawnPart(
            to_typed_id(UUID(key), "roll" if step == "rollover" else "grt"),
            step,
            Decimal(units),
            Decimal(charged),
        )
        for key, step, units, charged in answer["parts"]
    ]
    return UsageResult(
        amount=Decimal(answer["amount"]),
        parts=parts,
        dropped=Decimal(answer["dropped"]),
        why=answer["why"],
        remaining={
            to_typed_id(UUID(key), "feat"): None if left is None else Decimal(left)
            for key, left in answer["remaining"].items()
        },
        is_replay=True,
    )


def _in_words(stops: Sequence[LimitReached], holding: DrawableBalances) -> str:
    grants = [holding.grants[stop.row_id] for stop in stops if stop.row_id is not None]
    names = {str(grant.pk): name_of_grant(grant) for grant in grants}
    features = {str(grant.pk): str(holding.balances[grant.balance_id].feature) for grant in grants}
    return "; ".join(stopped(stop, names, features) for stop in stops)


def _moved(row: DrawableGrant, usage_changes: Mapping[str, Decimal]) -> DrawableGrant:
    change = usage_changes.get(row.id)
    return row if change is None else replace(row, usage=_EXACT.add(row.usage, change))


def _drawn(rollover: DrawableRollover, left_changes: Mapping[str, Decimal]) -> DrawableRollover:
    change = left_changes.get(rollover.id)
    return rollover if change is None else replace(rollover, balance=_EXACT.add(rollover.balance, change))


def _plain(figure: Decimal) -> str:
    return f"{figure.normalize(_EXACT):f}"


def _uuid_text(typed_id: str) -> str:
    return str(to_uuid(typed_id, ("grt", "roll", "feat")))
