"""Adjust a balance by hand: add to a grant, set what remains, let a grant expire.

Each verb has a `preview_…` that works out the same without writing it. What a preview answered can be handed to the
verb as `seen`: it refuses if anybody has changed the balance since. What is added becomes part of a grant's
`adjusted`, which its next reset takes back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal

from django.db import transaction

from billing.formats import name_of_grant
from billing.ledger.drawable_balances import DrawableBalances, counts, drawable_balances_of, is_usage_based
from billing.ledger.entries import FigureChange, PostingDraft, locked_balances, post
from billing.models import Balance, Grant, Posting, Rollover
from billing.models.figures import UPPER_BOUND
from billing.rules.drawing import DrawableGrant, drawing_order
from billing.rules.figures import Figures, figures_of
from billing.subscriptions import renew_customers
from customers import clock
from customers.formats import moment, number
from customers.json_types import DECIMALS

_ZERO = Decimal(0)
_EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)


class CannotAdjust(Exception):
    """The balance cannot be adjusted so; the message says why and what to do."""


class BalanceChanged(CannotAdjust):
    """Somebody changed the balance since the preview: `now` is the preview as it would be now."""

    def __init__(self, now: Adjustment) -> None:
        super().__init__(
            "Somebody changed this balance since the preview. Nothing was adjusted: look at the figures again."
        )
        self.now = now


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """What an adjustment does: the changes, and the balance's figures before and after them.

    `seen` stands for the state that it was worked out from. `posting` is there once it is written.
    """

    kind: Posting.Kind
    balance: Balance
    changes: Sequence[FigureChange]
    before: Figures
    after: Figures
    seen: str
    ended: Sequence[Grant | Rollover] = ()
    posting: Posting | None = None


@dataclass(slots=True)
class _State:
    """A balance with what counts of it."""

    balance: Balance
    holding: DrawableBalances
    at: datetime
    rows: list[DrawableGrant] = field(default_factory=list)

    @property
    def seen(self) -> str:
        """A digest of everything that an adjustment is worked out from."""
        grants = sorted(
            (key, row.entries, row.expires_at, row.reset_interval, row.unlimited, counts(row, self.at))
            for key, row in self.holding.grants.items()
        )
        rollovers = sorted(
            (key, row.entries, row.expires_at, counts(row, self.at))
            for key, row in self.holding.rollovers.items()
        )
        return hashlib.sha256(repr((grants, rollovers)).encode()).hexdigest()[:16]

    def figures(
        self, changes: Iterable[FigureChange] = (), ended: Iterable[Grant | Rollover] = ()
    ) -> Figures:
        """The balance's figures, with `changes` made and without what `ended`."""
        added: dict[tuple[str, str], Decimal] = {}
        for change in changes:
            key = str(change.row.pk), change.figure
            added[key] = _EXACT.add(added.get(key, _ZERO), change.amount)
        gone = {str(row.pk) for row in ended}
        rollovers = [row for row in self.holding.drawable_rollovers(self.at) if row.id not in gone]
        rows = [
            replace(
                row,
                included_grant=_EXACT.add(row.included_grant, added.get((row.id, "included_grant"), _ZERO)),
            )
            for row in self.rows
            if row.id not in gone
        ]
        return figures_of(rows, rollovers)


def counted_grants(balance: Balance, at: datetime) -> list[Grant]:
    """The grants of the balance that count, in drawing order; a balance's `add` goes to the first limited one."""
    return _in_order(_state(balance, at))


def version_token_of(balance: Balance, at: datetime) -> str:
    """What stands for the balance's state at `at`: another text when anybody has changed it."""
    return _state(balance, at).seen


def preview_add(target: Grant | Balance, amount: Decimal, *, at: datetime | None = None) -> Adjustment:
    """What `add` would do."""
    return _worked_out(_add, target, amount, at or clock.now())


def preview_set_remaining(
    target: Grant | Balance, remaining: Decimal, *, at: datetime | None = None
) -> Adjustment:
    """What `set_remaining` would do."""
    return _worked_out(_set_remaining, target, remaining, at or clock.now())


def preview_expire(grant: Grant, *, at: datetime | None = None) -> Adjustment:
    """What `expire` would do."""
    return _worked_out(_expire, grant, _ZERO, at or clock.now())


def add(
    target: Grant | Balance,
    amount: Decimal,
    *,
    reason: str,
    done_by: str,
    at: datetime | None = None,
    seen: str | None = None,
) -> Adjustment:
    """Add `amount` to what a grant includes (below zero: take it away).

    Of a balance, to the first limited grant in drawing order. Raises `CannotAdjust`.
    """
    return _written(_add, target, amount, reason, done_by, at or clock.now(), seen)


def set_remaining(
    target: Grant | Balance,
    remaining: Decimal,
    *,
    reason: str,
    done_by: str,
    at: datetime | None = None,
    seen: str | None = None,
) -> Adjustment:
    """Make `remaining` remain in the whole balance, by changing what a grant includes.

    Of a balance, more is added to the first limited grant in drawing order, and what is too much is taken from one
    grant after the other; of a grant, from it alone. Raises `CannotAdjust` where they cannot give that much.
    """
    return _written(_set_remaining, target, remaining, reason, done_by, at or clock.now(), seen)


def expire(
    grant: Grant, *, reason: str, done_by: str, at: datetime | None = None, seen: str | None = None
) -> Adjustment:
    """Let a grant end, with what was carried over from it; what it still held is lost.

    Raises `CannotAdjust` for one that has ended, or beyond which something was used that is still to be billed.
    """
    return _written(_expire, grant, _ZERO, reason, done_by, at or clock.now(), seen)


@dataclass(frozen=True, slots=True)
class _Work:
    """What an adjustment comes to."""

    kind: Posting.Kind
    changes: tuple[FigureChange, ...]
    ended: tuple[Grant | Rollover, ...] = ()


_Worker = Callable[[_State, Grant | None, Decimal], _Work]


def _worked_out(worker: _Worker, target: Grant | Balance, amount: Decimal, at: datetime) -> Adjustment:
    state = _state(_balance_of(target), at)
    return _adjustment(state, worker(state, _chosen(state, target), amount))


def _written(
    worker: _Worker,
    target: Grant | Balance,
    amount: Decimal,
    reason: str,
    done_by: str,
    at: datetime,
    seen: str | None,
) -> Adjustment:
    if not reason.strip():
        raise CannotAdjust("A reason must be given: it is kept with the change.")
    balance = _balance_of(target)
    _do_what_is_due(balance, at, done_by)
    with transaction.atomic():
        held = locked_balances([balance.customer_id], [balance.feature_id])
        if not held:
            raise CannotAdjust(
                "The customer was merged into another meanwhile. Nothing was adjusted: look at the balance of that one."
            )
        [balance] = held
        state = _state(balance, at)
        work = worker(state, _chosen(state, target), amount)
        adjustment = _adjustment(state, work)
        if seen is not None and seen != adjustment.seen:
            raise BalanceChanged(adjustment)
        return replace(adjustment, posting=_post(state, work, amount, reason.strip(), done_by))


def _add(state: _State, grant: Grant | None, amount: Decimal) -> _Work:
    _check(amount)
    if not amount:
        raise CannotAdjust("Adding 0 changes nothing: enter an amount, below zero to take away.")
    chosen = grant or _first(state)
    return _Work(Posting.Kind.ADJUSTMENT, (_changed(chosen, amount),))


def _set_remaining(state: _State, grant: Grant | None, remaining: Decimal) -> _Work:
    _check(remaining)
    if remaining < 0:
        raise CannotAdjust("What remains is never below zero: enter 0 or more.")
    figures = state.figures()
    if figures.unlimited:
        raise CannotAdjust("An unlimited grant counts: as long as it does, what remains is not counted.")
    missing = _EXACT.subtract(remaining, figures.remaining)
    if not missing:
        raise CannotAdjust(f"{number(remaining)} remain already: there is nothing to change.")
    rows = {row.id: row for row in state.rows}
    if missing > 0:
        chosen = grant or _first(state)
        # One that is overdrawn gives nothing until it is back at zero.
        return _Work(
            Posting.Kind.ADJUSTMENT, (_changed(chosen, _EXACT.add(missing, rows[str(chosen.pk)].overage)),)
        )
    changes: list[FigureChange] = []
    surplus = missing.copy_negate()
    for each in [grant] if grant else _adjustable(state):
        taken = min(surplus, rows[str(each.pk)].remaining)
        if taken:
            changes.append(_changed(each, taken.copy_negate()))
            surplus = _EXACT.subtract(surplus, taken)
    if surplus:
        least = number(_EXACT.add(remaining, surplus))
        elsewhere = "the other grants and rollovers hold" if grant else "the rollovers hold"
        raise CannotAdjust(
            f"At least {least} will remain: {elsewhere} as much. Enter {least} or more"
            + (", or leave the choice of the grant open." if grant else ", or let them expire.")
        )
    return _Work(Posting.Kind.ADJUSTMENT, tuple(changes))


def _expire(state: _State, grant: Grant | None, _: Decimal) -> _Work:
    if grant is None:
        raise CannotAdjust("Choose the grant that is to expire.")
    if is_usage_based(grant) and grant.held < 0 and not grant.unlimited:
        raise CannotAdjust(
            f"{number(grant.held.copy_negate())} were used beyond it, which are still to be billed: it ends with its"
            " plan, whose last invoice bills them."
        )
    changes = []
    rollovers = [each for each in state.holding.rollovers.values() if each.grant_id == grant.pk]
    changes += [FigureChange(each, "left", each.left.copy_negate()) for each in rollovers]
    if grant.held > 0 and not grant.unlimited:
        changes.append(FigureChange(grant, "included_grant", grant.held.copy_negate()))
    return _Work(Posting.Kind.EXPIRY, tuple(changes), (grant, *rollovers))


def _post(state: _State, work: _Work, amount: Decimal, reason: str, done_by: str) -> Posting:
    is_adjustment = work.kind == Posting.Kind.ADJUSTMENT
    for change in work.changes:
        if is_adjustment and isinstance(change.row, Grant):
            change.row.adjusted = _EXACT.add(change.row.adjusted, change.amount)
    for row in work.ended:
        row.ended_at = state.at
    owners = {
        row.entity_id for row in (*(each.row for each in work.changes), *work.ended) if isinstance(row, Grant)
    }
    (posting,) = post(
        PostingDraft(
            customer_id=state.balance.customer_id,
            kind=work.kind,
            occurred_at=state.at,
            done_by=done_by,
            changes=work.changes,
            reason=reason,
            feature_id=state.balance.feature_id,
            entity_id=owners.pop() if len(owners) == 1 else None,
            amount=_sum(change.amount for change in work.changes) if is_adjustment else None,
            # An expiry is remembered even where nothing was left to lose.
            key=None if is_adjustment else f"expiry of {work.ended[0].pk}",
        ),
        touched=work.ended,
    )
    return posting


def _state(balance: Balance, at: datetime) -> _State:
    holding = drawable_balances_of(balance.customer_id, {balance.feature_id: None}, [balance])
    return _State(balance, holding, at, holding.drawable_grants(at))


def _adjustment(state: _State, work: _Work) -> Adjustment:
    return Adjustment(
        kind=work.kind,
        balance=state.balance,
        changes=work.changes,
        before=state.figures(),
        after=state.figures(work.changes, work.ended),
        seen=state.seen,
        ended=work.ended,
    )


def _balance_of(target: Grant | Balance) -> Balance:
    return target if isinstance(target, Balance) else target.balance


def _chosen(state: _State, target: Grant | Balance) -> Grant | None:
    """The grant that is meant, as it is now; None where the balance is meant."""
    if isinstance(target, Balance):
        return None
    grant = state.holding.grants.get(str(target.pk))
    if grant is None:
        raise CannotAdjust(f"{name_of_grant(target)} has ended: it cannot be adjusted. Choose another grant.")
    if grant.expires_at is not None and not counts(grant, state.at):
        raise CannotAdjust(
            f"{name_of_grant(grant)} expired {moment(grant.expires_at)}: it cannot be adjusted. Choose another grant."
        )
    return grant


def _adjustable(state: _State) -> list[Grant]:
    return [grant for grant in _in_order(state) if not grant.unlimited]


def _in_order(state: _State) -> list[Grant]:
    """The customer's own first: they are what a use draws that names no entity."""
    owners = sorted({row.entity_id for row in state.rows if row.entity_id is not None})
    ordered = drawing_order(state.rows)
    for owner in owners:
        ordered += [row for row in drawing_order(state.rows, owner) if row.entity_id is not None]
    return [state.holding.grants[row.id] for row in ordered]


def _first(state: _State) -> Grant:
    adjustable_now = _adjustable(state)
    if not adjustable_now:
        raise CannotAdjust("The balance has no limited grant that counts: grant something first.")
    return adjustable_now[0]


def _changed(grant: Grant, amount: Decimal) -> FigureChange:
    if grant.unlimited:
        raise CannotAdjust(f"{name_of_grant(grant)} is unlimited: there is nothing to add to or take from.")
    for figure in (grant.included_grant, grant.adjusted):
        if _EXACT.add(figure, amount).copy_abs() >= UPPER_BOUND:
            raise CannotAdjust("The grant would be out of range: it has at most 15 digits before the point.")
    return FigureChange(grant, "included_grant", amount)


def _check(amount: Decimal) -> None:
    if not amount.is_finite() or amount.copy_abs() >= UPPER_BOUND:
        raise CannotAdjust("The amount is out of range: at most 15 digits before the point.")
    if amount != amount.quantize(DECIMALS, context=_EXACT):
        raise CannotAdjust("The amount is too fine: at most 10 digits after the point.")


def _do_what_is_due(balance: Balance, at: datetime, done_by: str) -> None:
    """A reset that is due comes first, or it would take back what is added now."""
    due = _state(balance, at).holding.next_due()
    if due is not None and due <= at:
        with transaction.atomic():
            renew_customers([balance.customer_id], at, done_by=done_by)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = _ZERO
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total
