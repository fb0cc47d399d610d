"""The pages of jobs: what runs, what failed, the schedule, what ran, and one job with its log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from crm.jobs.kinds import KINDS, RECORDED
from crm.models import Job, JobSchedule, Worker
from crm.models.job import JobQuerySet
from crm.queue import JobChanged, cancel_job, enqueue, pause_job, resume_job, run_again
from customers import clock
from customers.formats import ago, counted, duration, moment, number, when

SEE, DECIDE = "crm.view_job", "crm.change_job"
_RECENT = 10
_PAGE = 50
_MOST_ACTIVE = 20
_SOON = timedelta(minutes=1)

_COLORS = {
    Job.State.RUNNING: "info",
    Job.State.WAITING: "",
    Job.State.PAUSED: "warn",
    Job.State.DONE: "good",
    Job.State.FAILED: "bad",
    Job.State.CANCELED: "",
}

#: What a person may do with a job in each state: verb, words on the button, and in the message afterwards.
_VERBS: Mapping[str, tuple[Callable[[str], Job], str, str]] = {
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


def jobs_page(request: HttpRequest) -> HttpResponse:
    """What runs now, what failed, the schedule, and the last runs, in a fixed number of queries."""
    jobs = _visible(request)
    now = clock.now()
    may_decide = request.user.has_perm(DECIDE)
    active = jobs.active().select_related("requested_by").order_by("state", "run_after", "pk")
    recent = jobs.ended().exclude(kind__in=_FREQUENT, state=Job.State.DONE).select_related("requested_by")
    schedule = _schedule(may_decide, now) if request.user.has_perm(SEE) else []
    context = {
        **admin.site.each_context(request),
        "title": "Jobs",
        "active": [
            _line(job, may_decide, now) for job in active.exclude(kind__in=_FREQUENT, error="")[:_MOST_ACTIVE]
        ],
        "failures": [line for line in schedule if line.last and line.last.color == "bad"],
        "schedule": schedule,
        "recent": [_line(job, may_decide, now) for job in recent[:_RECENT]],
        "pulse": _pulse(now),
        "may_decide": may_decide,
    }
    return TemplateResponse(request, "crm/jobs/jobs.html", context)


def all_jobs_page(request: HttpRequest) -> HttpResponse:
    """Ended jobs, the last one first, a page at a time."""
    jobs = _visible(request).ended().select_related("requested_by")
    kind, state = request.GET.get("kind", ""), request.GET.get("state", "")
    jobs = jobs.filter(kind=kind) if kind in KINDS or kind in RECORDED else jobs
    jobs = jobs.filter(state=state) if state in Job.ENDED else jobs
    if before := _moment(request.GET.get("before", "")):
        jobs = jobs.filter(ended_at__lt=before)
    found = list(jobs[: _PAGE + 1])
    context = {
        **admin.site.each_context(request),
        "title": "Job history",
        "lines": [_line(job, False, clock.now()) for job in found[:_PAGE]],
        "kinds": sorted((title, name) for name, title in _TITLES.items()),
        "states": [(each.value, each.label) for each in Job.ENDED],
        "kind": kind,
        "state": state,
        "next": found[_PAGE - 1].ended_at.isoformat() if len(found) > _PAGE else "",  # type: ignore[union-attr]
    }
    return TemplateResponse(request, "crm/jobs/history.html", context)


def job_page(request: HttpRequest, job_id: str) -> HttpResponse:
    """One job: how far it is or how it ended, and its log."""
    job = _one(request, job_id)
    line = _line(job, request.user.has_perm(DECIDE), clock.now())
    context = {
        **admin.site.each_context(request),
        "title": line.title,
        "line": line,
        "job": job,
        "facts": _facts(job),
        "log": [(moment(datetime.fromisoformat(at)), text) for at, text in reversed(job.log)],
        "is_active": job.state not in Job.ENDED,
        "waits_for_worker": job.state == Job.State.WAITING and not Worker.objects.alive(clock.now()).exists(),
    }
    return TemplateResponse(request, "crm/jobs/job.html", context)


def job_decide(request: HttpRequest, job_id: str, verb: str) -> HttpResponse:
    """Pause, resume, cancel or repeat a job."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    job = _one(request, job_id)
    if verb not in _VERBS:
        raise Http404("There is no such action.")
    if not request.user.has_perm(DECIDE) and job.requested_by_id != request.user.pk:
        raise PermissionDenied
    act, _, done = _VERBS[verb]
    try:
        act(job_id)
    except JobChanged as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, f"{done} {title_of(job)}.")
    return _back(request)


def job_run(request: HttpRequest, kind: str) -> HttpResponse:
    """Run a scheduled job now."""
    _decides(request, kind)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    enqueue(kind, key=kind, by=request.user)
    messages.success(request, f"Requested {KINDS[kind].title}.")
    return _back(request)


def job_switch(request: HttpRequest, kind: str) -> HttpResponse:
    """Turn a schedule off or on. Turned on, the job runs next at its usual time."""
    _decides(request, kind)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    is_paused = request.POST.get("on") != "1"
    schedule = KINDS[kind].schedule
    if schedule is not None:
        next_at = schedule.after(clock.now())
        JobSchedule.objects.filter(pk=kind).update(is_paused=is_paused, next_at=next_at)
    messages.success(request, f"Turned {'off' if is_paused else 'on'} {KINDS[kind].title}.")
    return _back(request)


def title_of(job: Job) -> str:
    """`Export: status Active`."""
    title = _TITLES.get(job.kind, job.kind.replace("_", " ").capitalize())
    return f"{title}: {job.subject}" if job.subject else title


_TITLES = {**{name: kind.title for name, kind in KINDS.items()}, **RECORDED}
#: Kinds that run all the time: only their failures are worth a line.
_FREQUENT = [name for name, kind in KINDS.items() if kind.is_wanted is not None]


def _visible(request: HttpRequest) -> JobQuerySet:
    """All jobs, or those that the user requested."""
    if not request.user.is_authenticated:
        raise PermissionDenied
    jobs = Job.objects.all()
    return jobs if request.user.has_perm(SEE) else jobs.filter(requested_by=request.user)


def _one(request: HttpRequest, job_id: str) -> Job:
    try:
        job = _visible(request).select_related("requested_by", "worker").filter(pk=job_id).first()
    except ValidationError:
        job = None
    if job is None:
        raise Http404("There is no such job. It may be past its time.")
    return job


def _decides(request: HttpRequest, kind: str) -> None:
    if not request.user.has_perm(DECIDE):
        raise PermissionDenied
    if kind not in KINDS or KINDS[kind].schedule is None:
        raise Http404("There is no such job.")


def _back(request: HttpRequest) -> HttpResponse:
    """To the page that the button was on."""
    page = request.POST.get("next", "")
    return HttpResponseRedirect(page if page.startswith(reverse("jobs")) else reverse("jobs"))


def _schedule(may_decide: bool, now: datetime) -> list[ScheduleLine]:
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
                last=_line(last, may_decide, now) if last else None,
                retry=ago(row.retried_at, now) if row.retried_at else "",
            )
        )
    return sorted(lines, key=lambda line: list(KINDS).index(line.kind))


def _line(job: Job, may_decide: bool, now: datetime) -> JobLine:
    is_partly = job.state == Job.State.DONE and job.problems > 0
    share = min(100, job.done * 100 // job.total) if job.total else None
    is_active = job.state in {Job.State.RUNNING, Job.State.PAUSED}
    end = job.ended_at or (now if job.state == Job.State.RUNNING else None)
    detail = job.error or job.result
    if is_partly:
        detail = f"{detail}, {counted(job.problems, 'problem')}"
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
        buttons=[(verb, _VERBS[verb][1]) for verb in _OFFERED[Job.State(job.state)]] if may_decide else [],
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


def _facts(job: Job) -> list[tuple[str, Any]]:
    facts: list[tuple[str, Any]] = [
        ("Requested by", str(job.requested_by) if job.requested_by else "Schedule or command"),
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


def _pulse(now: datetime) -> tuple[str, str]:
    """The color and the words for whether jobs run at all."""
    last = Worker.objects.order_by("-seen_at").first()
    if last is None:
        return "bad", "No background worker has been started"
    if not Worker.objects.alive(now).exists():
        return "bad", f"No background worker is running, last seen {ago(last.seen_at, now)}"
    seconds = max(0, int((now - last.seen_at).total_seconds()))
    running = counted(Worker.objects.alive(now).count(), "worker")
    return "good", f"{running} running, seen {counted(seconds, 'second')} ago"


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None
