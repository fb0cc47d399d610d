"""The job that renews customers."""

from __future__ import annotations

from billing.subscriptions import RenewalCounts, RenewalFailure, renew
from crm.jobs.kind import JobResult, RunningJob
from customers import clock
from customers.formats import counted

#: The kind of this job.
RENEW = "renew"


def renew_due(job: RunningJob) -> JobResult:
    """Apply everything that is due at all customers."""
    total, done, failed = RenewalCounts(), 0, 0
    for batch in renew(clock.now(), done_by=RENEW):
        total.add(batch.counts)
        done += batch.done
        for failure in batch.failures:
            failed += 1
            job.say(failure_in_words(failure))
        job.progress(done, batch.due)
    return JobResult(renewed_in_words(total), failed)


def failure_in_words(failure: RenewalFailure) -> str:
    """A line of the log."""
    return f"{failure.customer_id} was left unchanged: {failure.reason}"


def renewed_in_words(total: RenewalCounts) -> str:
    """What renewals did."""
    if not total.customers:
        return "Nothing was due"
    words = [f"{counted(total.customers, 'customer')} renewed"]
    words += [f"{counted(total.invoices, 'invoice')} issued"] if total.invoices else []
    words += [f"{counted(total.past_due, 'invoice')} past due"] if total.past_due else []
    return ", ".join(words)
