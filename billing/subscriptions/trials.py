"""Who may try a plan: once per plan, and where the plan asks, once per fingerprint."""

from __future__ import annotations

from datetime import datetime

from billing.models import Plan, Subscription, TrialUsed
from billing.rules.intervals import step
from billing.subscriptions.unit_of_work import UnitOfWork
from customers.models import Customer


def trial_refusal(customer: Customer, plan: Plan) -> str | None:
    """Why the customer may not try the plan (in any of its versions); None if it may."""
    if not plan.free_trial_length:
        return "the plan has no trial"
    taken = TrialUsed.objects.filter(plan__plan_id=plan.plan_id, plan__env=plan.env)
    if taken.filter(customer=customer).exists():
        return "the customer has tried it before"
    is_shared = plan.trial_once_per_fingerprint and customer.fingerprint
    if is_shared and taken.filter(fingerprint=customer.fingerprint).exists():
        return "another customer with the same fingerprint has tried it"
    return None


def trial_end(plan: Plan, at: datetime) -> datetime | None:
    """When a trial of the plan that begins at `at` ends."""
    return step(at, plan.free_trial_unit or "day", plan.free_trial_length or 1)


def trial_end_of(work: UnitOfWork, subscription: Subscription) -> datetime | None:
    """When the trial of a subscription that is about to begin ends; None if there is none to be had.

    What takes over from another subscription is not tried.
    """
    plan = subscription.plan
    if subscription.follows_id is not None or trial_refusal(work.customer, plan) is not None:
        return None
    return trial_end(plan, subscription.started_at)
