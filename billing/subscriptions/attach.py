"""Attach plans to customers: subscriptions, and purchases of one-off plans."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from billing.models import Entity, Plan, Purchase, Subscription
from billing.models.figures import Interval
from billing.subscriptions.change_plan import change_in
from billing.subscriptions.charges import once_lines, request_invoice
from billing.subscriptions.errors import CannotSubscribe
from billing.subscriptions.result import (
    Result,
    check_plan,
    check_sold,
    finish,
    new_subscription,
    open_unit,
    packs_of,
)
from billing.subscriptions.start import begin, grant_items
from billing.subscriptions.trials import trial_end, trial_refusal
from billing.subscriptions.unit_of_work import UnitOfWork
from customers import clock
from customers.formats import moment
from customers.models import Customer

_ONE = Decimal(1)


@transaction.atomic
def attach_plan(
    customer: Customer,
    plan: Plan,
    *,
    quantity: Decimal = _ONE,
    prepaid: Mapping[str, Decimal] | None = None,
    entity: Entity | None = None,
    at: datetime | None = None,
    with_trial: bool = True,
    done_by: str,
) -> Result:
    """Give a customer a plan, immediately or from a later `at` on.

    A one-off plan becomes a purchase. If the customer has another plan of the same group, this is a plan change.
    `prepaid` are units by feature ID, rounded up to whole packs. The subscription starts with the plan's trial if
    the customer may have it, unless `with_trial` is False.
    """
    now = clock.now()
    at = at or now
    work = open_unit(customer, min(at, now), done_by)
    bought = packs_of(work, plan, prepaid or {})
    check_plan(customer, plan, quantity, entity)
    check_sold(plan)
    if plan.price_interval == Interval.ONE_OFF:
        return _purchase(work, plan, quantity, bought, entity, at)
    current = excluded_by(work, plan, entity)
    if current is not None:
        if at > now:
            raise CannotSubscribe(
                f"Leave out the start. The customer has {current.plan} of the same group, and a plan change starts"
                " immediately or at period end."
            )
        return change_in(work, current, plan, quantity, bought, at, None)
    _refuse_twice(work, plan, entity)
    result = Result()
    subscription = new_subscription(work, plan, quantity, bought, entity, at)
    work.subscriptions.append(subscription)
    work.change(subscription)
    if at > now:
        result.messages.append(f"{plan} starts on {moment(at)}.")
    else:
        trial_ends_at = None
        if with_trial and plan.free_trial_length:
            refusal = trial_refusal(work.customer, plan)
            if refusal is None:
                trial_ends_at = trial_end(plan, at)
                result.messages.append(f"The trial ends on {moment(trial_ends_at)}.")
            else:
                result.messages.append(f"There is no trial because {refusal}.")
        begin(work, subscription, at, trial_ends_at=trial_ends_at)
        result.messages.insert(0, f"{plan} is active.")
    return finish(work, result, f"{plan} attached", subscription=subscription)


def excluded_by(work: UnitOfWork, plan: Plan, entity: Entity | None) -> Subscription | None:
    """The active main plan of the same group, which `plan` would replace."""
    if plan.add_on or not plan.group:
        return None
    for row in work.active():
        same_owner = row.entity_id == (entity.pk if entity else None)
        if same_owner and not row.add_on and not row.plan.add_on and row.plan.group == plan.group:
            return row
    return None


def _refuse_twice(work: UnitOfWork, plan: Plan, entity: Entity | None) -> None:
    for row in work.subscriptions:
        same_owner = row.entity_id == (entity.pk if entity else None)
        is_running = row.status != Subscription.Status.ENDED
        if same_owner and is_running and row.plan.plan_id == plan.plan_id and not plan.add_on:
            raise CannotSubscribe(
                f"Change the quantity or version instead. The customer already has {row.plan}"
                f" ({row.get_status_display().lower()}, {row.subscription_id})."
            )
    for row in work.subscriptions:
        same_owner = row.entity_id == (entity.pk if entity else None)
        is_scheduled = row.status == Subscription.Status.SCHEDULED
        if same_owner and is_scheduled and not plan.add_on and plan.group and row.plan.group == plan.group:
            raise CannotSubscribe(
                f"Cancel {row.plan} first. It is of the same group and starts on {moment(row.started_at)}."
            )


def _purchase(
    work: UnitOfWork,
    plan: Plan,
    quantity: Decimal,
    bought: dict[str, str],
    entity: Entity | None,
    at: datetime,
) -> Result:
    purchase = Purchase(
        customer=work.customer,
        came_with_id=None if entity is None else entity.came_with_id,
        entity=entity,
        plan=plan,
        quantity=quantity,
        started_at=at,
        position=len(work.purchases),
    )
    work.purchases.append(purchase)
    work.change(purchase)
    grant_items(work, purchase, at, bought)
    request_invoice(work, purchase, at, once_lines(work, purchase, bought))
    return finish(work, Result(messages=[f"{plan} is purchased."]), f"{plan} purchased", purchase=purchase)
