"""Cancel subscriptions, reverse cancellations, extend trials."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from billing.models import Purchase, Subscription
from billing.rules.moments import ahead_problem, is_ahead
from billing.subscriptions.auto_enable import enable_default
from billing.subscriptions.charges import request_invoice
from billing.subscriptions.end import end
from billing.subscriptions.errors import CannotSubscribe
from billing.subscriptions.reset_grants import reset_waiting_grants
from billing.subscriptions.result import (
    Result,
    check_billed_here,
    check_moment,
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
    """End a subscription at the end of its period or trial, at a later `at`, or immediately.

    A scheduled one ends without starting. Past charges are not refunded. To refund, issue a credit note.
    """
    work = open_unit(subscription.customer, at, done_by)
    now = work.opened_at
    at = at or now
    current = held_by(work, subscription)
    check_billed_here(current, "Cancel")
    result = Result()
    if current.status == Subscription.Status.SCHEDULED:
        result.messages.append(f"{current.plan} will not start.")
        result.messages += [f"{row.plan} continues." for row in drop(work, current, min(at, now))]
        return finish(work, result, "Scheduled subscription canceled", subscription=current)
    check_moment(current, at)
    ends_at = at if is_ahead(at, now) else current.current_period_end
    dropped = drop_followers(work, current, min(at, now))
    is_again = current.canceled_at is not None and not at_once and not dropped
    if is_again and current.expires_at == ends_at:
        raise CannotSubscribe(
            f"The subscription is already canceled and ends on {moment(current.expires_at)}."
        )
    result.messages += [f"{row.plan} will not start." for row in dropped]
    current.canceled_at = current.canceled_at or min(at, now)
    work.change(current)
    if ends_at is None or (at_once and not is_ahead(at, now)):
        lines = [*reset_waiting_grants(work, current, at), *end(work, current, at)]
        request_invoice(work, current, at, lines, (current.current_period_start, at))
        enable_default(work, current, at)
        result.messages.append(f"{current.plan} has ended.")
    else:
        current.expires_at = ends_at
        result.messages.append(f"{current.plan} ends on {moment(ends_at)}.")
    return finish(work, result, "Canceled", subscription=current)


@transaction.atomic
def cancel_purchase(purchase: Purchase, *, done_by: str) -> Result:
    """Drop a scheduled purchase before it starts. One that has started was billed, and stays."""
    work = open_unit(purchase.customer, None, done_by)
    for row in work.purchases:
        if row.pk == purchase.pk and row.scheduled:
            row.removed_at = work.opened_at
            work.purchases.remove(row)
            work.change(row)
            said = f"{row.plan} will not start."
            return finish(work, Result(messages=[said]), "Scheduled purchase canceled", purchase=row)
    raise CannotSubscribe("The purchase has started. To refund it, issue a credit note.")


@transaction.atomic
def uncancel_subscription(subscription: Subscription, *, at: datetime | None = None, done_by: str) -> Result:
    """Reverse the cancellation of a subscription. A plan that was scheduled to follow it is canceled."""
    at = _past(at)
    work = open_unit(subscription.customer, at, done_by)
    current = held_by(work, subscription)
    check_billed_here(current, "Resume")
    if current.canceled_at is None and current.expires_at is None:
        raise CannotSubscribe("The subscription is not canceled.")
    current.canceled_at = current.expires_at = None
    work.change(current)
    result = Result(messages=[f"{current.plan} continues."])
    for dropped in drop_followers(work, current, at):
        result.messages.append(f"{dropped.plan} will not start.")
    return finish(work, result, "Cancellation reversed", subscription=current)


@transaction.atomic
def extend_trial(
    subscription: Subscription, until: datetime, *, at: datetime | None = None, done_by: str
) -> Result:
    """Move the end of a running trial to a later moment."""
    at = _past(at)
    work = open_unit(subscription.customer, at, done_by)
    current = held_by(work, subscription)
    check_billed_here(current, "Extend")
    ends_at = current.trial_ends_at
    if ends_at is None or ends_at <= at or current.status != Subscription.Status.ACTIVE:
        raise CannotSubscribe("The subscription is not on trial.")
    if until <= ends_at:
        raise CannotSubscribe(f"Enter a later moment. The trial already lasts until {moment(ends_at)}.")
    if current.current_period_end == ends_at:
        current.current_period_end = until
    if current.expires_at == ends_at:
        current.expires_at = until
    for follower in followers_of(work, current):
        follower.started_at = until
        work.change(follower)
    current.trial_ends_at = until
    work.change(current)
    result = Result(messages=[f"The trial of {current.plan} now lasts until {moment(until)}."])
    return finish(work, result, "Trial extended", subscription=current)


def _past(at: datetime | None) -> datetime:
    """The moment of something that happens now or happened; raises `CannotSubscribe` for one that lies ahead."""
    now = clock.now()
    problem = None if at is None else ahead_problem(at, now)
    if problem is not None:
        raise CannotSubscribe(problem)
    return at or now
