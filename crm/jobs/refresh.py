"""Jobs that keep what the desk shows: of customers that changed, and of all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from crm.dedupe.duplicates.received import add_for
from crm.desk.batches import in_batches, lock_current
from crm.desk.health.refresh import refresh_health, score_customers
from crm.desk.home.movement import refresh_movements
from crm.desk.worklist.refresh import refresh_customers, refresh_worklist
from crm.desk.worklist.take_notices import take_notices, take_notices_of
from crm.jobs.kind import JobResult, RunningJob
from crm.models import ChangePosition
from customers import clock
from customers.changes import Expired, Position, changes_after, has_changes_after, present
from customers.formats import counted
from customers.models import Customer

_READER = "desk"
_BATCH = 200


def is_behind(now: datetime) -> bool:
    """Whether customers changed since the desk was last refreshed."""
    position = _position()
    return position is None or has_changes_after(position)


def follow_changes(job: RunningJob) -> JobResult:
    """Refresh and compare the customers that changed. At the first time, or after a long pause, all of them."""
    position = _position()
    if position is None:
        return _start_over(job, present())
    done = failed = pairs = 0
    while True:
        try:
            found = changes_after(position, _BATCH)
        except Expired as expired:
            return _start_over(job, expired.now)
        customer_ids = sorted({change.customer_id for change in found.changes})
        for step in in_batches(customer_ids, _BATCH, _refresh, "follow_changes"):
            done += len(step.customer_ids)
            failed += len(step.customer_ids) if step.value is None else 0
        pairs += add_for(customer_ids)
        position = found.next
        _keep(position)
        job.progress(done)
        if not found.has_more:
            break
    text = f"{counted(done, 'customer')} refreshed"
    return JobResult(f"{text}, {counted(pairs, 'possible duplicate')} found" if pairs else text, failed)


def refresh_all(job: RunningJob) -> JobResult:
    """Refresh every customer: alerts and reminders that time made due, health, worklist."""
    now = clock.now()
    total = Customer.objects.current().count()
    done, failed = 0, set()
    for steps in (take_notices(now), refresh_health(now), refresh_worklist(now)):
        for step in steps:
            done += step.customers
            failed.update(step.failed)
            job.progress(done, 3 * total)
    return JobResult(f"{counted(total, 'customer')} refreshed", len(failed))


def refresh_revenue(job: RunningJob) -> JobResult:
    """Compute the monthly revenue of each account manager."""
    return JobResult(f"{counted(refresh_movements(), 'monthly figure')} computed")


def _refresh(customer_ids: Sequence[str]) -> int:
    now = clock.now()
    current = lock_current(customer_ids)
    take_notices_of(current, now)
    score_customers(current, now)
    refresh_customers(current, now)
    return len(current)


def _start_over(job: RunningJob, position: Position) -> JobResult:
    result = refresh_all(job)
    _keep(position)
    return result


def _position() -> Position | None:
    row = ChangePosition.objects.filter(pk=_READER).first()
    return Position(row.number, row.customer_id) if row else None


def _keep(position: Position) -> None:
    ChangePosition.objects.update_or_create(
        pk=_READER, defaults={"number": position.number, "customer_id": position.customer_id}
    )
