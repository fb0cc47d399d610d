"""Who may have a trial: once per customer and plan, and once per fingerprint if the plan says so."""

from __future__ import annotations

from datetime import datetime

from billing.models import Plan, Subscription, TrialUsed
from billing.rules.intervals import step
from billing.subscriptions.unit_of_work import UnitOfWork
from customers.models import Customer


def trial_refusal(customer: Customer, plan: Plan) -> str | None:
    """Why the customer can't have a trial of the plan, as a clause; None if it can. Versions count as one plan."""
    if not plan.free_trial_length:
        return "the plan has no trial"
    taken = TrialUsed.objects.filter(plan__plan_id=plan.plan_id, plan__env=plan.env)
    if taken.filter(customer=customer).exists():
        return "the customer already had a trial of it"
    is_shared = plan.trial_once_per_fingerprint and customer.fingerprint
    if is_shared and taken.filter(fingerprint=customer.fingerprint).exists():
        return "another customer with the same fingerprint had a trial of it"
    return None


def trial_end(plan: Plan, at: datetime) -> datetime | None:
    """When a trial of the plan that begins at `at` ends."""
    return step(at, plan.free_trial_unit or "day", plan.free_trial_length or 1)


def trial_end_of(work: UnitOfWork, subscription: Subscription) -> datetime | None:
    """When the trial of a subscription that is about to start ends; None without a trial."""
    plan = subscription.plan
    if trial_refusal(work.customer, plan) is not None:
        return None
    return trial_end(plan, subscription.started_at)
