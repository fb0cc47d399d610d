"""Subscriptions that are past due: an invoice of theirs should have been paid by now.

Only of subscriptions that are billed here; whether others are past due, the billing platform says.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from billing.models import Invoice, Subscription
from customers import clock
from customers.bulk import update_rows
from customers.models import Customer

_BATCH = 500


def overdue_subscription_ids(customer_ids: Collection[str], at: datetime) -> set[str]:
    """The keys of the customers' subscriptions that have an open invoice which was due by `at`."""
    overdue = Invoice.objects.overdue(at).filter(customer_id__in=customer_ids, subscription__isnull=False)
    return {str(key) for key in overdue.values_list("subscription_id", flat=True)}


def mark_past_due(now: datetime) -> int:
    """Mark every active subscription with an overdue invoice as past due; answer how many were not so before."""
    overdue = Invoice.objects.overdue(now)
    unmarked = Subscription.objects.active().filter(
        past_due=False,
        billed_here=True,
        pk__in=overdue.filter(subscription__isnull=False).values("subscription_id"),
    )
    customers = [
        str(key) for key in unmarked.order_by("customer_id").values_list("customer_id", flat=True).distinct()
    ]
    marked = 0
    for start in range(0, len(customers), _BATCH):
        marked += _mark(customers[start : start + _BATCH], now)
    return marked


def clear_past_due(subscription_id: str | None, reason: str) -> None:
    """Take the mark off a subscription that no overdue invoice is left of; the caller holds its customer."""
    if subscription_id is None:
        return
    marked = Subscription.objects.filter(pk=subscription_id, past_due=True, billed_here=True).first()
    if marked is None or Invoice.objects.overdue(clock.now()).filter(subscription=marked).exists():
        return
    marked.past_due = False
    update_rows([marked], ["past_due"], reason)


@transaction.atomic
def _mark(customer_ids: Collection[str], now: datetime) -> int:
    locked = Customer.objects.filter(pk__in=customer_ids).order_by("pk").select_for_update(no_key=True)
    held = [str(key) for key in locked.values_list("pk", flat=True)]
    subscriptions = list(
        Subscription.objects.active().filter(
            past_due=False, billed_here=True, pk__in=overdue_subscription_ids(held, now)
        )
    )
    for subscription in subscriptions:
        subscription.past_due = True
    update_rows(subscriptions, ["past_due"], "An invoice is overdue")
    return len(subscriptions)
