"""Workers that are killed while they run jobs, for the tests of that."""

from __future__ import annotations

import os
import random
import secrets
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from unittest.mock import patch

from django.db import connection

from crm.jobs.kind import JobResult, Kind, RunningJob
from crm.jobs.worker import WorkerProcess
from crm.models import Job, Tag
from crm.models import job as job_models
from tests.processes import FORK, disconnect

#: In the tests a worker is gone sooner than after a minute.
_GONE = timedelta(seconds=2)
#: Seconds between two looks for work. Every fifth is a sign of life. With shorter ones, looking takes most of the time.
_PAUSE = 0.1
#: Seconds without any job that ends, after which something must be wrong.
_PATIENCE = 180


def _effect(job: RunningJob) -> JobResult:
    """Add a row for the job. The worker dies right after that in the first attempt, if the job says so."""
    Tag.objects.create(name=f"{job.id} {secrets.token_hex(4)}")
    if job.arguments.get("kills") and Job.objects.get(pk=job.id).attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return JobResult("Done")


def run_all(workers: int, *, is_atomic: bool, kill_every: int = 0) -> int:
    """Run all jobs with some workers, each replaced when it dies, and return how many died.

    With `kill_every`, one of them is also killed at random whenever so many jobs have ended: by the clock, a busy
    machine would kill each before it does anything.
    """
    kind = Kind(name="test", title="Test", about="", run=_effect, is_atomic=is_atomic, attempts=1000)

    def work() -> None:
        connection.settings_dict["OPTIONS"] = {**connection.settings_dict["OPTIONS"], "pool": False}
        process = WorkerProcess({"test": kind}, pause=_PAUSE)
        signal.signal(signal.SIGTERM, lambda number, frame: process.stop())
        process.run()

    chance, died, at_last_kill = random.Random(1), 0, Job.objects.active().count()
    with patch.object(job_models, "GONE_AFTER", _GONE):
        running = [_start(work) for _ in range(workers)]
        left, deadline = -1, 0.0
        while active := Job.objects.active().count():
            if active != left:
                left, deadline = active, time.monotonic() + _PATIENCE
            if time.monotonic() > deadline:
                for process in running:
                    process.kill()
                raise AssertionError(list(Job.objects.active().values("state", "attempt", "worker", "log")))
            connection.close()
            time.sleep(0.05)
            if kill_every and at_last_kill - active >= kill_every:
                at_last_kill = active
                chance.choice(running).kill()
            alive = [process for process in running if process.is_alive()]
            died += workers - len(alive)
            running = alive + [_start(work) for _ in range(workers - len(alive))]
        for process in running:
            process.terminate()
        for process in running:
            process.join()
    return died


def _start(work: Callable[[], None]) -> FORK.Process:  # type: ignore[name-defined]
    disconnect()
    process = FORK.Process(target=work)
    process.start()
    return process
