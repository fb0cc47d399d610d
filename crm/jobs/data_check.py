"""The job that checks the data for contradictions."""

from __future__ import annotations

from crm.doctor import CHECKS
from crm.jobs.kind import JobResult, RunningJob
from customers.formats import counted


def check_data(job: RunningJob) -> JobResult:
    """Run all checks of `doctor`, without mending anything. The log names what was found."""
    found = 0
    for number, check in enumerate(CHECKS, start=1):
        for finding in check.run(lambda rows: None, fix=False):
            found += 1
            job.say(f"{finding.row} ({finding.name}): {finding.what}.")
        job.progress(number, len(CHECKS))
    return JobResult(f"{counted(len(CHECKS), 'check')} run", found)
