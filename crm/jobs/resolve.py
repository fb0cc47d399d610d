"""The job that follows a change of the order in which sources are trusted."""

from __future__ import annotations

from collections.abc import Sequence

from crm.desk.batches import in_batches, lock_current
from crm.jobs.kind import JobResult, RunningJob
from customers.bulk import update_rows
from customers.formats import counted
from customers.ingest.precedence import ORDERED, resolve
from customers.models import Customer

#: The kind of this job.
RESOLVE = "resolve"

_BATCH = 200
_REASON = "The order of sources changed"


def resolve_all(job: RunningJob) -> JobResult:
    """Set the fields with an order of sources, except locked ones, to what the records of each customer say now."""
    current = Customer.objects.current().order_by("pk")
    total = current.count()
    keys = map(str, current.values_list("pk", flat=True).iterator(chunk_size=_BATCH))
    done = changed = failed = 0
    for step in in_batches(keys, _BATCH, _resolve, "resolve"):
        done += len(step.customer_ids)
        changed += step.value or 0
        failed += len(step.customer_ids) if step.value is None else 0
        job.progress(done, total)
    return JobResult(f"{counted(changed, 'customer')} of {counted(total, 'customer')} changed", failed)


def _resolve(customer_ids: Sequence[str]) -> int:
    customers = Customer.objects.filter(pk__in=lock_current(customer_ids)).prefetch_related("source_records")
    changed = [customer for customer in customers if resolve(customer, ORDERED)]
    update_rows(changed, list(ORDERED), reason=_REASON)
    return len(changed)
