"""Cancel subscriptions, take that back, and extend trials."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing.models import Subscription
from billing.subscriptions.charges import add_bill
from billing.subscriptions.end import end
from billing.subscriptions.errors import CannotSubscribe
from billing.subscriptions.result import (
    Result,
    drop,
    drop_followers,
    finish,
    followers_of,
    held_by,
    open_unit,
)
from customers import clock
from customers.formats import moment


@transaction.atomic
def cancel_subscription(
    subscription: Subscription, *, at: datetime | None = None, at_once: bool = False, done_by: str
) -> Result:
    """End a subscription when its period (or trial) ends, or at once. A scheduled one is dropped.

    Nothing is given back for a period that was billed: a credit note does that.
    """
    at = at or clock.now()
    work = open_unit(subscription.customer, at, done_by)
    current = held_by(work, subscription)
    result = Result()
    if current.status == Subscription.Status.SCHEDULED:
        result.messages.append(f"{current.plan} was scheduled, and is dropped.")
        result.messages += [f"{goes_on.plan} goes on." for goes_on in drop(work, current, at)]
        return finish(work, result, "Scheduled subscription dropped", subscription=current)
    dropped = drop_followers(work, current, at)
    if current.canceled_at is not None and not at_once and not dropped:
        raise CannotSubscribe(f"It is cancelled already, and ends on {moment(current.expires_at)}.")
    result.messages += [f"{row.plan}, which was scheduled, is dropped." for row in dropped]
    current.canceled_at = current.canceled_at or at
    work.change(current)
    if at_once or current.current_period_end is None:
        lines = end(work, current, at)
        add_bill(work, current, at, lines, (current.current_period_start, at))
        result.messages.append(f"{current.plan} has ended.")
    else:
        current.expires_at = current.current_period_end
        result.messages.append(f"{current.plan} ends on {moment(current.expires_at)}.")
    return finish(work, result, "Cancelled", subscription=current)


@transaction.atomic
def uncancel_subscription(subscription: Subscription, *, at: datetime | None = None, done_by: str) -> Result:
    """Let a subscription that was to end go on; what was scheduled to take over from it is dropped."""
    at = at or clock.now()
    work = open_unit(subscription.customer, at, done_by)
    current = held_by(work, subscription)
    if current.canceled_at is None and current.expires_at is None:
        raise CannotSubscribe("It is not cancelled: there is nothing to take back.")
    current.canceled_at = current.expires_at = None
    work.change(current)
    result = Result(messages=[f"{current.plan} goes on."])
    for dropped in drop_followers(work, current, at):
        result.messages.append(f"{dropped.plan}, which was scheduled, is dropped.")
    return finish(work, result, "Cancellation taken back", subscription=current)


@transaction.atomic
def extend_trial(
    subscription: Subscription, until: datetime, *, at: datetime | None = None, done_by: str
) -> Result:
    """Let a trial that has not ended yet last until a later moment."""
    at = at or clock.now()
    work = open_unit(subscription.customer, at, done_by)
    current = held_by(work, subscription)
    ends_at = current.trial_ends_at
    if ends_at is None or ends_at <= at or current.status != Subscription.Status.ACTIVE:
        raise CannotSubscribe("It is not on trial: only a trial that has not ended yet can be extended.")
    if until <= ends_at:
        raise CannotSubscribe(f"The trial lasts until {moment(ends_at)} already: name a later moment.")
    if current.current_period_end == ends_at:
        current.current_period_end = until
    if current.expires_at == ends_at:
        current.expires_at = until
    for follower in followers_of(work, current):
        follower.started_at = until
        work.change(follower)
    current.trial_ends_at = until
    work.change(current)
    result = Result(messages=[f"The trial of {current.plan} lasts until {moment(until)}."])
    return finish(work, result, "Trial extended", subscription=current)
