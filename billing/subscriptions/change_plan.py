"""Move a subscription to another plan, version or quantity: immediately and prorated, or at period end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from billing.models import Plan, Subscription
from billing.models.figures import BillingMethod, Interval
from billing.rules.intervals import anchor_day, is_made_of_months, step
from billing.rules.invoice_totals import BilledLine
from billing.rules.monthly_value import monthly
from billing.subscriptions.carry_over import carry_extras, carry_usage, keep_resets, set_rollovers_free
from billing.subscriptions.charges import interval_of, once_lines, recurring_lines, request_invoice
from billing.subscriptions.end import end
from billing.subscriptions.errors import CannotSubscribe
from billing.subscriptions.result import (
    Result,
    check_plan,
    check_sold,
    drop_followers,
    finish,
    held_by,
    new_subscription,
    open_unit,
    packs_of,
)
from billing.subscriptions.start import anchor_days_of, grant_items, note_trial
from billing.subscriptions.trials import trial_refusal
from billing.subscriptions.unit_of_work import UnitOfWork
from customers import clock
from customers.formats import moment, number


@transaction.atomic
def change_plan(
    subscription: Subscription,
    plan: Plan,
    *,
    quantity: Decimal | None = None,
    prepaid: Mapping[str, Decimal] | None = None,
    at: datetime | None = None,
    at_once: bool | None = None,
    done_by: str,
) -> Result:
    """Move a subscription to another plan, another version of its plan, or another quantity.

    Upgrades, which cost the same or more per month, start immediately and are prorated to the microsecond. Downgrades
    start at period end. `at_once` overrides either. `quantity` and `prepaid` default to the present ones.
    """
    at = at or clock.now()
    work = open_unit(subscription.customer, at, done_by)
    current = held_by(work, subscription)
    quantity = current.quantity if quantity is None else quantity
    check_plan(work.customer, plan, quantity, current.entity)
    if plan.pk != current.plan_id:
        check_sold(plan)
    if plan.price_interval == Interval.ONE_OFF:
        raise CannotSubscribe(f"Attach {plan} instead. It is a one-time purchase.")
    if prepaid is None:
        units_now = {name: Decimal(units) for name, units in current.prepaid_quantities.items()}
        sold = {
            item.feature.feature_id
            for item in work.plan_items.of(str(plan.pk))
            if item.billing_method == BillingMethod.PREPAID
        }
        prepaid = {name: units for name, units in units_now.items() if name in sold}
    bought = packs_of(work, plan, prepaid)
    if (plan.pk, quantity, bought) == (current.plan_id, current.quantity, current.prepaid_quantities):
        raise CannotSubscribe(f"The subscription already has {plan} in this quantity.")
    return change_in(work, current, plan, quantity, bought, at, at_once)


def change_in(
    work: UnitOfWork,
    current: Subscription,
    plan: Plan,
    quantity: Decimal,
    bought: dict[str, str],
    at: datetime,
    at_once: bool | None,
) -> Result:
    if current.status == Subscription.Status.SCHEDULED:
        raise CannotSubscribe(f"Cancel {current.plan}, which has not started, and attach the other plan.")
    same = current.plan_id == plan.pk and current.quantity == quantity
    if same and current.prepaid_quantities == bought:
        raise CannotSubscribe(f"The customer already has {plan} in this quantity.")
    new = new_subscription(work, plan, quantity, bought, current.entity, at)
    new.follows, new.came_with_id = current, current.came_with_id
    is_up = _monthly(work, new) >= _monthly(work, current)
    result = Result()
    for dropped in drop_followers(work, current, at):
        result.messages.append(f"{dropped.plan} will not start.")
    period_end = current.current_period_end
    if not (is_up if at_once is None else at_once) and period_end is not None:
        new.started_at = period_end
        current.canceled_at, current.expires_at = at, period_end
        work.change(current)
        work.subscriptions.append(new)
        work.change(new)
        result.messages.append(f"{current.plan} continues until {moment(period_end)}, then {plan} starts.")
        return finish(work, result, f"Change to {plan} scheduled", subscription=new)
    _switch(work, current, new, at)
    if current.plan_id == plan.pk:
        result.messages.append(f"{plan} continues with a quantity of {number(quantity)}.")
    else:
        result.messages.append(f"{current.plan} has ended and {plan} is active.")
    return finish(work, result, f"Changed to {plan}", subscription=new)


def _switch(work: UnitOfWork, current: Subscription, new: Subscription, at: datetime) -> None:
    """Replace one subscription by another immediately, and bill the difference for the rest of the period."""
    items = work.plan_items.of(str(new.plan_id))
    period = (current.current_period_start, current.current_period_end)
    is_trial = current.trial_ends_at is not None and current.trial_ends_at > at
    is_same_plan = current.plan.plan_id == new.plan.plan_id
    rollovers = set_rollovers_free(work, current) if is_same_plan else {}
    owed = end(work, current, at)
    start, stop = period
    every = interval_of(new.plan, items)
    if start is not None and stop is not None and start <= at < stop and not is_trial:
        owed += recurring_lines(work, current, (start, stop), (at, stop), is_credit=True)
    same_rhythm = every is not None and every == interval_of(
        current.plan, work.plan_items.of(str(current.plan_id))
    )
    lines: list[BilledLine] = []
    work.subscriptions.append(new)
    new.status = Subscription.Status.ACTIVE
    new.started_at = at
    is_tried = bool(new.plan.free_trial_length) and (
        is_same_plan or trial_refusal(work.customer, new.plan) is None
    )
    if is_trial and every is not None and is_tried:
        new.trial_ends_at = current.trial_ends_at
        if not is_same_plan:
            note_trial(work, new)
        new.current_period_start, new.current_period_end = start, stop
    elif same_rhythm and not is_trial and start is not None and stop is not None and start <= at < stop:
        new.current_period_start, new.current_period_end = start, stop
        if every is not None and is_made_of_months(every[0]):
            new.anchor_day = anchor_day(stop, *anchor_days_of(current, stop))
        lines += once_lines(work, new, new.prepaid_quantities)
        lines += recurring_lines(work, new, (start, stop), (at, stop))
    elif every is not None:
        new.current_period_start, new.current_period_end = at, step(at, *every)
        lines += once_lines(work, new, new.prepaid_quantities)
        if new.current_period_end is not None:
            lines += recurring_lines(work, new, (at, new.current_period_end))
    work.change(new)
    grant_items(work, new, at, new.prepaid_quantities)
    _keep_resets(work, current, new)
    carry_usage(work, new, at, is_same_plan=is_same_plan)
    if is_same_plan:
        carry_extras(work, new, at, rollovers)
    if current.billed_here and current.plan.currency == new.plan.currency:
        owed, lines = [], owed + lines
    request_invoice(work, current, at, owed, (start, at))
    request_invoice(work, new, at, lines, (new.current_period_start, new.current_period_end))


def _keep_resets(work: UnitOfWork, current: Subscription, new: Subscription) -> None:
    """Keep reset dates if the period stays the same; without periods, if the plan does."""
    is_same_plan = current.plan.plan_id == new.plan.plan_id
    if new.current_period_end != current.current_period_end:
        return
    if new.current_period_end is None and not is_same_plan:
        return
    keep_resets(work, new)


def _monthly(work: UnitOfWork, subscription: Subscription) -> Decimal:
    """The recurring cost of a subscription per month, in minor units."""
    plan = subscription.plan
    items = work.plan_items.of(str(plan.pk))
    every = interval_of(plan, items)
    if every is None:
        return Decimal(0)
    now = subscription.started_at
    end_ = step(now, *every)
    if end_ is None:
        return Decimal(0)
    whole = sum(line.amount for line in recurring_lines(work, subscription, (now, end_)))
    return monthly(Decimal(whole), *every)
