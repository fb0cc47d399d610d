"""The job that seals the audit log."""

from __future__ import annotations

from crm.jobs.kind import JobResult, RunningJob
from customers.audit.chain import seal_entries
from customers.formats import counted


def seal_audit(job: RunningJob) -> JobResult:
    """Seal all entries that wait, a batch in each transaction."""
    sealed = 0
    while count := seal_entries():
        sealed += count
        job.progress(sealed)
    return JobResult(f"Sealed {counted(sealed, 'entry', 'entries')}" if sealed else "Nothing to seal")
