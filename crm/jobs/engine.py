"""Run jobs: take one that is due, run it, and record how it ended.

A job is taken in a transaction of its own, so that each is run by one worker. When a worker is killed, another takes its
job up as soon as it was not seen for a minute. Each time a job is taken its attempt counts up: a worker that comes back
late finds another number, and can neither end the job nor continue it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from crm.jobs.kind import JobFailed, JobResult, JobStopped, Kind, Lane
from crm.jobs.schedule import Schedule
from crm.models import Job, JobSchedule, Worker
from crm.queue import MOST_LINES, enqueue, wait_again
from customers import clock
from customers.configuration.values import steady_settings
from customers.logs import log_failure, log_now

#: Pauses before the second, third … attempt. Later ones wait as long as the last.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480))

#: How long ended jobs of a kind that runs all the time are kept.
_KEEP_FREQUENT = timedelta(hours=1)

Kinds = Mapping[str, Kind]


class TakenJob:
    """A job that this worker runs (`crm.jobs.kind.RunningJob`)."""

    def __init__(self, job: Job, kind: Kind, is_stopping: Callable[[], bool]) -> None:
        self.job = job
        self.kind = kind
        self.id = str(job.pk)
        self.arguments: Mapping[str, Any] = job.arguments
        self.requested_by_id: int | None = job.requested_by_id
        self._is_stopping = is_stopping

    def progress(self, done: int, total: int = 0) -> None:
        """Show how far the job is. Raises `JobStopped`."""
        self.job.done, self.job.total = done, total
        if not self.kind.is_atomic and not self.mine().update(done=done, total=total, log=self.job.log):
            raise JobStopped
        if self._is_stopping():
            raise JobStopped

    def say(self, text: str) -> None:
        """Add a line to the log of the job."""
        self.job.log = [*self.job.log, [clock.now().isoformat(), text]][-MOST_LINES:]

    def mine(self) -> Any:
        """The job, if it still runs in this attempt."""
        return Job.objects.filter(pk=self.job.pk, state=Job.State.RUNNING, attempt=self.job.attempt)


def run_next(
    worker: Worker, kinds: Kinds, lane: Lane, is_stopping: Callable[[], bool] = lambda: False
) -> bool:
    """Take a job of this lane that is due and run it. Returns whether there was one."""
    names = [name for name, kind in kinds.items() if kind.lane == lane]
    job = _take(worker, names)
    if job is None:
        return False
    with steady_settings(fresh=True):
        _run(TakenJob(job, kinds[job.kind], is_stopping))
    return True


def add_due(kinds: Kinds, now: datetime) -> None:
    """Request the jobs that are due by their schedule, and those that find work.

    After a night without workers a job runs once, not once for each time that was missed.
    """
    for name, kind in kinds.items():
        if kind.is_wanted is not None and not _is_active(name) and kind.is_wanted(now):
            enqueue(name, key=name)
    for name, schedule in _due_by_schedule(kinds, now).items():
        with transaction.atomic():
            row = JobSchedule.objects.select_for_update(skip_locked=True).filter(
                pk=name, is_paused=False, next_at__lte=now
            )
            if row.first() is not None:
                enqueue(name, key=name)
                row.update(next_at=schedule.after(now))


def add_schedules(kinds: Kinds, now: datetime) -> None:
    """Add the schedules of new kinds, which run at once, and remove those of kinds that are gone."""
    scheduled = [name for name, kind in kinds.items() if kind.schedule is not None]
    JobSchedule.objects.exclude(kind__in=scheduled).delete()
    JobSchedule.objects.bulk_create(
        [JobSchedule(kind=name, next_at=now) for name in scheduled],
        ignore_conflicts=True,
    )


def take_up(kinds: Kinds, now: datetime) -> int:
    """Let jobs of workers that are gone be run again, and return how many."""
    if not Job.objects.left_behind(now).exists():
        return 0
    with transaction.atomic():
        left = list(Job.objects.left_behind(now).select_for_update(skip_locked=True, of=("self",)))
        for job in left:
            job.log = [*job.log, [now.isoformat(), "The process that ran this job stopped."]][-MOST_LINES:]
            kind = kinds.get(job.kind)
            if kind is None or job.attempt >= kind.attempts:
                _end(job, Job.State.FAILED, error="The process that ran this job stopped, again and again.")
            else:
                _wait(job, now)
    log_now("jobs_taken_up", jobs=len(left))
    return len(left)


def forget_gone(now: datetime) -> None:
    """Delete the rows of workers that are gone and have no running job.

    In a transaction of its own, which locks no running job: workers would deadlock.
    """
    running = Job.objects.filter(state=Job.State.RUNNING, worker=OuterRef("pk"))
    with transaction.atomic():
        idle = Worker.objects.gone(now).filter(~Exists(running))
        gone = [worker.pk for worker in idle.select_for_update(skip_locked=True)]
        Worker.objects.filter(pk__in=gone).delete()


def _due_by_schedule(kinds: Kinds, now: datetime) -> dict[str, Schedule]:
    due = JobSchedule.objects.filter(is_paused=False, next_at__lte=now)
    found = {name: kinds[name].schedule for name in due.values_list("kind", flat=True) if name in kinds}
    return {name: schedule for name, schedule in found.items() if schedule is not None}


def _is_active(name: str) -> bool:
    """Whether one waits, runs or is paused. One that failed waits for its next attempt, and is not overtaken."""
    return Job.objects.active().filter(kind=name, key=name).exists()


def _take(worker: Worker, names: Collection[str]) -> Job | None:
    now = clock.now()
    same = Job.objects.filter(kind=OuterRef("kind"), key=OuterRef("key"), state=Job.State.RUNNING)
    due = Job.objects.due(now).filter(Q(key="") | ~Exists(same), kind__in=names)
    # A look without a lock first: on SQLite every transaction is a writer, and workers look every second. In order,
    # because that goes through the index of waiting jobs, and `exists` through all jobs.
    if due.values("pk").first() is None:
        return None
    try:
        with transaction.atomic():
            job = due.select_for_update(skip_locked=True).first()
            if job is not None:
                job.state, job.worker, job.attempt = Job.State.RUNNING, worker, job.attempt + 1
                job.started_at = now
                job.save(update_fields=["state", "worker", "attempt", "started_at"])
            return job
    except IntegrityError:
        # Another worker has just taken the job before it with the same key (`job_runs_once`).
        return None


def _run(taken: TakenJob) -> None:
    try:
        if taken.kind.is_atomic:
            with transaction.atomic():
                if taken.mine().select_for_update().first() is None:
                    return
                _done(taken, taken.kind.run(taken))
        else:
            result = taken.kind.run(taken)
            with transaction.atomic():
                if taken.mine().select_for_update().first() is not None:
                    _done(taken, result)
    except JobStopped:
        with transaction.atomic():
            job = taken.mine().select_for_update().first()
            if job is not None:
                # The worker is stopping. This was no attempt.
                job.attempt, job.log = job.attempt - 1, taken.job.log
                _wait(job, clock.now())
    except JobFailed as problem:
        _fail(taken, str(problem), is_final=True)
    # Every other exception is caught, because a job may meet anything. It is logged, shown on the page of the job, and
    # the job is tried again.
    except Exception as problem:  # noqa: BLE001
        log_failure("job_failed", problem, job=taken.id, kind=taken.kind.name, attempt=taken.job.attempt)
        _fail(taken, _in_words(problem), is_final=False)


def _done(taken: TakenJob, result: JobResult) -> None:
    job = taken.job
    job.result, job.problems, job.error = result.text, result.problems, ""
    _end(job, Job.State.DONE)
    if taken.kind.is_wanted is not None:
        old = Job.objects.filter(kind=job.kind, state=Job.State.DONE)
        old.filter(ended_at__lt=clock.now() - _KEEP_FREQUENT).delete()


def _fail(taken: TakenJob, error: str, *, is_final: bool) -> None:
    with transaction.atomic():
        job = taken.mine().select_for_update().first()
        if job is None:
            return
        taken.say(error)
        job.log = taken.job.log
        if is_final or job.attempt >= taken.kind.attempts:
            _end(job, Job.State.FAILED, error=error)
        else:
            job.error = error
            _wait(job, clock.now() + PAUSES[min(job.attempt, len(PAUSES)) - 1])


def _wait(job: Job, run_after: datetime) -> None:
    """Let a job be taken again. If one with its key waits already, that one does the work."""
    if not wait_again(job, run_after):
        _end(job, Job.State.FAILED if job.error else Job.State.CANCELED, error=job.error)


def _end(job: Job, state: Job.State, *, error: str = "") -> None:
    job.state, job.ended_at, job.error, job.worker = state, clock.now(), error, None
    job.save(
        update_fields=[
            *("state", "ended_at", "error", "worker"),
            *("result", "problems", "log", "done", "total"),
        ]
    )


def _in_words(problem: Exception) -> str:
    # The message may quote what rows hold, so it is only in the log.
    if isinstance(problem, DatabaseError):
        return "The database failed. The server's log has the details."
    return f"An unexpected error stopped it ({type(problem).__name__}). The server's log has the details."
