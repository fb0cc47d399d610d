"""Dunning: the steps that an unpaid invoice goes through, and what happens at the end.

`DUNNING_STEPS` are the days past due of each step. Steps come one after the other: an invoice that is found late begins
with the first, and the next follows after the days between them. So nothing ends without its reminders.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from billing.models import DunningStep, Invoice, Subscription
from billing.subscriptions.cancel import cancel_subscription
from billing.subscriptions.errors import CannotSubscribe
from customers.bulk import create_rows
from customers.configuration.table import DUNNING_OUTCOME, DUNNING_STEPS
from customers.configuration.values import value_of
from customers.formats import days_between

#: What the last step does to the subscription of the invoice.
CANCEL = "cancel"
_DONE_BY = "dunning"


def take_steps(customer_ids: Sequence[str], at: datetime) -> list[DunningStep]:
    """Take the next step of each unpaid invoice of these customers for which one is due at `at`, and return them.

    With the setting `DUNNING_OUTCOME` “cancel”, the last step cancels the subscription of the invoice immediately, if it
    is billed here. The caller has locked the customers. One query if no invoice is late enough.
    """
    days = value_of(DUNNING_STEPS)
    if not days:
        return []
    late = list(
        Invoice.objects.overdue(at - timedelta(days=days[0]))
        .filter(customer__pk__in=customer_ids)
        .select_related("subscription__plan")
        .order_by("due_at", "pk")
    )
    if not late:
        return []
    taken: dict[str, list[DunningStep]] = defaultdict(list)
    for step in DunningStep.objects.filter(invoice__in=late).order_by("step"):
        taken[str(step.invoice_id)].append(step)
    new = []
    for invoice in late:
        number = next_step(invoice, taken[str(invoice.pk)], days, at)
        if number is None or invoice.due_at is None:
            continue
        step = DunningStep(
            invoice=invoice,
            step=number,
            of=len(days),
            days=days_between(invoice.due_at, at),
            taken_at=at,
        )
        if step.is_last and value_of(DUNNING_OUTCOME) == CANCEL:
            step.outcome = _cancel(invoice, at)
        new.append(step)
    create_rows(new, reason="")
    return new


def next_step(
    invoice: Invoice, taken: Sequence[DunningStep], days: Sequence[int], at: datetime
) -> int | None:
    """The number of the step that is due for the invoice, after those `taken`, in order; None if none is."""
    number = taken[-1].step + 1 if taken else 1
    if number > len(days) or invoice.due_at is None:
        return None
    if at < invoice.due_at + timedelta(days=days[number - 1]):
        return None
    if taken and at < taken[-1].taken_at + timedelta(days=days[number - 1] - days[number - 2]):
        return None
    return number


def _cancel(invoice: Invoice, at: datetime) -> str:
    """Cancel the subscription of the invoice; what was done, in words."""
    subscription = invoice.subscription
    if subscription is None or subscription.status == Subscription.Status.ENDED:
        return "No subscription to cancel"
    plan = subscription.plan.name or subscription.plan.plan_id
    if not subscription.billed_here:
        return f"{plan} is billed by its platform, so it was not canceled"
    try:
        cancel_subscription(subscription, at=at, at_once=True, done_by=_DONE_BY)
    except CannotSubscribe as problem:
        return f"{plan} couldn't be canceled: {problem}"
    return f"{plan} was canceled"
