"""Record what is to be changed on the billing platform, withdraw it, and close it once the platform shows it.

What the platform bills is changed there. The record is an intention: it bills nothing, and waits on the worklist.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from billing.models import Plan, PlatformChange, Subscription
from billing.models.figures import Interval
from billing.subscriptions.errors import CannotSubscribe
from billing.subscriptions.result import Result, check_plan, check_sold, finish, held_by, open_unit
from customers import clock
from customers.bulk import update_rows
from customers.models import Customer

_ONE = Decimal(1)


def record_change(
    subscription: Subscription,
    plan: Plan,
    *,
    quantity: Decimal = _ONE,
    timing: str = "",
    at: datetime | None = None,
    done_by: str,
) -> Result:
    """Record that a subscription is to get another plan, version or quantity on the billing platform."""
    return _record(subscription, plan, quantity, timing, at, done_by)


def record_cancellation(
    subscription: Subscription, *, timing: str = "", at: datetime | None = None, done_by: str
) -> Result:
    """Record that a subscription is to be canceled on the billing platform."""
    return _record(subscription, None, _ONE, timing, at, done_by)


@transaction.atomic
def withdraw_change(change: PlatformChange) -> None:
    """Close a change that is no longer wanted. Raises `CannotSubscribe` if it was made or withdrawn already."""
    # Imports hold the same lock while they close changes.
    Customer.objects.select_for_update(no_key=True).get(pk=change.subscription.customer_id)
    waiting = PlatformChange.objects.waiting().filter(pk=change.pk).first()
    if waiting is None:
        raise CannotSubscribe("This change no longer waits. It was made on the platform, or withdrawn.")
    _close([waiting], PlatformChange.Outcome.WITHDRAWN, clock.now(), "Withdrawn")


def close_shown(customer_ids: Collection[str], at: datetime, reason: str) -> None:
    """Close the waiting changes that the platform's documents, which were just imported, show. Two queries."""
    waiting = list(
        PlatformChange.objects.waiting()
        .filter(subscription__customer_id__in=customer_ids)
        .select_related("subscription", "plan")
    )
    if not waiting:
        return
    owners = {each.subscription.customer_id for each in waiting}
    running = list(
        Subscription.objects.running().filter(customer__in=owners, billed_here=False).select_related("plan")
    )
    for outcome in (PlatformChange.Outcome.MADE, PlatformChange.Outcome.ENDED):
        closed = [each for each in waiting if _outcome(each, running) == outcome]
        _close(closed, outcome, at, reason)


def _outcome(change: PlatformChange, running: Collection[Subscription]) -> str:
    """What the customer's subscriptions on the platform say of a change; empty while they don't show it."""
    row = change.subscription
    has_ended = row.status == Subscription.Status.ENDED
    if change.plan is None:
        is_at_once = change.timing == PlatformChange.Timing.AT_ONCE
        is_made = has_ended or (row.canceled_at is not None and not is_at_once)
    else:
        is_made = any(
            _has_terms(each, change.plan, change.quantity)
            # A platform may begin another subscription instead of changing the one that was there.
            and (
                each.pk == row.pk
                or (each.entity_id == row.entity_id and each.started_at >= change.requested_at)
            )
            for each in running
        )
    if is_made:
        return PlatformChange.Outcome.MADE
    return PlatformChange.Outcome.ENDED if has_ended else ""


def _has_terms(row: Subscription, plan: Plan, quantity: Decimal) -> bool:
    """Whether a subscription has the plan, in this version or a newer one, and the quantity."""
    is_of_plan = row.plan.plan_id == plan.plan_id and row.plan.version >= plan.version
    return is_of_plan and row.quantity == quantity


@transaction.atomic
def _record(
    subscription: Subscription,
    plan: Plan | None,
    quantity: Decimal,
    timing: str,
    at: datetime | None,
    done_by: str,
) -> Result:
    work = open_unit(subscription.customer, at, done_by)
    current = held_by(work, subscription)
    if current.billed_here:
        raise CannotSubscribe(f"Change or cancel {current.plan} itself. It is billed here.")
    if plan is None and current.canceled_at is not None and timing != PlatformChange.Timing.AT_ONCE:
        raise CannotSubscribe("The subscription is already canceled on the billing platform.")
    if plan is not None:
        check_plan(work.customer, plan, quantity, current.entity)
        if plan.pk != current.plan_id:
            check_sold(plan)
        if plan.price_interval == Interval.ONE_OFF:
            raise CannotSubscribe(f"{plan} is a one-time purchase. Choose a recurring plan.")
        if plan.pk == current.plan_id and quantity == current.quantity:
            raise CannotSubscribe(f"The subscription already has {plan} in this quantity.")
    result = Result()
    earlier = list(
        PlatformChange.objects.waiting().filter(subscription=current).select_related("plan_before", "plan")
    )
    _close(earlier, PlatformChange.Outcome.WITHDRAWN, work.opened_at, "Replaced")
    result.messages += [f"This replaces an earlier request: {each.words}." for each in earlier]
    change = PlatformChange.objects.create(
        subscription=current,
        plan_before=current.plan,
        plan=plan,
        quantity=quantity,
        timing=timing,
        requested_at=work.opened_at if at is None else at,
        requested_by=done_by,
    )
    result.messages.insert(
        0,
        f"To do on the billing platform: {change.words}. Nothing is billed here. An import that shows it closes this.",
    )
    return finish(work, result, "Change on the billing platform requested", subscription=current)


def _close(changes: list[PlatformChange], outcome: str, at: datetime, reason: str) -> None:
    for change in changes:
        change.outcome, change.closed_at = outcome, at
    update_rows(changes, ["outcome", "closed_at"], reason)
