"""The pages of jobs: what runs, what failed, the schedule, what ran, and one job with its log."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode

from crm.jobs.kinds import KINDS, RECORDED
from crm.jobs.lines import TITLES, VERBS, facts_of, line_of, pulse, schedule_lines, title_of
from crm.models import Job, JobSchedule, Worker
from crm.models.job import JobQuerySet
from crm.queue import DECIDE, JobChanged, enqueue, may_decide
from customers import clock
from customers.formats import moment
from customers.typed_ids import to_uuid

SEE = "crm.view_job"
_RECENT = 10
_PAGE = 50
_MOST_ACTIVE = 20


def jobs_page(request: HttpRequest) -> HttpResponse:
    """What runs now, what failed, the schedule, and the last runs, in a fixed number of queries."""
    jobs = _visible(request)
    now = clock.now()
    decides = request.user.has_perm(DECIDE)
    active = jobs.active().select_related("requested_by").order_by("state", "run_after", "pk")
    recent = jobs.ended().exclude(kind__in=_FREQUENT, state=Job.State.DONE).select_related("requested_by")
    schedule = schedule_lines(decides, now) if request.user.has_perm(SEE) else []
    context = {
        **admin.site.each_context(request),
        "title": "Jobs",
        "active": [
            line_of(job, decides, now) for job in active.exclude(kind__in=_FREQUENT, error="")[:_MOST_ACTIVE]
        ],
        "failures": [line for line in schedule if line.last and line.last.color == "bad"],
        "schedule": schedule,
        "recent": [line_of(job, decides, now) for job in recent[:_RECENT]],
        "pulse": pulse(now),
        "may_decide": decides,
    }
    return TemplateResponse(request, "crm/jobs/jobs.html", context)


def all_jobs_page(request: HttpRequest) -> HttpResponse:
    """Ended jobs, the last one first, a page at a time."""
    jobs = _visible(request).ended().select_related("requested_by")
    kind, state = request.GET.get("kind", ""), request.GET.get("state", "")
    jobs = jobs.filter(kind=kind) if kind in KINDS or kind in RECORDED else jobs
    jobs = jobs.filter(state=state) if state in Job.ENDED else jobs
    before, last = _moment(request.GET.get("before", "")), request.GET.get("last", "")
    if before is not None:
        same_moment = Q(ended_at=before, pk__lt=last) if to_uuid(last, ("job",)) else Q(pk__in=[])
        jobs = jobs.filter(Q(ended_at__lt=before) | same_moment)
    found = list(jobs[: _PAGE + 1])
    context = {
        **admin.site.each_context(request),
        "title": "Job history",
        "lines": [line_of(job, False, clock.now()) for job in found[:_PAGE]],
        "kinds": sorted((title, name) for name, title in TITLES.items()),
        "states": [(each.value, each.label) for each in Job.ENDED],
        "kind": kind,
        "state": state,
        "next": _page_after(found[_PAGE - 1]) if len(found) > _PAGE else "",
    }
    return TemplateResponse(request, "crm/jobs/history.html", context)


def job_page(request: HttpRequest, job_id: str) -> HttpResponse:
    """One job: how far it is or how it ended, and its log."""
    job = _one(request, job_id)
    line = line_of(job, request.user.has_perm(DECIDE), clock.now())
    context = {
        **admin.site.each_context(request),
        "title": line.title,
        "line": line,
        "job": job,
        "facts": facts_of(job),
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
    if verb not in VERBS:
        raise Http404("There is no such action.")
    if not may_decide(request.user, job):
        raise PermissionDenied
    act, _, done = VERBS[verb]
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


def _page_after(job: Job) -> str:
    return urlencode({"before": job.ended_at.isoformat() if job.ended_at else "", "last": job.pk})


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None
