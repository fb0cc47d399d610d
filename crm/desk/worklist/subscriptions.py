"""Subscriptions that are past due, that end, or that renew without recent contact."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from billing.models import Invoice, Subscription
from billing.subscriptions.possible import possible_verbs
from crm.contacts import last_contacts
from crm.desk.worklist.reason import (
    Reason,
    WorklistBatch,
    WorklistRule,
    act_on,
    first_of_each,
    rows_left_out,
)
from customers.configuration.table import RENEWAL_SOON_DAYS, TRIAL_SOON_DAYS, WORKLIST_QUIET_DAYS
from customers.configuration.values import value_of
from customers.formats import counted, customer_url, days_between, page_of_key, upcoming

PAST_DUE = WorklistRule(
    "subscription_past_due",
    "Subscription past due",
    "A subscription's payment is past due.",
    "billing.view_subscription",
    action="View subscription",
)
TRIAL = WorklistRule(
    "trial_ending",
    "Trial ending",
    "A trial ends soon.",
    "billing.view_subscription",
    action="View subscription",
)
CANCELED = WorklistRule(
    "canceled",
    "Canceled",
    "A subscription was canceled and hasn't ended yet.",
    "billing.view_subscription",
    action="View subscription",
)
RENEWAL = WorklistRule(
    "renewal_unattended",
    "Renewal without contact",
    "A long period renews soon, and there was no recent contact.",
    "billing.view_subscription",
)

_PAST_DUE_WEIGHT = 50
_TRIAL_WEIGHT = 40
_CANCELED_WEIGHT = 45
_RENEWAL_WEIGHT, _MOST_FOR_NEARNESS = 30, 20
#: Shorter periods renew too often for a contact each time.
_LONG_PERIOD = timedelta(days=60)


def past_due_subscriptions(batch: WorklistBatch) -> Iterator[Reason]:
    """Past-due subscriptions without a past-due invoice, which is a reason of its own. One query."""
    overdue = Invoice.objects.overdue(batch.at).filter(subscription=OuterRef("pk"))
    rows = _of(batch, Subscription.objects.active().filter(~Exists(overdue), past_due=True))
    yield from _reasons(
        batch,
        PAST_DUE,
        rows,
        lambda row: Reason(
            customer_id=str(row.customer_id),
            rule=PAST_DUE.name,
            key=f"{row.pk}:{_day(row.current_period_start)}",
            words=f"{_name(row)} is past due",
            weight=_PAST_DUE_WEIGHT,
            since=row.current_period_start or row.started_at,
            link=page_of_key(Subscription, row.pk),
        ),
        "past due",
    )


def ending_trials(batch: WorklistBatch) -> Iterator[Reason]:
    """Trials that end soon. One query."""
    rows = _of(batch, Subscription.objects.trial_ending_soon(batch.at), "trial_ends_at")
    yield from _reasons(
        batch,
        TRIAL,
        rows,
        lambda row: Reason(
            customer_id=str(row.customer_id),
            rule=TRIAL.name,
            key=f"{row.pk}:{_day(row.trial_ends_at)}",
            words=f"trial of {_name(row)} ends {upcoming(row.trial_ends_at, batch.at)}",
            weight=_TRIAL_WEIGHT + _nearness(row.trial_ends_at, batch.at, value_of(TRIAL_SOON_DAYS)),
            since=row.started_at,
            link=page_of_key(Subscription, row.pk),
            act=_act(row, "extend-trial", batch.at),
        ),
        "on trial",
    )


def canceled_subscriptions(batch: WorklistBatch) -> Iterator[Reason]:
    """Canceled subscriptions that haven't ended yet. One query."""
    rows = _of(
        batch,
        Subscription.objects.canceling().filter(Q(expires_at=None) | Q(expires_at__gt=batch.at)),
        "expires_at",
    )
    yield from _reasons(
        batch,
        CANCELED,
        rows,
        lambda row: Reason(
            customer_id=str(row.customer_id),
            rule=CANCELED.name,
            key=f"{row.pk}:{_day(row.expires_at)}",
            words=f"{_name(row)} was canceled"
            + (f" and ends {upcoming(row.expires_at, batch.at)}" if row.expires_at else ""),
            weight=_CANCELED_WEIGHT,
            since=row.canceled_at,
            link=page_of_key(Subscription, row.pk),
            act=_act(row, "keep", batch.at),
        ),
        "canceled",
    )


def unattended_renewals(batch: WorklistBatch) -> Iterator[Reason]:
    """Long periods that renew soon, of customers without contact in `WORKLIST_QUIET_DAYS`. Two queries."""
    renewing = Subscription.objects.renewing_soon(batch.at).filter(
        add_on=False, current_period_end__gte=F("current_period_start") + _LONG_PERIOD
    )
    rows = list(_of(batch, renewing, "current_period_end"))
    contacts = last_contacts({str(row.customer_id) for row in rows}, batch.at)
    quiet = []
    for row in rows:
        last = contacts.get(str(row.customer_id))
        row.silent = None if last is None else days_between(last, batch.at)
        if row.silent is None or row.silent >= value_of(WORKLIST_QUIET_DAYS):
            quiet.append(row)
    yield from _reasons(
        batch,
        RENEWAL,
        quiet,
        lambda row: Reason(
            customer_id=str(row.customer_id),
            rule=RENEWAL.name,
            key=f"{row.pk}:{_day(row.current_period_end)}",
            words=f"renews in {counted(days_between(batch.at, row.current_period_end), 'day')}, {_silence(row.silent)}",
            weight=_RENEWAL_WEIGHT + _nearness(row.current_period_end, batch.at, value_of(RENEWAL_SOON_DAYS)),
            since=row.current_period_end - timedelta(days=value_of(RENEWAL_SOON_DAYS)),
            link=page_of_key(Subscription, row.pk),
            act=act_on("log-contact", row.customer_id),
        ),
        "renewing",
    )


def _of(batch: WorklistBatch, rows: QuerySet[Subscription], *order: str) -> Any:
    first = first_of_each(rows.filter(customer_id__in=batch.customer_ids), *order, "pk")
    return first.select_related("plan", "customer").order_by("customer_id", "place")


def _reasons(batch: WorklistBatch, rule: WorklistRule, rows: Any, reason: Any, are: str) -> Iterator[Reason]:
    """A reason for each row, and one that counts the customer's rows that were left out."""
    for row in rows:
        last = reason(row)
        yield last
        more = rows_left_out(row)
        if more:
            yield Reason(
                customer_id=last.customer_id,
                rule=rule.name,
                key=f"more:{more}",
                words=f"{counted(more, 'more subscription')} {are}",
                weight=last.weight,
                since=last.since,
                link=customer_url(last.customer_id),
            )


def _act(subscription: Subscription, name: str, at: datetime) -> str:
    """The act on the subscription; empty if it can't be done, as for what the billing platform bills."""
    return act_on(name, subscription.pk) if name in possible_verbs(subscription, at) else ""


def _name(subscription: Subscription) -> str:
    return subscription.plan.name or subscription.plan.plan_id


def _nearness(moment: datetime, now: datetime, within: int) -> int:
    """One point for each day nearer than `within`, at most `_MOST_FOR_NEARNESS`."""
    return min(max(within - days_between(now, moment), 0), _MOST_FOR_NEARNESS)


def _silence(silent: int | None) -> str:
    return "no contact logged" if silent is None else f"no contact for {counted(silent, 'day')}"


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d}"


RULES = (
    PAST_DUE,
    TRIAL,
    CANCELED,
    RENEWAL,
)
FINDERS = (
    past_due_subscriptions,
    ending_trials,
    canceled_subscriptions,
    unattended_renewals,
)
