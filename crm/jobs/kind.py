"""What a kind of job is, and what its function is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from crm.jobs.schedule import Schedule


class Lane(StrEnum):
    """Jobs of one lane run one after the other in a worker, beside those of other lanes."""

    #: Seconds at most: people wait for these.
    QUICK = "quick"
    #: Waits for servers of others, which may not answer.
    OUTSIDE = "outside"
    #: Minutes or hours.
    LONG = "long"


class JobFailed(Exception):
    """The job can't be done, and trying again wouldn't help. The message is shown to users."""


class JobStopped(Exception):
    """The job must stop here: it was paused or canceled, another worker has it, or the worker is stopping."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """What a job did, in words, and how many things it had to leave out."""

    text: str
    problems: int = 0


class RunningJob(Protocol):
    """A job that runs, as its function sees it."""

    id: str
    arguments: Mapping[str, Any]
    requested_by_id: int | None

    def progress(self, done: int, total: int = 0) -> None:
        """Show how far the job is. Call it between two steps: raises `JobStopped`."""

    def say(self, text: str) -> None:
        """Add a line to the log of the job. It is saved with the next progress, or at the end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of job.

    If `is_atomic`, its function runs in the transaction that ends the job, so that both happen or neither. Else the function
    commits as it goes, and must do no harm if it is run again from its start.
    `is_wanted` is asked every second: it finds work that other transactions left, such as rows to be sent.
    """

    name: str
    title: str
    about: str
    run: Callable[[RunningJob], JobResult]
    lane: Lane = Lane.LONG
    is_atomic: bool = False
    attempts: int = 5
    schedule: Schedule | None = None
    is_wanted: Callable[[datetime], bool] | None = None
