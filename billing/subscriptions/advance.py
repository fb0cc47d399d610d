"""Bring a customer to a moment: apply each due event at its own moment, in order.

Each event takes effect at the moment it was due, even if it is applied later: renewing every day for a year gives the
same result as renewing once at its end.
"""

from __future__ import annotations

from datetime import datetime

from billing.models import Grant, Rollover, Subscription
from billing.models.figures import BillingMethod
from billing.rules.due_events import DueKind, due_since
from billing.rules.intervals import NEVER_RESETS, anchor_day, is_made_of_months, step
from billing.rules.invoice_totals import BilledLine
from billing.subscriptions.carry_over import follower_of_same_plan, set_rollovers_free
from billing.subscriptions.charges import interval_of, recurring_lines, request_invoice, usage_lines
from billing.subscriptions.end import end, end_grants, expire_grant, expire_rollover
from billing.subscriptions.pending_lines import take_pending_lines
from billing.subscriptions.renewal_counts import RenewalCounts
from billing.subscriptions.reset_grants import reset_due_grants
from billing.subscriptions.start import anchor_days_of, begin, bill_start
from billing.subscriptions.trials import trial_end_of
from billing.subscriptions.unit_of_work import UnitOfWork, save


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
        # Only a raised invoice shows whether it is unpaid, and so can become past due.
        unknown = min((each.at + work.terms for each in work.invoice_requests), default=None)
        if unknown is not None and unknown < at:
            return False
        _apply_moment(work, at, now, counts)


def _apply_moment(work: UnitOfWork, at: datetime, now: datetime, counts: RenewalCounts) -> None:
    """Apply everything that is due at one moment.

    Ends come before starts, so that nothing is granted twice. Past due comes last, so that an invoice of this moment
    does not stop the resets of this moment.
    """
    freed: dict[str, dict[str, list[Rollover]]] = {}
    _expire(work, at, counts)
    _end_purchases(work, at)
    for subscription in work.active():
        if due_since(subscription.due_events(), DueKind.END, at) is not None:
            owed: list[BilledLine] = []
            if follower_of_same_plan(work, subscription) is not None:
                # The same plan continues in another quantity or version, so unused amounts roll over as at any reset.
                due = reset_due_grants(work, work.grants_of(subscription), at, now, counts)
                owed = due.get(str(subscription.pk), [])
                freed[str(subscription.pk)] = set_rollovers_free(work, subscription)
            _settle(work, subscription, at, owed + end(work, subscription, at))
            counts.ended += 1
    _end_trials(work, at)
    lines = reset_due_grants(work, list(work.grants.values()), at, now, counts)
    for subscription in work.active():
        own = lines.pop(str(subscription.pk), [])
        if due_since(subscription.due_events(), DueKind.PERIOD_END, at) is not None:
            _next_period(work, subscription, own)
            counts.periods += 1
        else:
            _settle(work, subscription, at, own)
    for subscription in work.subscriptions:
        if due_since(subscription.due_events(), DueKind.START, at) is not None:
            begin(
                work,
                subscription,
                subscription.started_at,
                trial_ends_at=trial_end_of(work, subscription),
                freed=freed.get(str(subscription.follows_id)),
            )
            counts.started += 1
    _mark_past_due(work, at, counts)


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
                _settle(work, grant.subscription, at, _usage_lines_of(grant))
            expire_grant(work, grant, expired_at, "Expired")
            counts.expired += 1


def _usage_lines_of(grant: Grant) -> list[BilledLine]:
    """The lines that bill the overage of a grant, if it is billed."""
    overage = grant.figures.overage
    if grant.billing_method != BillingMethod.USAGE_BASED or not overage:
        return []
    return usage_lines(grant, grant.subscription or grant.purchase, overage)


def _end_purchases(work: UnitOfWork, at: datetime) -> None:
    for purchase in work.purchases:
        if purchase.expires_at is not None and purchase.expires_at <= at:
            end_grants(work, purchase, at)


def _end_trials(work: UnitOfWork, at: datetime) -> None:
    """Turn trials that end into paid periods. Their grants are reset, so that trial usage is not billed."""
    for subscription in work.active():
        ends_at = due_since(subscription.due_events(), DueKind.TRIAL_END, at)
        if ends_at is None:
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
                work.book.touch(grant)
        bill_start(work, subscription, ends_at)


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
    subscription.current_period_start = start
    subscription.current_period_end = following
    work.change(subscription)
    lines = [*lines, *take_pending_lines(work, subscription, start)]
    if following is not None:
        lines = [*lines, *recurring_lines(work, subscription, (start, following))]
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
