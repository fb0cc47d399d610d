"""The filters of invoices, subscriptions, balances and tasks, beside those of their customers."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import F, Q
from django.utils.timezone import localdate, make_aware

from billing.models import Invoice, Subscription
from billing.models.subscription import renews_soon, trial_ends_soon
from crm.desk.aging import AGES, NOT_DUE
from crm.desk.segments.billing_filters import features, plans
from crm.desk.segments.filter import (
    FilterContext,
    FilterParameter,
    SegmentFilter,
    Values,
    any_of,
    names,
    one_of,
    some_of,
)
from crm.desk.worklist.balances import AHEAD

_INVOICE_STATES = {"past_due": "Past due", **dict(Invoice.Status.choices)}
#: The groups of `crm.desk.aging`, by the days past due at which each begins.
_AGES = dict(zip(("1", "31", "61", "91"), AGES, strict=True))
_AGE_WORDS = {"later": NOT_DUE, **_AGES}
_SUBSCRIPTION_STATES = {
    "active": "Active",
    "trial": "Trial",
    "trial_ending": "Trial ending soon",
    "renewing": "Renewing soon",
    "past_due": "Past due",
    "canceling": "Canceling",
    "scheduled": "Scheduled",
    "ended": "Ended",
}
_BALANCE_STATES = {
    "out": "Out",
    "running_out": "Running out",
    "almost_out": "Almost out",
    "lasting": "Lasting",
    "unlimited": "Unlimited",
}
#: From this percentage used, a balance is almost out, even if nothing was used lately.
ALMOST_OUT = 90
_TASK_STATES = {"open": "Open", "late": "Late", "done": "Done"}
_ASSIGNEES = {"me": "Me", "none": "None"}


def _invoice_state(values: Values, context: FilterContext) -> Q:
    condition = Q()
    for state in values["invoice_status"]:
        past_due = Q(status=Invoice.Status.OPEN, due_at__lte=context.at)
        condition |= past_due if state == "past_due" else Q(status=state)
    return condition


def _age(values: Values, context: FilterContext) -> Q:
    """Unpaid invoices by the days since their due date, as the sums above the list group them."""
    unpaid = Q(status=Invoice.Status.OPEN)
    today = localdate(context.at)
    begins = list(_AGES)
    if values["age"] == "later":
        return unpaid & (Q(due_at=None) | Q(due_at__gte=_midnight(today)))
    number = begins.index(values["age"])
    latest = _midnight(today - timedelta(days=int(begins[number]) - 1))
    condition = unpaid & Q(due_at__lt=latest)
    if number + 1 == len(begins):
        return condition
    return condition & Q(due_at__gte=_midnight(today - timedelta(days=int(begins[number + 1]) - 1)))


def _midnight(of: date) -> datetime:
    return make_aware(datetime.combine(of, time.min))


def _subscription_state(values: Values, context: FilterContext) -> Q:
    active = Q(status=Subscription.Status.ACTIVE)
    states = {
        "active": active,
        "trial": active & Q(trial_ends_at__gt=context.at),
        "trial_ending": trial_ends_soon(context.at),
        "renewing": renews_soon(context.at),
        "past_due": active & Q(past_due=True),
        "canceling": active & Q(canceled_at__isnull=False),
        "scheduled": Q(status=Subscription.Status.SCHEDULED),
        "ended": Q(status=Subscription.Status.ENDED),
    }
    condition = Q()
    for state in values["subscription_status"]:
        condition |= states[state]
    return condition


def _balance_state(values: Values, context: FilterContext) -> Q:
    soon = Q(resets_at=None, runs_out_at__lt=context.at + AHEAD) | Q(runs_out_at__lt=F("resets_at"))
    before_reset = Q(runs_out_at__isnull=False) & soon
    limited = Q(unlimited=False)
    # Where nothing was granted, all is overage: nothing has run out.
    out = limited & Q(remaining__lte=0, granted__gt=0)
    almost = Q(used_percent__isnull=False, used_percent__gte=ALMOST_OUT)
    states = {
        "out": out,
        "running_out": limited & ~out & before_reset,
        "almost_out": limited & ~out & ~before_reset & almost,
        "lasting": limited & ~out & ~before_reset & ~almost,
        "unlimited": Q(unlimited=True),
    }
    condition = Q()
    for state in values["balance_status"]:
        condition |= states[state]
    return condition


def _task_state(values: Values, context: FilterContext) -> Q:
    return {
        "open": Q(done_at=None),
        "late": Q(done_at=None, due_on__lt=localdate(context.at)),
        "done": Q(done_at__isnull=False),
    }[values["task"]]


def _assignee(values: Values, context: FilterContext) -> Q:
    condition, named = Q(), set(values["assignee"])
    if "me" in named:
        condition |= Q(owner=context.signed_in_user().pk)
    if "none" in named:
        condition |= Q(owner=None)
    return condition | Q(owner__username__in=named - _ASSIGNEES.keys())


def _states(name: str, label: str, states: dict[str, str], condition: Any) -> SegmentFilter:
    return SegmentFilter(
        name=name,
        label=label,
        parameters=(
            FilterParameter(
                name=name, label=label, read=some_of(states), choices=states.items, takes_several=True
            ),
        ),
        condition=condition,
        words=lambda values: f"status {any_of(values[name], states)}",
    )


INVOICE_FILTERS = (
    _states("invoice_status", "Invoice status", _INVOICE_STATES, _invoice_state),
    SegmentFilter(
        name="age",
        label="Days late",
        parameters=(
            FilterParameter(name="age", label="Days late", read=one_of(_AGE_WORDS), choices=_AGE_WORDS.items),
        ),
        condition=_age,
        words=lambda values: _AGE_WORDS[values["age"]].lower(),
    ),
)

SUBSCRIPTION_FILTERS = (
    _states("subscription_status", "Subscription status", _SUBSCRIPTION_STATES, _subscription_state),
    SegmentFilter(
        name="of_plan",
        label="Plan of the subscription",
        parameters=(
            FilterParameter(name="of_plan", label="Plan", read=names, choices=plans, takes_several=True),
        ),
        condition=lambda values, context: Q(plan__plan_id__in=values["of_plan"]),
        words=lambda values: f"plan {any_of(values['of_plan'])}",
    ),
)

BALANCE_FILTERS = (
    _states("balance_status", "Balance status", _BALANCE_STATES, _balance_state),
    SegmentFilter(
        name="feature",
        label="Feature",
        parameters=(
            FilterParameter(
                name="feature", label="Feature", read=names, choices=features, takes_several=True
            ),
        ),
        condition=lambda values, context: Q(feature__feature_id__in=values["feature"]),
        words=lambda values: f"feature {any_of(values['feature'])}",
    ),
)

TASK_FILTERS = (
    SegmentFilter(
        name="task",
        label="Task status",
        parameters=(
            FilterParameter(
                name="task", label="Task status", read=one_of(_TASK_STATES), choices=_TASK_STATES.items
            ),
        ),
        condition=_task_state,
        words=lambda values: f"{_TASK_STATES[values['task']].lower()} tasks",
    ),
    SegmentFilter(
        name="assignee",
        label="Assignee",
        parameters=(
            FilterParameter(
                name="assignee", label="Assignee", read=names, choices=_ASSIGNEES.items, takes_several=True
            ),
        ),
        condition=_assignee,
        words=lambda values: f"assigned to {any_of(values['assignee'], _ASSIGNEES)}",
    ),
)
