"""The queue of jobs: what a page, a command or another job asks for, and what a person decides about a job.

`crm.jobs` runs them. A job is a row, so it is requested in the caller's transaction: if that fails, so does the request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import Error as DatabaseProblem
from django.db import IntegrityError, transaction

from crm.models import Job
from customers import clock
from customers.cli import one_line

#: The kinds of work that only commands do. They differ from those of the jobs that do more, so that the page still shows
#: the last run of these.
IMPORT, PRUNE_CHANGES, EXPORT_SEGMENT = "import", "prune_changes", "export_segment"

#: Lines that the log of a job has at most.
MOST_LINES = 200
#: May decide about jobs of others.
DECIDE = "crm.change_job"


class JobChanged(Exception):
    """The job is no longer in a state that allows this. The message tells the user what to do."""


def enqueue(
    kind: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    subject: str = "",
    by: Any = None,
    key: str = "",
    after: datetime | None = None,
) -> None:
    """Request a job, to be run at `after` or now.

    With a `key`, nothing is added while a job of this kind and key waits. That job may run before the caller's
    transaction ends, so it must not be relied on to see what the caller writes: such work is found by a condition
    of its kind (`crm.jobs.kind.Kind.is_wanted`).
    """
    job = Job(
        kind=kind,
        arguments=dict(arguments or {}),
        subject=subject,
        requested_by=by,
        key=key,
        run_after=after or clock.now(),
    )
    Job.objects.bulk_create([job], ignore_conflicts=bool(key))


def record_run(
    kind: str,
    command: str,
    *,
    stderr: Any,
    started_at: datetime,
    result: str,
    problems: int = 0,
    error: str = "",
    subject: str = "",
    log: Sequence[str] = (),
) -> None:
    """Record work that a command did itself, so that the page of jobs shows it. Failed if there is an `error`.

    The work stands without the record, for instance on a database that is not migrated yet or can't be written. So if
    it can't be made, that is a warning on `stderr`.
    """
    now = clock.now()
    try:
        with transaction.atomic():
            Job.objects.create(
                kind=kind,
                command=command,
                subject=subject,
                state=Job.State.FAILED if error else Job.State.DONE,
                started_at=started_at,
                ended_at=now,
                result=result,
                problems=problems,
                error=error,
                log=[[now.isoformat(), line] for line in log[:MOST_LINES]],
            )
    except DatabaseProblem as problem:
        reason = one_line(str(problem).strip().partition("\n")[0])
        stderr.write(f"Warning: this run is not listed under Jobs, because the database failed: {reason}.")


def wait_again(job: Job, run_after: datetime) -> bool:
    """Let a job be taken again. False, and nothing is written, if one with its kind and key waits already.

    Runs inside the caller's transaction, which has locked the job.
    """
    job.state, job.run_after, job.worker = Job.State.WAITING, run_after, None
    try:
        with transaction.atomic():
            job.save(
                update_fields=(
                    *("state", "run_after", "worker", "attempt"),
                    *("error", "log", "ended_at", "problems"),
                )
            )
    # The constraint `job_waits_once`: another process may add one at any moment.
    except IntegrityError:
        return False
    return True


def may_decide(user: Any, job: Job) -> bool:
    """Whether a user may pause, resume, cancel and repeat a job: whose it is, and who decides about all of them."""
    return bool(job.requested_by_id == user.pk or user.has_perm(DECIDE))


@transaction.atomic
def pause_job(job_id: str) -> Job:
    """Hold a job that waits or runs. One that runs stops at its next step; what it did stays. Raises `JobChanged`."""
    job = _locked(job_id, {Job.State.WAITING, Job.State.RUNNING})
    job.state = Job.State.PAUSED
    job.save(update_fields=["state"])
    return job


@transaction.atomic
def resume_job(job_id: str) -> Job:
    """Let a paused job continue. Raises `JobChanged`."""
    return _wait(_locked(job_id, {Job.State.PAUSED}))


@transaction.atomic
def cancel_job(job_id: str) -> Job:
    """End a job that isn't over. One that runs stops at its next step; what it did stays. Raises `JobChanged`."""
    job = _locked(job_id, {Job.State.WAITING, Job.State.RUNNING, Job.State.PAUSED})
    job.state, job.ended_at = Job.State.CANCELED, clock.now()
    job.save(update_fields=["state", "ended_at"])
    return job


@transaction.atomic
def run_again(job_id: str) -> Job:
    """Request a failed or canceled job once more, with fresh attempts. Raises `JobChanged`."""
    job = _locked(job_id, {Job.State.FAILED, Job.State.CANCELED})
    job.attempt, job.error, job.ended_at, job.problems = 0, "", None, 0
    return _wait(job)


def _wait(job: Job) -> Job:
    if not wait_again(job, clock.now()):
        raise JobChanged("The same job waits already. Reload the page.")
    return job


def _locked(job_id: str, states: set[str]) -> Job:
    job = Job.objects.select_for_update().filter(pk=job_id).first()
    if job is None or job.state not in states:
        raise JobChanged("The job just changed. Reload the page.")
    return job
