"""What the verbs about subscriptions share: locking the customer, checks of what can be sold, the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from billing.models import Entity, Invoice, Plan, Purchase, Subscription
from billing.models.figures import BillingMethod
from billing.rules.figures import UPPER_BOUND
from billing.rules.moments import closed_problem
from billing.subscriptions.advance import advance
from billing.subscriptions.errors import CannotSubscribe
from billing.subscriptions.unit_of_work import UnitOfWork, open_units, save
from customers.formats import number
from customers.models import Customer

_ONE = Decimal(1)


@dataclass(slots=True)
class Result:
    """What a verb did: the subscription or purchase, the invoices raised, and messages to show."""

    subscription: Subscription | None = None
    purchase: Purchase | None = None
    invoices: list[Invoice] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


def open_unit(customer: Customer, at: datetime | None, done_by: str) -> UnitOfWork:
    """Lock and load the customer, with what is due by `at` (None: now) applied, and nothing ahead of the clock."""
    (work,) = open_units([str(customer.pk)], done_by=done_by)
    # Read under the lock, since a merge may have come first.
    if work.customer.merged_into_id is not None:
        raise CannotSubscribe("The customer was merged into another one. Use that customer.")
    advance([work], work.opened_at if at is None else min(at, work.opened_at))
    work.invoices = []
    return work


def finish(
    work: UnitOfWork,
    result: Result,
    reason: str,
    *,
    subscription: Subscription | None = None,
    purchase: Purchase | None = None,
) -> Result:
    save([work], reason)
    result.subscription, result.purchase = subscription, purchase
    result.invoices = list(work.invoices)
    return result


def held_by(work: UnitOfWork, subscription: Subscription) -> Subscription:
    """The unit of work's own object of a subscription."""
    for row in work.subscriptions:
        if row.pk == subscription.pk and row.status != Subscription.Status.ENDED:
            return row
    raise CannotSubscribe("The subscription has ended. Attach the plan again.")


def check_plan(customer: Customer, plan: Plan, quantity: Decimal, entity: Entity | None) -> None:
    if plan.env != customer.env:
        raise CannotSubscribe(
            f"Choose a plan of the customer's environment. {plan} is {plan.env}, the customer is {customer.env}."
        )
    if plan.is_stub:
        raise CannotSubscribe(f"Import or complete {plan.plan_id} first. Only its ID is known.")
    if not (quantity.is_finite() and 0 < quantity < UPPER_BOUND):
        raise CannotSubscribe(f"Enter a quantity above 0 instead of {quantity}.")
    if entity is not None and (entity.customer_id != customer.pk or entity.removed_at is not None):
        raise CannotSubscribe(f"The customer has no entity “{entity}”.")


def check_billed_here(subscription: Subscription, what: str) -> None:
    """Refuse to touch what the billing platform bills, because it would go on as before there."""
    if not subscription.billed_here:
        raise CannotSubscribe(
            f"{what} it on the billing platform, which bills {subscription.plan}, then import the customer again."
        )


def check_moment(subscription: Subscription, at: datetime) -> None:
    """Refuse a moment before the open period of a subscription or its latest change: what came before was billed."""
    latest = subscription.phases.order_by("starts_at").values_list("starts_at", flat=True).last()
    since = [subscription.current_period_start or subscription.started_at, latest]
    problem = closed_problem(at, max(each for each in since if each is not None))
    if problem is not None:
        raise CannotSubscribe(problem)


def check_sold(plan: Plan) -> None:
    if plan.archived:
        raise CannotSubscribe(f"{plan} is archived and no longer sold.")


def packs_of(work: UnitOfWork, plan: Plan, prepaid: Mapping[str, Decimal]) -> dict[str, str]:
    """Prepaid units rounded up to whole packs, as texts, because JSON numbers would lose digits."""
    sold = {
        item.feature.feature_id: item
        for item in work.plan_items.of(str(plan.pk))
        if item.billing_method == BillingMethod.PREPAID
    }
    bought: dict[str, str] = {}
    for name, units in prepaid.items():
        item = sold.get(name)
        if item is None:
            names = ", ".join(sorted(sold)) or "nothing"
            raise CannotSubscribe(f"{plan} doesn't sell prepaid {name}. It sells {names}.")
        if not (units.is_finite() and 0 <= units < UPPER_BOUND):
            raise CannotSubscribe(f"Enter 0 or more units of {name} instead of {units}.")
        pack = item.billing_units or _ONE
        whole, rest = divmod(units, pack)
        packs = whole + 1 if rest else whole
        if item.max_purchase is not None and packs * pack > item.max_purchase:
            raise CannotSubscribe(
                f"Enter at most {number(item.max_purchase)} units of {name}. {number(packs * pack)} would be bought."
            )
        if packs:
            bought[name] = f"{(packs * pack).normalize():f}"
    return bought


def followers_of(work: UnitOfWork, subscription: Subscription) -> list[Subscription]:
    return [
        row
        for row in work.subscriptions
        if row.follows_id == subscription.pk and row.status == Subscription.Status.SCHEDULED
    ]


def drop_followers(work: UnitOfWork, subscription: Subscription, at: datetime) -> list[Subscription]:
    """End the scheduled subscriptions that would follow this one, before they start."""
    dropped = followers_of(work, subscription)
    for row in dropped:
        row.status = Subscription.Status.ENDED
        row.expires_at = at
        work.change(row)
    return dropped


def drop(work: UnitOfWork, scheduled: Subscription, at: datetime) -> list[Subscription]:
    """End a scheduled subscription before it starts. Returns the one that it would have followed, which continues."""
    scheduled.status = Subscription.Status.ENDED
    scheduled.expires_at = at
    work.change(scheduled)
    continuing = [row for row in work.active() if row.pk == scheduled.follows_id]
    for row in continuing:
        row.canceled_at = row.expires_at = None
        work.change(row)
    return continuing
