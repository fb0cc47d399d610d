"""Plans that begin by themselves: the free plan of a group, when a customer is left without a plan of the group.

The rule of the billing platform (`auto_enable`), for plans that cost nothing: nobody is billed for a plan that they did not choose.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from billing.models import Plan, Subscription
from billing.subscriptions.charges import monthly_cost
from billing.subscriptions.currency import currency_for
from billing.subscriptions.errors import CannotSubscribe
from billing.subscriptions.start import begin, new_subscription
from billing.subscriptions.unit_of_work import UnitOfWork


def enable_default(work: UnitOfWork, ended: Subscription, at: datetime) -> int:
    """Begin the group's auto-enabled plan if `ended` left the group empty. Returns how many plans began."""
    group = ended.plan.group
    if not group or ended.plan.add_on or not ended.billed_here or _has_plan_of(work, ended):
        return 0
    plans = Plan.objects.latest_versions().filter(
        env=work.customer.env, group=group, auto_enable=True, add_on=False, archived=False, price_amount=None
    )
    for plan in plans.exclude(pk=ended.plan_id).order_by("plan_id"):
        try:
            chosen = currency_for(work, plan, came_with_id=ended.came_with_id, replaced=ended)
        except CannotSubscribe:
            continue
        begun = new_subscription(work, plan, Decimal(1), {}, ended.entity, at, chosen.code)
        if monthly_cost(work.plan_items, begun):
            continue
        begun.came_with_id = ended.came_with_id
        work.subscriptions.append(begun)
        begin(work, begun, at)
        return 1
    return 0


def _has_plan_of(work: UnitOfWork, ended: Subscription) -> bool:
    """Whether the same owner has another plan of the group, or one that is about to start."""
    return any(
        row.plan.group == ended.plan.group
        and not row.plan.add_on
        and row.entity_id == ended.entity_id
        and row.status != Subscription.Status.ENDED
        for row in work.subscriptions
    )
