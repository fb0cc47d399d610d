"""Jobs that keep what the desk shows: of customers that changed, and of all."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from crm.dedupe.duplicates.received import add_for
from crm.desk import refresh as desk
from crm.desk.home.movement import refresh_movements
from crm.jobs.kind import JobResult, RunningJob
from crm.models import ChangePosition
from crm.queue import enqueue
from customers import clock
from customers.changes import Expired, Position, changes_after, has_changes_after, present
from customers.formats import counted
from customers.models import Customer

#: The kind of job that refreshes everyone.
REFRESH = "refresh"
#: The kind of job that computes revenue by month.
REVENUE = "revenue"

_BATCH = 200
_MOST_DUE = 2000


def is_behind(now: datetime) -> bool:
    """Whether customers changed since the desk was last refreshed."""
    position = ChangePosition.objects.of(desk.READER)
    return position is None or has_changes_after(position)


def follow_changes(job: RunningJob) -> JobResult:
    """Refresh and compare the customers that changed.

    At the first time, or after a pause longer than changes are kept, the job that refreshes everyone is requested.
    """
    begun, position = clock.now(), ChangePosition.objects.of(desk.READER)
    if position is None:
        return _leave_to_refresh(present())
    done = failed = pairs = 0
    while True:
        try:
            found = changes_after(position, _BATCH)
        except Expired as expired:
            return _leave_to_refresh(expired.now)
        customer_ids = sorted({change.customer_id for change in found.changes})
        # Before the refresh, because a possible duplicate is a reason of the worklist.
        pairs += add_for(customer_ids)
        done += len(customer_ids)
        failed += len(desk.refresh_customers(customer_ids).failed)
        position = found.next
        ChangePosition.objects.keep(desk.READER, position)
        job.progress(done)
        if not found.has_more:
            break
    desk.record_refresh(begun)
    text = f"{counted(done, 'customer')} refreshed"
    return JobResult(f"{text}, {counted(pairs, 'possible duplicate')} found" if pairs else text, failed)


def refresh_all(job: RunningJob) -> JobResult:
    """Refresh every customer: alerts and reminders that time made due, health, worklist, facts."""
    total, done, failed = Customer.objects.current().count(), 0, 0
    for step in desk.refresh_all():
        done += step.customers
        failed += len(step.failed)
        job.progress(done, total)
    return JobResult(f"{counted(total, 'customer')} refreshed", failed)


def refresh_due(job: RunningJob) -> JobResult:
    """Refresh customers that time has changed: trials and snoozes that ended, days past due, burn rates.

    At midnight they are most of all. So that other jobs have their turn, each job refreshes some of them.
    """
    now = clock.now()
    customer_ids = desk.refresh_due(now, _MOST_DUE)
    done = failed = 0
    for step in desk.refresh_in_batches(customer_ids, now):
        done += step.customers
        failed += len(step.failed)
        job.progress(done, len(customer_ids))
    if len(customer_ids) < _MOST_DUE:
        desk.record_refresh(now)
    return JobResult(f"{counted(done, 'customer')} refreshed", failed)


def refresh_revenue(job: RunningJob) -> JobResult:
    """Compute the monthly revenue of each account manager."""
    return JobResult(f"{counted(refresh_movements(), 'monthly figure')} computed")


@transaction.atomic
def _leave_to_refresh(position: Position) -> JobResult:
    ChangePosition.objects.keep(desk.READER, position)
    enqueue(REFRESH, key=REFRESH)
    return JobResult("Requested a refresh of all customers")
