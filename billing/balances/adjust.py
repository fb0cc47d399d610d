"""Adjust a balance by hand: add to a grant, set what remains, or expire a grant.

Each verb has a `preview_…` that computes the same without writing it. The preview's version token can be passed to the
verb, which then refuses if the balance has changed since. What is added counts towards the grant's `adjusted`, which its
next reset removes again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from billing.formats import name_of_grant
from billing.ledger.drawable_balances import DrawableBalances, drawable_balances_of, is_usage_based
from billing.ledger.entries import (
    FigureChange,
    PostingDraft,
    count_adjustments,
    locked_balances,
    post,
)
from billing.models import Balance, Grant, Posting, Rollover
from billing.rules.drawing_order import DrawableGrant, drawing_order
from billing.rules.exact import EXACT, ZERO, total
from billing.rules.figures import UPPER_BOUND, Figures, amount_problem
from billing.rules.moments import ahead_problem, closed_problem
from billing.subscriptions import renew_customers
from customers import clock
from customers.audit.record import audit
from customers.formats import moment, number
from customers.models import AuditAction


class CannotAdjust(Exception):
    """The balance cannot be adjusted this way; the message says what to do, or why."""


class BalanceChanged(CannotAdjust):
    """The balance has changed since the preview; `now` is the preview as it would be now."""

    def __init__(self, now: Adjustment) -> None:
        super().__init__("The balance has changed since the preview. Review the figures and confirm again.")
        self.now = now


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """An adjustment: its changes, and the figures of the balance before and after.

    `version_token` identifies the state that it was computed from. `posting` is set once it is written.
    """

    kind: Posting.Kind
    balance: Balance
    changes: Sequence[FigureChange]
    before: Figures
    after: Figures
    version_token: str
    ended: Sequence[Grant | Rollover] = ()
    posting: Posting | None = None


@dataclass(slots=True)
class _State:
    """A balance with its grants and rollovers at a moment; `grants` are the grants that count."""

    balance: Balance
    drawable: DrawableBalances
    at: datetime
    grants: list[DrawableGrant] = field(default_factory=list)

    @property
    def version_token(self) -> str:
        """A digest of everything that an adjustment is computed from."""
        grants = sorted(
            (key, row.entries, row.expires_at, row.reset_interval, row.unlimited, row.counts_at(self.at))
            for key, row in self.drawable.grants.items()
        )
        rollovers = sorted(
            (key, row.entries, row.expires_at, row.counts_at(self.at))
            for key, row in self.drawable.rollovers.items()
        )
        return hashlib.sha256(repr((grants, rollovers)).encode()).hexdigest()[:16]

    def figures(
        self, changes: Iterable[FigureChange] = (), ended: Iterable[Grant | Rollover] = ()
    ) -> Figures:
        """The figures of the balance, with these changes to included grants and without the `ended` rows."""
        added: dict[str, Decimal] = {}
        for change in changes:
            if change.figure == "included_grant":
                key = str(change.row.pk)
                added[key] = EXACT.add(added.get(key, ZERO), change.amount)
        gone = {str(row.pk) for row in ended}
        return self.drawable.figures(
            self.balance,
            [
                replace(grant, included_grant=EXACT.add(grant.included_grant, added.get(grant.id, ZERO)))
                for grant in self.grants
                if grant.id not in gone
            ],
            [row for row in self.drawable.drawable_rollovers(self.at) if row.id not in gone],
        )


def expirable_grants(balance: Balance, at: datetime) -> list[Grant]:
    """The grants that `expire` takes: those that count, in drawing order, and those that have not started."""
    state = _state(balance, at)
    scheduled = [grant for grant in state.drawable.grants.values() if grant.is_scheduled]
    return [*_in_order(state), *sorted(scheduled, key=lambda grant: (grant.created_at, grant.position))]


def version_token_of(balance: Balance, at: datetime) -> str:
    """The version token of the balance: it differs once a grant or rollover of the balance has changed."""
    return _state(balance, at).version_token


def preview_add(target: Grant | Balance, amount: Decimal, *, at: datetime | None = None) -> Adjustment:
    """Compute what `add` would do."""
    return _previewed(_add, target, amount, at or clock.now())


def preview_set_remaining(
    target: Grant | Balance, remaining: Decimal, *, at: datetime | None = None
) -> Adjustment:
    """Compute what `set_remaining` would do."""
    return _previewed(_set_remaining, target, remaining, at or clock.now())


def preview_expire(grant: Grant, *, at: datetime | None = None) -> Adjustment:
    """Compute what `expire` would do."""
    return _previewed(_expire, grant, ZERO, at or clock.now())


def add(
    target: Grant | Balance,
    amount: Decimal,
    *,
    reason: str,
    done_by: str,
    at: datetime | None = None,
    version_token: str | None = None,
) -> Adjustment:
    """Add `amount` to what a grant includes; below zero removes.

    For a balance, that is the first limited grant in drawing order. Raises `CannotAdjust`.
    """
    return _written(_add, target, amount, reason, done_by, at or clock.now(), version_token)


def set_remaining(
    target: Grant | Balance,
    remaining: Decimal,
    *,
    reason: str,
    done_by: str,
    at: datetime | None = None,
    version_token: str | None = None,
) -> Adjustment:
    """Set what remains in the whole balance, by changing what a grant includes.

    For a balance, more is added to the first limited grant in drawing order, and less is taken from one grant after the
    other. For a grant, only that grant changes. Raises `CannotAdjust` if the grants hold too little to take.
    """
    return _written(_set_remaining, target, remaining, reason, done_by, at or clock.now(), version_token)


def expire(
    grant: Grant, *, reason: str, done_by: str, at: datetime | None = None, version_token: str | None = None
) -> Adjustment:
    """End a grant and the rollovers that come from it; what they still hold is lost.

    Raises `CannotAdjust` if the grant has ended, or if it has overage that is still to be billed.
    """
    return _written(_expire, grant, ZERO, reason, done_by, at or clock.now(), version_token)


@dataclass(frozen=True, slots=True)
class _PlannedAdjustment:
    """The changes of an adjustment, and the rows that it ends."""

    kind: Posting.Kind
    changes: tuple[FigureChange, ...]
    ended: tuple[Grant | Rollover, ...] = ()


_Planner = Callable[[_State, Grant | None, Decimal], _PlannedAdjustment]


def _previewed(planner: _Planner, target: Grant | Balance, amount: Decimal, at: datetime) -> Adjustment:
    _check_moment(at)
    state = _state(_balance_of(target), at)
    return _adjustment(state, planner(state, _chosen(state, target), amount))


def _written(
    planner: _Planner,
    target: Grant | Balance,
    amount: Decimal,
    reason: str,
    done_by: str,
    at: datetime,
    version_token: str | None,
) -> Adjustment:
    if not reason.strip():
        raise CannotAdjust("Enter a reason. It is kept with the change.")
    _check_moment(at)
    balance = _balance_of(target)
    _renew_if_due(balance, at, done_by)
    with transaction.atomic():
        locked = locked_balances([balance.customer_id], [balance.feature_id])
        if not locked:
            raise CannotAdjust(
                "Open this balance on the primary record and try again. The customer was merged into another one."
            )
        [balance] = locked
        state = _state(balance, at)
        planned = planner(state, _chosen(state, target), amount)
        adjustment = _adjustment(state, planned)
        if version_token is not None and version_token != adjustment.version_token:
            raise BalanceChanged(adjustment)
        posting = _post(state, planned, reason.strip(), done_by)
        audit(
            AuditAction.BALANCE_ADJUSTED,
            str(balance.customer_id),
            str(posting.pk),
            details={"reason": reason},
            verb="adjusted",
        )
        return replace(adjustment, posting=posting)


def _add(state: _State, grant: Grant | None, amount: Decimal) -> _PlannedAdjustment:
    _check(amount)
    _check_started(grant)
    if not amount:
        raise CannotAdjust("Enter an amount above 0 to add, or below 0 to remove.")
    chosen = grant or _first(state)
    return _PlannedAdjustment(Posting.Kind.ADJUSTMENT, (_included(chosen, amount),))


def _set_remaining(state: _State, grant: Grant | None, remaining: Decimal) -> _PlannedAdjustment:
    _check(remaining)
    _check_started(grant)
    if remaining < 0:
        raise CannotAdjust("Enter 0 or more. What remains is never below 0.")
    figures = state.figures()
    if figures.unlimited:
        raise CannotAdjust(
            "The balance is unlimited, so nothing can be set. Expire the unlimited grant first."
        )
    missing = EXACT.subtract(remaining, figures.remaining)
    if not missing:
        raise CannotAdjust(f"Enter another amount. The balance already has {number(remaining)} remaining.")
    rows = {row.id: row for row in state.grants}
    if missing > 0:
        chosen = grant or _first(state)
        # A grant in overage must first be brought back to zero before anything remains of it.
        needed = EXACT.add(missing, rows[str(chosen.pk)].overage)
        return _PlannedAdjustment(Posting.Kind.ADJUSTMENT, (_included(chosen, needed),))
    changes: list[FigureChange] = []
    surplus = missing.copy_negate()
    for each in [grant] if grant else _adjustable(state):
        taken = min(surplus, rows[str(each.pk)].remaining)
        if taken:
            changes.append(_included(each, taken.copy_negate()))
            surplus = EXACT.subtract(surplus, taken)
    if surplus:
        least = number(EXACT.add(remaining, surplus))
        if grant:
            raise CannotAdjust(
                f"Enter {least} or more, because the other grants and rollovers hold that much, or choose no grant."
            )
        raise CannotAdjust(f"Enter {least} or more, or let the rollovers expire first. They hold {least}.")
    return _PlannedAdjustment(Posting.Kind.ADJUSTMENT, tuple(changes))


def _expire(state: _State, grant: Grant | None, _: Decimal) -> _PlannedAdjustment:
    if grant is None:
        raise CannotAdjust("Choose the grant to expire.")
    figures = grant.figures
    if is_usage_based(grant) and figures.overage:
        raise CannotAdjust(
            f"This grant has {number(figures.overage)} of overage that is still to be billed. Cancel its plan instead:"
            " the last invoice bills the overage."
        )
    changes = []
    rollovers = [each for each in state.drawable.rollovers.values() if each.grant_id == grant.pk]
    changes += [FigureChange(each, "left", each.left.copy_negate()) for each in rollovers]
    if figures.remaining and not grant.unlimited:
        changes.append(FigureChange(grant, "included_grant", figures.remaining.copy_negate()))
    return _PlannedAdjustment(Posting.Kind.EXPIRY, tuple(changes), (grant, *rollovers))


def _post(state: _State, planned: _PlannedAdjustment, reason: str, done_by: str) -> Posting:
    is_adjustment = planned.kind == Posting.Kind.ADJUSTMENT
    if is_adjustment:
        count_adjustments(planned.changes)
    for row in planned.ended:
        row.ended_at = state.at
    owners = {
        row.entity_id
        for row in (*(each.row for each in planned.changes), *planned.ended)
        if isinstance(row, Grant)
    }
    (posting,) = post(
        PostingDraft(
            customer_id=state.balance.customer_id,
            kind=planned.kind,
            occurred_at=state.at,
            done_by=done_by,
            changes=planned.changes,
            reason=reason,
            feature_id=state.balance.feature_id,
            entity_id=owners.pop() if len(owners) == 1 else None,
            amount=total(change.amount for change in planned.changes) if is_adjustment else None,
            # With a key, an expiry is posted even if nothing was left to lose.
            key=None if is_adjustment else f"expiry of {planned.ended[0].pk}",
        ),
        touched=planned.ended,
    )
    return posting


def _state(balance: Balance, at: datetime) -> _State:
    drawable = drawable_balances_of(balance.customer_id, {balance.feature_id: None}, [balance])
    if problem := closed_problem(at, drawable.last_reset()):
        raise CannotAdjust(problem)
    return _State(balance, drawable, at, drawable.drawable_grants(at))


def _adjustment(state: _State, planned: _PlannedAdjustment) -> Adjustment:
    return Adjustment(
        kind=planned.kind,
        balance=state.balance,
        changes=planned.changes,
        before=state.figures(),
        after=state.figures(planned.changes, planned.ended),
        version_token=state.version_token,
        ended=planned.ended,
    )


def _balance_of(target: Grant | Balance) -> Balance:
    return target if isinstance(target, Balance) else target.balance


def _chosen(state: _State, target: Grant | Balance) -> Grant | None:
    """The target grant as it is now; None if the target is a balance."""
    if isinstance(target, Balance):
        return None
    grant = state.drawable.grants.get(str(target.pk))
    if grant is None:
        raise CannotAdjust(f"Choose another grant. {name_of_grant(target)} has ended.")
    if grant.expires_at is not None and not grant.is_scheduled and not grant.counts_at(state.at):
        raise CannotAdjust(
            f"Choose another grant. {name_of_grant(grant)} expired {moment(grant.expires_at)}."
        )
    return grant


def _adjustable(state: _State) -> list[Grant]:
    return [grant for grant in _in_order(state) if not grant.unlimited]


def _in_order(state: _State) -> list[Grant]:
    """The customer's own grants first, because usage that names no entity draws from them; then each entity's."""
    owners = sorted({row.entity_id for row in state.grants if row.entity_id is not None})
    ordered = drawing_order(state.grants)
    for owner in owners:
        ordered += [row for row in drawing_order(state.grants, owner) if row.entity_id is not None]
    return [state.drawable.grants[row.id] for row in ordered]


def _first(state: _State) -> Grant:
    adjustable = _adjustable(state)
    if not adjustable:
        raise CannotAdjust("Grant something first. The balance has no limited grant to adjust.")
    return adjustable[0]


def _included(grant: Grant, amount: Decimal) -> FigureChange:
    """The change of a grant's included amount. Raises `CannotAdjust` if the grant can't have that amount."""
    if grant.unlimited:
        raise CannotAdjust(f"Choose another grant. {name_of_grant(grant)} is unlimited.")
    for figure in (grant.included_grant, grant.adjusted):
        if EXACT.add(figure, amount).copy_abs() >= UPPER_BOUND:
            raise CannotAdjust(
                "Enter a smaller amount. A grant has at most 15 digits before the decimal point."
            )
    return FigureChange(grant, "included_grant", amount)


def _check_moment(at: datetime) -> None:
    if problem := ahead_problem(at, clock.now()):
        raise CannotAdjust(problem)


def _check_started(grant: Grant | None) -> None:
    if grant is not None and grant.is_scheduled:
        raise CannotAdjust(
            f"Expire this grant and make another one. It starts on {moment(grant.created_at)}, and has nothing to adjust"
            " until then."
        )


def _check(amount: Decimal) -> None:
    if problem := amount_problem(amount):
        raise CannotAdjust(problem)


def _renew_if_due(balance: Balance, at: datetime, done_by: str) -> None:
    """Apply a reset that is due before the adjustment, because it would remove what the adjustment adds."""
    due = _state(balance, at).drawable.next_due()
    if due is not None and due <= at:
        with transaction.atomic():
            renew_customers([balance.customer_id], at, done_by=done_by)
