"""Bring a customer to a moment: apply each due event at its own moment, in order.

Each event takes effect at the moment it was due, even if it is applied later: renewing every day for a year gives the
same result as renewing once at its end.
"""

from __future__ import annotations

from datetime import datetime

from billing.models import Plan, Subscription
from billing.rules.due_events import DueKind, due_since
from billing.rules.intervals import NEVER_RESETS, anchor_day, is_made_of_months, step
from billing.rules.invoice_totals import BilledLine
from billing.subscriptions.auto_enable import enable_default
from billing.subscriptions.charges import interval_of, recurring_lines, request_invoice
from billing.subscriptions.cycles import next_cycle
from billing.subscriptions.end import end, end_grants, expire_grant, expire_rollover, last_overage_lines
from billing.subscriptions.pending_lines import take_pending_lines
from billing.subscriptions.renewal_counts import RenewalCounts
from billing.subscriptions.reset_grants import reset_due_grants, reset_waiting_grants
from billing.subscriptions.start import anchor_days_of, begin, begin_grant, begin_purchase, bill_start
from billing.subscriptions.switch import Terms, switch
from billing.subscriptions.trials import trial_end_of
from billing.subscriptions.unit_of_work import UnitOfWork, save
from billing.subscriptions.usage_lines import period_usage_lines


def advance(units: list[UnitOfWork], now: datetime) -> RenewalCounts:
    """Apply what is due by `now` to the units of work, and save them."""
    counts = RenewalCounts()
    waiting = units
    while waiting:
        applied = [(work, _apply_until(work, now, counts)) for work in waiting]
        counts.invoices += sum(len(work.invoice_requests) for work in waiting)
        save(waiting, "Renewed")
        waiting = [work for work, is_done in applied if not is_done]
    counts.customers = len(units)
    return counts


def _apply_until(work: UnitOfWork, now: datetime, counts: RenewalCounts) -> bool:
    """Apply what is due by `now`. Returns False if invoices must be raised first, because later events depend on them."""
    while True:
        at = min((event.at for event in work.due_events()), default=None)
        if at is None or at > now:
            return True
        if work.invoice_requests:
            # Only a raised invoice shows whether it is unpaid, and what a change of the subscription gives back.
            is_past_due_possible = any(work.due_at(each.at) < at for each in work.invoice_requests)
            if is_past_due_possible or _changes(work, at):
                return False
        _apply_moment(work, at, now, counts)


def _apply_moment(work: UnitOfWork, at: datetime, now: datetime, counts: RenewalCounts) -> None:
    """Apply everything that is due at one moment.

    Changes and ends come before resets and starts, so that nothing is granted or billed twice. Past due comes last, so
    that an invoice of this moment does not stop the resets of this moment.
    """
    _expire(work, at, counts)
    _end_purchases(work, at)
    for scheduled, current in _changes(work, at):
        _change(work, scheduled, current, at, now, counts)
    ended = []
    for subscription in work.active():
        if due_since(subscription.due_events(), DueKind.END, at) is not None:
            waiting = reset_waiting_grants(work, subscription, at)
            _settle(work, subscription, at, [*waiting, *end(work, subscription, at)])
            ended.append(subscription)
            counts.ended += 1
    ended += _end_trials(work, at, counts)
    _bill_periods(work, at, now, counts)
    _start(work, at, counts)
    for subscription in ended:
        counts.started += enable_default(work, subscription, at)
    _mark_past_due(work, at, counts)


def _bill_periods(work: UnitOfWork, at: datetime, now: datetime, counts: RenewalCounts) -> None:
    """Reset grants, and begin the next periods and billing cycles."""
    lines = reset_due_grants(work, list(work.grants.values()), at, now, counts)
    for subscription in work.active():
        own = lines.pop(str(subscription.pk), [])
        for cycle in work.cycles_of(subscription):
            if due_since(cycle.due_events(), DueKind.CYCLE_END, at) is not None:
                own += next_cycle(work, cycle)
        if due_since(subscription.due_events(), DueKind.PERIOD_END, at) is not None:
            _next_period(work, subscription, own)
            counts.periods += 1
        else:
            _settle(work, subscription, at, own)


def _start(work: UnitOfWork, at: datetime, counts: RenewalCounts) -> None:
    for subscription in work.subscriptions:
        if due_since(subscription.due_events(), DueKind.START, at) is not None:
            begin(work, subscription, subscription.started_at, trial_ends_at=trial_end_of(work, subscription))
            counts.started += 1
    for purchase in work.purchases:
        if due_since(purchase.due_events(), DueKind.START, at) is not None:
            begin_purchase(work, purchase)
            counts.started += 1
    for grant in work.grants.values():
        if due_since(grant.due_events(), DueKind.START, at) is not None:
            begin_grant(work, grant)
            counts.started += 1


def _changes(work: UnitOfWork, at: datetime) -> list[tuple[Subscription, Subscription]]:
    """The changes that are due: the scheduled subscription, and the active one that it changes."""
    active = {row.pk: row for row in work.active()}
    return [
        (row, active[row.follows_id])
        for row in work.subscriptions
        if row.follows_id in active and due_since(row.due_events(), DueKind.START, at) is not None
    ]


def _change(
    work: UnitOfWork,
    scheduled: Subscription,
    current: Subscription,
    at: datetime,
    now: datetime,
    counts: RenewalCounts,
) -> None:
    """Carry out a scheduled change. A period that ends at this moment is billed first."""
    owed: list[BilledLine] = []
    if scheduled.plan.plan_id == current.plan.plan_id:
        # The plan stays the same, so what is left rolls over as at any reset.
        owed += reset_due_grants(work, work.grants_of(current), at, now, counts).get(str(current.pk), [])
    if current.current_period_end == at:
        owed += period_usage_lines(work, current, None, at)
        current.current_period_start = at
    for cycle in work.cycles_of(current):
        if cycle.period_end == at:
            owed += period_usage_lines(work, current, cycle.rhythm, at)
            cycle.period_start = at
    terms = Terms.of(scheduled)
    switch(work, current, terms, at, owed=owed)
    work.drop_scheduled(scheduled)
    counts.ended += 1
    counts.started += 1


def _expire(work: UnitOfWork, at: datetime, counts: RenewalCounts) -> None:
    for rollover in work.rollovers.values():
        expired_at = due_since(rollover.due_events(), DueKind.EXPIRY, at)
        if expired_at is not None:
            expire_rollover(work, rollover, expired_at, "Expired")
            counts.expired += 1
    for grant in work.grants.values():
        expired_at = due_since(grant.due_events(), DueKind.EXPIRY, at)
        if expired_at is not None:
            if grant.subscription is not None:
                _settle(work, grant.subscription, at, last_overage_lines(work, grant, at))
            expire_grant(work, grant, expired_at, "Expired")
            counts.expired += 1


def _end_purchases(work: UnitOfWork, at: datetime) -> None:
    for purchase in work.purchases:
        if purchase.expires_at is not None and purchase.expires_at <= at:
            end_grants(work, purchase, at)


def _end_trials(work: UnitOfWork, at: datetime, counts: RenewalCounts) -> list[Subscription]:
    """Turn trials that end into paid periods, unless the plan says to go back. Returns the subscriptions that end.

    The grants are reset; what was used beyond them is not billed.
    """
    ended: list[Subscription] = []
    for subscription in work.active():
        ends_at = due_since(subscription.due_events(), DueKind.TRIAL_END, at)
        if ends_at is None:
            continue
        if subscription.plan.free_trial_on_end == Plan.FreeTrialEnd.REVERT:
            ended += _revert(work, subscription, ends_at, counts)
            continue
        every = interval_of(subscription.plan, work.plan_items.of(str(subscription.plan_id)))
        subscription.current_period_start = ends_at
        subscription.current_period_end = step(ends_at, *every) if every else None
        if every is None:
            subscription.current_period_start = None
        work.change(subscription)
        for grant in work.grants_of(subscription):
            if grant.reset_interval not in NEVER_RESETS:
                grant.next_reset_at, grant.anchor_day = ends_at, None
            grant.billed_overage = grant.figures.overage
            work.book.touch(grant)
        bill_start(work, subscription, ends_at)
    return ended


def _revert(
    work: UnitOfWork, subscription: Subscription, at: datetime, counts: RenewalCounts
) -> list[Subscription]:
    """Go back to the plan before the trial, or end. Returns the subscription if it ended."""
    tried = subscription.plan.plan_id
    before = (
        subscription.phases.exclude(plan__plan_id=tried).select_related("plan").order_by("starts_at").last()
    )
    if before is None:
        _settle(work, subscription, at, end(work, subscription, at))
        counts.ended += 1
        return [subscription]
    terms = Terms.of(before)
    switch(work, subscription, terms, at, with_trial=False)
    return []


def _next_period(work: UnitOfWork, subscription: Subscription, lines: list[BilledLine]) -> None:
    start = subscription.current_period_end
    every = interval_of(subscription.plan, work.plan_items.of(str(subscription.plan_id)))
    if start is None:
        return
    if every is None:
        # No price recurs, so the period comes from the source only. Repeat its length until the source sends another one.
        every = _length_of(subscription)
    is_anchored = is_made_of_months(every[0])
    subscription.anchor_day = anchor_day(start, *anchor_days_of(subscription, start)) if is_anchored else None
    following = step(start, *every, subscription.anchor_day)
    lines = [*lines, *period_usage_lines(work, subscription, None, start)]
    subscription.current_period_start = start
    subscription.current_period_end = following
    work.change(subscription)
    lines += take_pending_lines(work, subscription, start)
    if following is not None:
        lines += recurring_lines(work, subscription, (start, following))
    request_invoice(work, subscription, start, lines, (start, following))


def _length_of(subscription: Subscription) -> tuple[str, int]:
    """The interval closest in length to the current period."""
    start, end_ = subscription.current_period_start, subscription.current_period_end
    days = (end_ - start).days if start is not None and end_ is not None else 30
    if days < 28:
        return ("week", max(1, days // 7)) if days >= 7 else ("day", max(1, days))
    return "month", max(1, round(days / 30.4))


def _settle(work: UnitOfWork, subscription: Subscription, at: datetime, lines: list[BilledLine]) -> None:
    """Bill overage on its own, if no invoice of a new period includes it."""
    period = (subscription.current_period_start, subscription.current_period_end)
    request_invoice(work, subscription, at, lines, period)


def _mark_past_due(work: UnitOfWork, at: datetime, counts: RenewalCounts) -> None:
    for subscription in work.active():
        if due_since(work.unpaid_events(subscription), DueKind.PAST_DUE, at) is not None:
            subscription.past_due = True
            work.change(subscription)
            counts.past_due += 1
