"""What the pages of jobs show of a job, a schedule and the workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, Subquery
from django.urls import reverse

from crm.jobs.kinds import KINDS, RECORDED
from crm.models import Job, JobSchedule, Worker
from crm.queue import cancel_job, pause_job, resume_job, run_again
from customers import clock
from customers.formats import ago, counted, duration, number, when

_SOON = timedelta(minutes=1)

TITLES = {**{name: kind.title for name, kind in KINDS.items()}, **RECORDED}

_COLORS = {
    Job.State.RUNNING: "info",
    Job.State.WAITING: "",
    Job.State.PAUSED: "warn",
    Job.State.DONE: "good",
    Job.State.FAILED: "bad",
    Job.State.CANCELED: "",
}

#: What a person may do with a job in each state: verb, words on the button, and in the message afterwards.
VERBS: Mapping[str, tuple[Callable[[str], Job], str, str]] = {
    "pause": (pause_job, "Pause", "Paused"),
    "resume": (resume_job, "Resume", "Resumed"),
    "cancel": (cancel_job, "Cancel", "Canceled"),
    "again": (run_again, "Run again", "Requested again:"),
}
_OFFERED = {
    Job.State.RUNNING: ("pause", "cancel"),
    Job.State.WAITING: ("pause", "cancel"),
    Job.State.PAUSED: ("resume", "cancel"),
    Job.State.FAILED: ("again",),
    Job.State.CANCELED: ("again",),
    Job.State.DONE: (),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """A job as a line of a page."""

    id: str
    url: str
    title: str
    state: str
    color: str
    detail: str
    percent: int | None
    progress: str
    started: str
    ended: Any
    took: str
    buttons: list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleLine:
    """A kind of job that runs by itself, and its last run."""

    kind: str
    title: str
    about: str
    schedule: str
    is_on: bool
    next_run: str
    last: JobLine | None
    retry: str


def title_of(job: Job) -> str:
    """`Export: status Active`."""
    title = TITLES.get(job.kind, job.kind.replace("_", " ").capitalize())
    return f"{title}: {job.subject}" if job.subject else title


def schedule_lines(may_decide: bool, now: datetime) -> list[ScheduleLine]:
    newest = Job.objects.ended().filter(kind=OuterRef("kind")).exclude(state=Job.State.CANCELED)
    retried = Job.objects.filter(kind=OuterRef("kind"), state=Job.State.WAITING).exclude(error="")
    rows = list(
        JobSchedule.objects.annotate(
            last_job=Subquery(newest.values("pk")[:1]), retried_at=Subquery(retried.values("run_after")[:1])
        )
    )
    found = Job.objects.select_related("requested_by").in_bulk([row.last_job for row in rows if row.last_job])
    by_kind = {job.kind: job for job in found.values()}
    lines = []
    for row in rows:
        kind = KINDS.get(row.kind)
        if kind is None:
            continue
        last = by_kind.get(row.kind)
        lines.append(
            ScheduleLine(
                kind=kind.name,
                title=kind.title,
                about=kind.about,
                schedule=str(kind.schedule),
                is_on=not row.is_paused,
                next_run="" if row.is_paused else _next(row.next_at, now),
                last=line_of(last, may_decide, now) if last else None,
                retry=ago(row.retried_at, now) if row.retried_at else "",
            )
        )
    return sorted(lines, key=lambda line: list(KINDS).index(line.kind))


def line_of(job: Job, may_decide: bool, now: datetime) -> JobLine:
    is_partly = job.state == Job.State.DONE and job.problems > 0
    share = min(100, job.done * 100 // job.total) if job.total else None
    is_active = job.state in {Job.State.RUNNING, Job.State.PAUSED}
    end = job.ended_at or (now if job.state == Job.State.RUNNING else None)
    detail = job.error or job.result
    if is_partly:
        detail = f"{detail}, {counted(job.problems, 'problem')}"
    if job.command:
        detail = f"{detail.rstrip('.')}, by command {job.command}"
    return JobLine(
        id=str(job.pk),
        url=reverse("job", args=[job.pk]),
        title=title_of(job),
        state="Partly done" if is_partly else job.get_state_display(),
        color="warn" if is_partly else _COLORS[Job.State(job.state)],
        detail=detail,
        percent=share if is_active else None,
        progress=f"{number(job.done)} of {number(job.total)}" if is_active and job.total else "",
        started=_started(job, now),
        ended=when(job.ended_at) if job.ended_at else "",
        took=duration(end - job.started_at) if end and job.started_at else "",
        # No worker does what a command did itself.
        buttons=[(verb, VERBS[verb][1]) for verb in _OFFERED[Job.State(job.state)]]
        if may_decide and job.kind in KINDS
        else [],
    )


def _next(at: datetime, now: datetime) -> str:
    return ago(at, now) if at - now >= _SOON else "now"


def _started(job: Job, now: datetime) -> str:
    who = f" by {job.requested_by}" if job.requested_by else ""
    if job.state == Job.State.WAITING:
        if job.error:
            return f"{job.error} Next attempt {ago(job.run_after, now)}."
        return f"Requested{who} {ago(job.created_at, now)}"
    return f"Started{who} {ago(job.started_at or job.created_at, now)}"


def facts_of(job: Job) -> list[tuple[str, Any]]:
    facts: list[tuple[str, Any]] = [
        (
            "Requested by",
            str(job.requested_by or (f"Command {job.command}" if job.command else "Schedule or command")),
        ),
        ("Requested", when(job.created_at)),
    ]
    if job.state == Job.State.WAITING:
        facts.append(("Runs", when(max(job.run_after, clock.now()))))
    if job.started_at:
        facts.append(("Started", when(job.started_at)))
    if job.ended_at:
        facts.append(("Ended", when(job.ended_at)))
        if job.started_at:
            facts.append(("Duration", duration(job.ended_at - job.started_at)))
    if job.attempt > 1:
        facts.append(("Attempts", number(job.attempt)))
    if job.worker:
        facts.append(("Worker", str(job.worker)))
    return facts


def pulse(now: datetime) -> tuple[str, str]:
    """The color and the words for whether jobs run at all."""
    last = Worker.objects.order_by("-seen_at").first()
    if last is None:
        return "bad", "No background worker has been started"
    if not Worker.objects.alive(now).exists():
        return "bad", f"No background worker is running, last seen {ago(last.seen_at, now)}"
    seconds = max(0, int((now - last.seen_at).total_seconds()))
    running = counted(Worker.objects.alive(now).count(), "worker")
    return "good", f"{running} running, seen {counted(seconds, 'second')} ago"
