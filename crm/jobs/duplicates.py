"""The job that compares all customers."""

from __future__ import annotations

from collections.abc import Callable

from crm.dedupe.duplicates.review import Recorded, record
from crm.dedupe.duplicates.sweep import swept
from crm.jobs.kind import JobResult, RunningJob
from customers.formats import counted

#: The kind of this job.
DUPLICATES = "duplicates"


def sweep_duplicates(job: RunningJob) -> JobResult:
    """Compare all customers and bring the review queue up to date."""

    def step(label: str, total: int) -> Callable[[int], object]:
        done = 0
        job.say(f"{label.capitalize()}: {total:,}")

        def tell(more: int) -> None:
            nonlocal done
            done += more
            if more > 1 or done % 1000 == 0:
                job.progress(done, total)

        return tell

    with swept(step=step) as sweep:
        recorded = record(sweep.pairs())
    return JobResult(pairs_in_words(recorded))


def pairs_in_words(recorded: Recorded) -> str:
    """What a sweep left in the queue."""
    return f"{counted(recorded.waiting, 'pair')} to review, {recorded.new:,} new"
