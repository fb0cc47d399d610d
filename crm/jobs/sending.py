"""Send everything that is due, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

from crm.jobs.kind import JobResult, RunningJob
from customers import clock
from customers.formats import counted


class Sent(Protocol):
    """A row that was sent. `error` says why it failed."""

    error: str


S = TypeVar("S", bound=Sent)


def send_all(
    job: RunningJob, send_next: Callable[[datetime], S | None], failure: Callable[[S], str], noun: str
) -> JobResult:
    """Send until nothing is due. Each row is tried once; one that fails waits for its next attempt.

    `failure` is the line of the log about a row that failed.
    """
    sent = failed = 0
    while (row := send_next(clock.now())) is not None:
        if row.error:
            failed += 1
            job.say(failure(row))
        else:
            sent += 1
        job.progress(sent + failed)
    return JobResult(f"{counted(sent, noun)} sent", failed)
