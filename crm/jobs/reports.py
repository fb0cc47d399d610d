"""The job that keeps the figures of reports."""

from __future__ import annotations

from crm.jobs.kind import JobResult, RunningJob
from crm.reports.refresh import refresh_figures
from customers.formats import counted

#: The kind of this job.
REPORT_FIGURES = "report_figures"


def refresh_report_figures(job: RunningJob) -> JobResult:
    """Keep what is due, work done and usage for the reports."""
    done = refresh_figures(job.progress)
    return JobResult(
        f"{counted(done.due, 'amount')} due, {counted(done.work, 'monthly figure')} of work,"
        f" usage of {counted(done.usage, 'customer')} computed"
    )
