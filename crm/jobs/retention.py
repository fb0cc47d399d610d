"""The job that deletes what is kept for a time only."""

from __future__ import annotations

from datetime import timedelta

from crm.desk.spreadsheets.exports import delete_old_exports
from crm.jobs.kind import JobResult, RunningJob
from crm.models import Job
from customers import clock
from customers.changes import delete_changes
from customers.configuration.table import CHANGES_KEPT_DAYS
from customers.configuration.values import value_of
from customers.formats import counted, listed

#: How long ended jobs are kept.
KEEP_JOBS = timedelta(days=30)


def delete_old(job: RunningJob) -> JobResult:
    """Delete exports, changes and ended jobs that are past their time."""
    now = clock.now()
    exports = delete_old_exports(now)
    job.progress(1, 3)
    changes = delete_changes(now - timedelta(days=value_of(CHANGES_KEPT_DAYS)))
    job.progress(2, 3)
    jobs, _ = Job.objects.ended().filter(ended_at__lt=now - KEEP_JOBS).order_by().delete()
    found = [(exports, "export"), (changes, "change"), (jobs, "job")]
    parts = [counted(number, noun) for number, noun in found if number]
    return JobResult(f"Deleted {listed(parts)}" if parts else "Nothing to delete")
