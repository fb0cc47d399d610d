"""Billing cycles: the periods of prices that are charged at another interval than the base price."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from billing.models import BillingCycle, Subscription
from billing.rules.intervals import is_made_of_months, step
from billing.rules.invoice_totals import BilledLine
from billing.subscriptions.charges import cycles_of, recurring_lines
from billing.subscriptions.unit_of_work import UnitOfWork
from billing.subscriptions.usage_lines import period_usage_lines


def align_cycles(
    work: UnitOfWork, subscription: Subscription, at: datetime, *, unchanged: Collection[str | None] = ()
) -> list[BilledLine]:
    """Give the subscription the cycles of its plan, and return the lines that bill them from `at` on.

    One that continues is billed for the rest of its period, except what is `unchanged`.
    """
    plan = subscription.plan
    wanted = cycles_of(plan, work.plan_items.of(str(plan.pk)))
    lines = []
    for cycle in work.cycles_of(subscription):
        if cycle.rhythm not in wanted or not cycle.period_start <= at < cycle.period_end:
            work.drop_cycle(cycle)
            continue
        period = (cycle.period_start, cycle.period_end)
        lines += recurring_lines(
            work,
            subscription,
            period,
            (at, cycle.period_end),
            rhythm=cycle.rhythm,
            unchanged=unchanged,
        )
        wanted.remove(cycle.rhythm)
    for rhythm in wanted:
        ends_at = step(at, *rhythm)
        if ends_at is None:
            continue
        cycle = BillingCycle(
            subscription=subscription,
            interval=rhythm[0],
            interval_count=rhythm[1],
            period_start=at,
            period_end=ends_at,
            anchor_day=at.day if is_made_of_months(rhythm[0]) else None,
        )
        work.cycles.append(cycle)
        work.change(cycle)
        lines += recurring_lines(work, subscription, (at, ends_at), rhythm=rhythm)
    return lines


def end_cycles(work: UnitOfWork, subscription: Subscription) -> None:
    """Remove the cycles of a subscription that ends or is on trial."""
    for cycle in work.cycles_of(subscription):
        work.drop_cycle(cycle)


def next_cycle(work: UnitOfWork, cycle: BillingCycle) -> list[BilledLine]:
    """Move a cycle to its next period. Returns the lines that bill what was used and what begins."""
    starts_at, subscription = cycle.period_end, cycle.subscription
    lines = period_usage_lines(work, subscription, cycle.rhythm, starts_at)
    ends_at = step(starts_at, *cycle.rhythm, cycle.anchor_day)
    if ends_at is None:
        work.drop_cycle(cycle)
        return lines
    cycle.period_start, cycle.period_end = starts_at, ends_at
    work.change(cycle)
    return lines + recurring_lines(work, subscription, (starts_at, ends_at), rhythm=cycle.rhythm)
