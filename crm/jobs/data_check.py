"""The job that checks the data for contradictions."""

from __future__ import annotations

from billing.doctor import Finding
from crm.doctor import CHECKS
from crm.jobs.kind import JobResult, RunningJob
from customers.formats import counted

#: The kind of this job.
DOCTOR = "doctor"


def check_data(job: RunningJob) -> JobResult:
    """Run all checks of `doctor`, without mending anything. The log names what was found."""
    found = 0
    for number, check in enumerate(CHECKS, start=1):
        for finding in check.run(lambda rows: None, fix=False):
            found += 1
            job.say(finding_in_words(finding))
        job.progress(number, len(CHECKS))
    return JobResult(checks_in_words(), found)


def checks_in_words() -> str:
    """What was done."""
    return f"{counted(len(CHECKS), 'check')} run"


def finding_in_words(finding: Finding) -> str:
    """A line of the log."""
    return f"{finding.row} ({finding.name}): {finding.what}."
