"""Attach plans to customers: subscriptions, and purchases of one-off plans."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q

from billing.models import Entity, Plan, Purchase, Subscription
from billing.models.figures import Interval
from billing.rules.moments import begin_problem, closed_problem, is_ahead
from billing.subscriptions.change_plan import change_in
from billing.subscriptions.currency import currency_for
from billing.subscriptions.errors import CannotSubscribe
from billing.subscriptions.result import (
    Result,
    check_billed_here,
    check_plan,
    check_sold,
    finish,
    open_unit,
    packs_of,
)
from billing.subscriptions.start import begin, begin_purchase, new_subscription
from billing.subscriptions.switch import Terms
from billing.subscriptions.trials import trial_end, trial_refusal
from billing.subscriptions.unit_of_work import UnitOfWork
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
    currency: str = "",
    done_by: str,
) -> Result:
    """Give a customer a plan, immediately or from a later `at` on.

    A one-off plan becomes a purchase. If the customer has another plan of the same group, this is a plan change.
    `prepaid` are units by feature ID, rounded up to whole packs. The subscription starts with the plan's trial if
    the customer may have it, unless `with_trial` is False. `currency_for` says in which currency it is billed, and when
    `currency` chooses it.
    """
    work = open_unit(customer, at, done_by)
    at = at or work.opened_at
    is_later = is_ahead(at, work.opened_at)
    if problem := begin_problem(at, work.opened_at):
        raise CannotSubscribe(problem)
    bought = packs_of(work, plan, prepaid or {})
    check_plan(customer, plan, quantity, entity)
    check_sold(plan)
    if plan.price_interval == Interval.ONE_OFF:
        return _purchase(work, plan, quantity, bought, entity, at, currency, is_later=is_later)
    current = excluded_by(work, plan, entity)
    if current is not None:
        check_billed_here(current, "Change")
        chosen = currency_for(work, plan, asked=currency, came_with_id=current.came_with_id, replaced=current)
        terms = Terms(plan, quantity, bought, chosen.code)
        return change_in(
            work, current, terms, at, is_later or None, with_trial=with_trial, messages=chosen.messages
        )
    _refuse_twice(work, plan, entity)
    if not is_later:
        _refuse_overlap(work, plan, entity, at)
    result = Result()
    chosen = currency_for(work, plan, asked=currency, came_with_id=_account_of(entity))
    subscription = new_subscription(work, plan, quantity, bought, entity, at, chosen.code)
    work.subscriptions.append(subscription)
    work.change(subscription)
    if is_later:
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
    result.messages += [*chosen.messages, *_billed_elsewhere(work, plan)]
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


def _account_of(entity: Entity | None) -> str | None:
    return None if entity is None else entity.came_with_id


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


def _refuse_overlap(work: UnitOfWork, plan: Plan, entity: Entity | None, at: datetime) -> None:
    """Refuse a start before an earlier subscription ended, because that time was billed."""
    earlier = Subscription.objects.filter(
        customer=work.customer, entity=entity, status=Subscription.Status.ENDED, expires_at__gt=at
    ).exclude(started_at=F("expires_at"))
    of_plan = Q(plan__plan_id=plan.plan_id)
    if plan.group:
        of_plan |= Q(plan__group=plan.group, plan__add_on=False)
    last = (
        earlier.filter(of_plan, billed_here=True).order_by("-expires_at").first() if not plan.add_on else None
    )
    problem = None if last is None else closed_problem(at, last.expires_at)
    if last is not None and problem is not None:
        raise CannotSubscribe(f"{problem} The customer had {last.plan} until {moment(last.expires_at)}.")


def _billed_elsewhere(work: UnitOfWork, plan: Plan) -> list[str]:
    """A warning if the billing platform bills the customer for a plan of the group already."""
    return [
        f"{row.plan} is billed by the billing platform, so the customer pays both. Cancel it there."
        for row in work.active()
        if not row.billed_here and plan.group and row.plan.group == plan.group
    ]


def _purchase(
    work: UnitOfWork,
    plan: Plan,
    quantity: Decimal,
    bought: dict[str, str],
    entity: Entity | None,
    at: datetime,
    currency: str,
    *,
    is_later: bool,
) -> Result:
    account = _account_of(entity)
    chosen = currency_for(work, plan, asked=currency, came_with_id=account)
    purchase = Purchase(
        customer=work.customer,
        came_with_id=account,
        entity=entity,
        plan=plan,
        quantity=quantity,
        currency=chosen.code,
        prepaid_quantities=bought,
        started_at=at,
        scheduled=is_later,
        position=len(work.purchases),
    )
    work.purchases.append(purchase)
    work.change(purchase)
    if not is_later:
        begin_purchase(work, purchase)
    said = f"{plan} starts on {moment(at)}." if is_later else f"{plan} is purchased."
    return finish(work, Result(messages=[said, *chosen.messages]), f"{plan} purchased", purchase=purchase)
