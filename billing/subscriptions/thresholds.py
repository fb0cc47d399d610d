"""Overage that is billed before its period ends, because a plan says that so many units are billed at a time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from billing.models import Grant, PlanItem, Rollover
from billing.models.figures import BillingMethod
from billing.rules.exact import EXACT
from billing.rules.invoice_totals import BilledLine
from billing.subscriptions.charges import request_invoice
from billing.subscriptions.errors import CannotBill
from billing.subscriptions.unit_of_work import UnitOfWork, open_units, save
from billing.subscriptions.usage_lines import item_of, threshold_lines
from customers.logs import log_failure


def balances_near_threshold(drawn: Iterable[Grant | Rollover]) -> set[str]:
    """The balances of which usage of these rows may have reached a threshold. No query unless there is overage to bill."""
    grants = [
        row
        for row in drawn
        if isinstance(row, Grant)
        and row.billing_method == BillingMethod.USAGE_BASED
        and row.figures.overage > row.billed_overage
    ]
    if not grants:
        return set()
    # Compared with the smallest threshold of its plan, so that an item need not be found for each grant.
    smallest: dict[str, Decimal] = {}
    items = PlanItem.objects.filter(plan__in={grant.plan_id for grant in grants}, billing_threshold__gt=0)
    for plan_id, threshold in items.values_list("plan_id", "billing_threshold"):
        if threshold is not None:
            smallest[str(plan_id)] = min(threshold, smallest.get(str(plan_id), threshold))
    return {
        str(grant.balance_id)
        for grant in grants
        if grant.plan_id in smallest
        and EXACT.subtract(grant.figures.overage, grant.billed_overage) >= smallest[grant.plan_id]
    }


def bill_thresholds(customer_id: str, at: datetime, *, done_by: str) -> None:
    """Bill the overage of a customer that has reached a threshold, in an invoice of `at`.

    Locks the customer before its balances, so no balance may be locked yet. What is used in a trial is free. The usage is
    recorded already: a failure is logged, and the invoice of the period's end bills the overage.
    """
    try:
        _bill(customer_id, at, done_by)
    except CannotBill as problem:
        log_failure("threshold_not_billed", problem, customer=customer_id)


@transaction.atomic
def _bill(customer_id: str, at: datetime, done_by: str) -> None:
    for work in open_units([customer_id], done_by=done_by):
        for subscription in work.active():
            is_tried = subscription.trial_ends_at is not None and subscription.trial_ends_at > at
            if not is_tried and subscription.billed_here:
                lines = [line for grant in work.grants_of(subscription) for line in _lines(work, grant)]
                period = (subscription.current_period_start, subscription.current_period_end)
                request_invoice(work, subscription, at, lines, period)
        save([work], "Overage billed")
        work.invoice_requests = []


def _lines(work: UnitOfWork, grant: Grant) -> list[BilledLine]:
    subscription = grant.subscription
    item = None if subscription is None else item_of(work, subscription, grant)
    is_consumed = work.balances[str(grant.balance_id)].feature.consumable
    if item is None or not item.billing_threshold or not is_consumed:
        return []
    lines = threshold_lines(work, grant, item.billing_threshold)
    if lines:
        work.book.touch(grant)
    return lines
