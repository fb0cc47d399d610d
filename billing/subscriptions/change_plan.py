"""Move a subscription to another plan, version or quantity: immediately and prorated, or at a later moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.timezone import localdate

from billing.catalog.currencies import currencies_of
from billing.models import Plan, Subscription
from billing.models.figures import BillingMethod, Interval
from billing.rates.convert import Rates
from billing.rules.exact import EXACT
from billing.rules.moments import is_ahead
from billing.subscriptions.charges import monthly_cost
from billing.subscriptions.currency import currency_for
from billing.subscriptions.errors import CannotSubscribe
from billing.subscriptions.result import (
    Result,
    check_billed_here,
    check_moment,
    check_plan,
    check_sold,
    drop_followers,
    finish,
    held_by,
    open_unit,
    packs_of,
)
from billing.subscriptions.start import new_subscription
from billing.subscriptions.switch import Terms, switch
from billing.subscriptions.unit_of_work import UnitOfWork
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
    currency: str = "",
    done_by: str,
) -> Result:
    """Move a subscription to another plan, another version of its plan, or another quantity. It keeps its ID.

    Upgrades, which cost the same or more per month, start immediately and are prorated to the microsecond. Downgrades
    start at period end. `at_once` overrides either, and a later `at` schedules the change for then. `quantity` and
    `prepaid` default to the present ones, and so does `currency`, if it may be chosen: see `currency_for`.
    """
    work = open_unit(subscription.customer, at, done_by)
    at = at or work.opened_at
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
    check_billed_here(current, "Change")
    chosen = currency_for(work, plan, asked=currency, came_with_id=current.came_with_id, replaced=current)
    terms = Terms(plan, quantity, packs_of(work, plan, prepaid), chosen.code)
    if terms == Terms.of(current):
        raise CannotSubscribe(f"The subscription already has {plan} in this quantity.")
    return change_in(work, current, terms, at, at_once, messages=chosen.messages)


def change_in(
    work: UnitOfWork,
    current: Subscription,
    terms: Terms,
    at: datetime,
    at_once: bool | None,
    *,
    with_trial: bool = True,
    messages: Iterable[str] = (),
) -> Result:
    """Change a subscription of a unit of work, which is billed here, or schedule the change. `messages` are said too."""
    plan, now = terms.plan, work.opened_at
    if current.status == Subscription.Status.SCHEDULED:
        raise CannotSubscribe(f"Cancel {current.plan}, which has not started, and attach the other plan.")
    if terms == Terms.of(current):
        raise CannotSubscribe(f"The customer already has {plan} in this quantity.")
    check_moment(current, at)
    new = new_subscription(work, plan, terms.quantity, terms.prepaid, current.entity, at, terms.currency)
    new.follows, new.came_with_id = current, current.came_with_id
    is_up = _costs_as_much(work, new, current)
    result = Result()
    for dropped in drop_followers(work, current, min(at, now)):
        result.messages.append(f"{dropped.plan} will not start.")
    starts_at = at if is_ahead(at, now) else current.current_period_end
    is_immediate = (is_up if at_once is None else at_once) and not is_ahead(at, now)
    if not is_immediate and starts_at is not None:
        new.started_at = starts_at
        current.canceled_at, current.expires_at = min(at, now), starts_at
        work.change(current)
        work.subscriptions.append(new)
        work.change(new)
        result.messages += messages
        result.messages.append(f"{current.plan} continues until {moment(starts_at)}, then {plan} starts.")
        return finish(work, result, f"Change to {plan} scheduled", subscription=new)
    before = current.plan
    said = [*messages, *switch(work, current, terms, at, with_trial=with_trial)]
    if before.pk == plan.pk:
        result.messages.append(f"{plan} continues with a quantity of {number(terms.quantity)}.")
    else:
        result.messages.append(f"{before} has ended and {plan} is active.")
    result.messages += said
    return finish(work, result, f"Changed to {plan}", subscription=current)


def _costs_as_much(work: UnitOfWork, new: Subscription, current: Subscription) -> bool:
    """Whether the new subscription costs at least what the present one does.

    In different currencies, the present plan counts by its price in the new one, else by today's exchange rate. Without
    a rate, the new one counts as dearer.
    """
    cost, present = monthly_cost(work.plan_items, new), monthly_cost(work.plan_items, current)
    code = new.billing_currency
    if code == current.billing_currency:
        return cost >= present
    sold_in = currencies_of(current.plan, work.plan_items.of(str(current.plan_id)))
    if sold_in is None or code in sold_in:
        priced = copy(current)
        priced.currency = code
        return cost >= monthly_cost(work.plan_items, priced)
    rate = Rates(localdate(work.opened_at), code).rate_of(current.billing_currency)
    return rate is None or cost >= EXACT.multiply(present, rate.rate)
