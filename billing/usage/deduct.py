"""Deduct usage of a feature from a customer's balances, or explain in words why it is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing.formats import limit_reached, name_of_grant
from billing.ledger.drawable_balances import DrawableBalances
from billing.ledger.entries import FigureChange
from billing.models import Entity, Feature
from billing.rules.drawing import (
    DrawnPart,
    DrawRefusal,
    LimitReached,
    draw,
    grants_after,
    refund,
    rollovers_after,
)
from billing.rules.drawing_order import DrawableGrant, DrawableRollover
from billing.rules.exact import EXACT, total
from billing.rules.figures import UPPER_BOUND, amount_problem
from billing.rules.moments import ahead_problem, is_before, shown
from customers.formats import day, number
from customers.typed_ids import to_typed_id, to_uuid


class UsageRefused(Exception):
    """A usage that is refused as a whole; the message is a sentence that says why.

    `missing` is the number of units that did not fit, if that is the reason.
    """

    def __init__(self, reason: str, missing: Decimal | None = None) -> None:
        super().__init__(reason)
        self.missing = missing


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRequest:
    """Usage of a feature by a customer; a negative amount is a refund.

    `customer_id` is the key of a customer, merged ones included. `at` is when the usage happened (None: now). With
    `cap`, what does not fit is dropped instead of refusing the whole amount. `account_id` is the key of the customer of
    one account: the usage draws from that one alone (None: from all accounts, in one order).
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
    account_id: str | None = None

    @property
    def entity_id(self) -> str | None:
        """The key of the entity, if the usage names one."""
        return None if self.entity is None else str(self.entity.pk)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageResult:
    """A recorded usage: the `parts` that grants and rollovers covered (or got back), and the units `dropped`.

    `why` explains in words why something was dropped. `note` is a sentence about usage of a period that was billed.
    `remaining` is what is left afterwards, by the key of the
    feature: the one used, and the credit systems that pay for it; None is unlimited. `is_replay` is set if the key was
    used before for the same request, and this is the result of that time.
    """

    amount: Decimal
    parts: Sequence[DrawnPart]
    dropped: Decimal
    why: str
    remaining: Mapping[str, Decimal | None]
    note: str = ""
    is_replay: bool = False

    def as_replay(self) -> UsageResult:
        """The same result, marked as the reply to a repeated request."""
        return replace(self, is_replay=True)

    @property
    def units(self) -> Decimal:
        """The units that were deducted or refunded."""
        return total(part.units for part in self.parts)


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a usage or refund takes from grants and rollovers, by their IDs; `why` explains what was dropped."""

    parts: Sequence[DrawnPart]
    usage_changes: Mapping[str, Decimal]
    rollover_changes: Mapping[str, Decimal]
    dropped: Decimal
    why: str


def deduct(
    drawable: DrawableBalances, request: UsageRequest, at: datetime
) -> tuple[UsageResult, list[FigureChange]]:
    """Compute the result of a usage and the changes to post for it. Changes nothing. Raises `UsageRefused`.

    No grant was reset after `at`: usage of a period that is over is computed by `billing.usage.late`.
    """
    grants, rollovers = started_grants(drawable, request, at), drawable.drawable_rollovers(at)
    drawn = draw_for(drawable, request, at, grants, rollovers)
    result = UsageResult(
        amount=request.amount,
        parts=drawn.parts,
        dropped=drawn.dropped,
        why=drawn.why,
        remaining=remaining_by_feature(
            drawable,
            request.entity_id,
            grants_after(grants, drawn.usage_changes),
            rollovers_after(rollovers, drawn.rollover_changes),
        ),
    )
    return result, changes_of(drawable, request, drawn)


def started_grants(drawable: DrawableBalances, request: UsageRequest, at: datetime) -> list[DrawableGrant]:
    """The grants that count and had started at `at`. Raises `UsageRefused` if none had, but some count."""
    counted = drawable.drawable_grants(at, request.entity_id)
    starts = {grant.id: drawable.grants[grant.id].started_at for grant in counted}
    started = [grant for grant in counted if not is_before(at, starts[grant.id])]
    if counted and not started:
        first = min(start for start in starts.values() if start is not None)
        raise UsageRefused(
            f"Enter a time from {shown(first)} on. The customer had no balance of {request.feature} before."
        )
    return started


def draw_for(
    drawable: DrawableBalances,
    request: UsageRequest,
    at: datetime,
    grants: Sequence[DrawableGrant],
    rollovers: Sequence[DrawableRollover],
) -> Drawn:
    """What the usage or refund takes from these grants and rollovers. Raises `UsageRefused`."""
    if request.amount < 0:
        refunded = refund(grants, request.amount.copy_negate(), entity_id=request.entity_id)
        why = "a refund can't exceed what was used" if refunded.dropped else ""
        return Drawn(refunded.parts, refunded.usage_changes, {}, refunded.dropped, why)
    drawn = draw(
        grants,
        rollovers,
        request.amount,
        entity_id=request.entity_id,
        overage_limits=drawable.overage_limits(at),
        usage_caps=drawable.usage_caps(at, request.entity_id),
        cap=request.cap,
    )
    if isinstance(drawn, DrawRefusal):
        raise UsageRefused(
            f"{number(drawn.missing)} of {number(request.amount)} {request.feature} can't be deducted:"
            f" {_limits_in_words(drawn.stops, drawable, request)}.",
            drawn.missing,
        )
    why = _limits_in_words(drawn.stops, drawable, request) if drawn.stops else ""
    return Drawn(drawn.parts, drawn.usage_changes, drawn.rollover_changes, drawn.dropped, why)


def changes_of(drawable: DrawableBalances, request: UsageRequest, drawn: Drawn) -> list[FigureChange]:
    """The changes to post. Raises `UsageRefused` if a figure would become too large."""
    changes = [
        FigureChange(drawable.grants[key], "usage", amount) for key, amount in drawn.usage_changes.items()
    ]
    changes += [
        FigureChange(drawable.rollovers[key], "left", amount)
        for key, amount in drawn.rollover_changes.items()
    ]
    for change in changes:
        if abs(EXACT.add(getattr(change.row, change.figure), change.amount)) > UPPER_BOUND:
            raise UsageRefused(
                f"The usage of {request.feature} would have more than 15 digits before the decimal point."
            )
    return changes


def check_request(request: UsageRequest, now: datetime) -> None:
    """Raise `UsageRefused` for a request that is invalid for every customer. `now` is the present."""
    if request.feature.type == Feature.Type.BOOLEAN:
        raise UsageRefused(f"{request.feature} is an on/off feature, so it has no usage.")
    if problem := amount_problem(request.amount):
        raise UsageRefused(problem)
    if request.at is not None and (problem := ahead_problem(request.at, now)):
        raise UsageRefused(problem)


def check_entity(request: UsageRequest, customer_id: str) -> None:
    """Raise `UsageRefused` if the customer does not have the entity of the request."""
    entity = request.entity
    if entity is None:
        return
    # The entity may have moved to the customer in a merge after it was read.
    if entity.customer_id != customer_id and not _has_entity(customer_id, entity):
        raise UsageRefused(f"The entity {entity} belongs to another customer.")
    if entity.removed_at is not None:
        raise UsageRefused(f"The entity {entity} was removed on {day(entity.removed_at)}.")


def _has_entity(customer_id: str, entity: Entity) -> bool:
    return Entity.objects.filter(pk=entity.pk, customer__pk=customer_id).exists()


def no_balance_refusal(request: UsageRequest) -> UsageRefused:
    """The refusal for a feature that the customer has no balance of."""
    return UsageRefused(
        f"The customer has no balance of {request.feature}. Attach a plan that includes it, or grant some.",
        request.amount,
    )


def remaining_by_feature(
    drawable: DrawableBalances,
    entity_id: str | None,
    grants: Iterable[DrawableGrant],
    rollovers: Iterable[DrawableRollover],
) -> dict[str, Decimal | None]:
    """What usage of the entity (None: of the customer) can still draw, by the key of the feature."""
    usable = [grant for grant in grants if grant.entity_id in (None, entity_id)]
    usable_rollovers = [rollover for rollover in rollovers if rollover.entity_id in (None, entity_id)]
    return drawable.remaining(usable, usable_rollovers)


def to_stored_answer(result: UsageResult, to_uuid_text: Callable[[str], str] | None = None) -> dict[str, Any]:
    """What a posting stores of the result, as JSON: IDs as UUIDs, figures as text without trailing zeros."""
    uuid_text = to_uuid_text or _uuid_text
    answer: dict[str, Any] = {
        "amount": _plain(result.amount),
        "parts": [
            [uuid_text(part.id), part.step, _plain(part.units), _plain(part.charged)] for part in result.parts
        ],
        "dropped": _plain(result.dropped),
        "why": result.why,
        "remaining": {
            uuid_text(key): None if left is None else _plain(left) for key, left in result.remaining.items()
        },
    }
    return answer | {"note": result.note} if result.note else answer


def from_stored_answer(answer: dict[str, Any]) -> UsageResult:
    """The result that a posting stored, marked as a replay."""
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
        note=answer.get("note", ""),
        remaining={
            to_typed_id(UUID(key), "feat"): None if left is None else Decimal(left)
            for key, left in answer["remaining"].items()
        },
        is_replay=True,
    )


def _limits_in_words(stops: Sequence[LimitReached], drawable: DrawableBalances, request: UsageRequest) -> str:
    grants = [drawable.grants[stop.row_id] for stop in stops if stop.row_id is not None]
    names = {str(grant.pk): name_of_grant(grant) for grant in grants}
    features = {str(grant.pk): str(drawable.balances[grant.balance_id].feature) for grant in grants}
    features |= {balance.feature_id: str(balance.feature) for balance in drawable.balances.values()}
    features |= {str(request.feature.pk): str(request.feature)}
    return "; ".join(limit_reached(stop, names, features) for stop in stops)


def _plain(figure: Decimal) -> str:
    return f"{figure.normalize(EXACT):f}"


def _uuid_text(typed_id: str) -> str:
    return str(to_uuid(typed_id, ("grt", "roll", "feat")))
