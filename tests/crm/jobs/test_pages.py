"""The pages of jobs: what each user sees and may do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.jobs.engine import add_schedules
from crm.jobs.kinds import KINDS
from crm.models import Job, JobSchedule
from customers import clock
from tests.factories import make_job, make_user, make_worker

pytestmark = pytest.mark.django_db


def client_of(role: str, **fields: Any) -> Client:
    client = Client()
    client.force_login(make_user(role, **fields))
    return client


def ended(**fields: Any) -> Job:
    now = clock.now()
    return make_job(**{"state": "done", "started_at": now - timedelta(seconds=72), "ended_at": now, **fields})


def test_the_page_shows_what_runs_what_failed_and_what_ran() -> None:
    client = client_of("Administrator")
    assert "No background worker has been started" in client.get(reverse("jobs")).content.decode()
    add_schedules(KINDS, clock.now())
    make_job(kind="write_export", subject="status Active", state="running", done=24, total=27)
    ended(kind="renew", result="3 customers renewed", problems=1)
    ended(kind="duplicates", state="failed", error="The disk is full.")
    ended(kind="follow_changes", result="1 customer refreshed")
    make_worker()
    page = client.get(reverse("jobs")).content.decode()
    for text in (
        "Export: status Active",
        "88%",
        "24 of 27",
        "Partly done",
        "3 customers renewed, 1 problem",
        "1 min 12 s",
        "<b>Duplicate check failed.</b> The disk is full.",
        "1 worker running",
        "Every 5 minutes",
    ):
        assert text in page
    assert "1 customer refreshed" not in page


def test_the_page_costs_as_much_with_many_jobs_as_with_one() -> None:
    client = client_of("Administrator")
    add_schedules(KINDS, clock.now())
    user = make_user()

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            client.get(reverse("jobs"))
        return len(seen)

    for kind in ("renew", "write_export"):
        ended(kind=kind, requested_by=user)
    make_job(state="running", requested_by=user)
    one = queries()
    for kind in KINDS:
        ended(kind=kind, requested_by=user)
        make_job(kind=kind, state="running", requested_by=user)
    assert queries() == one


def test_a_person_runs_switches_pauses_and_repeats_jobs() -> None:
    client = client_of("Billing operations")
    add_schedules(KINDS, clock.now())
    for _ in range(2):
        client.post(reverse("job-run", args=["renew"]))
    assert [job.kind for job in Job.objects.all()] == ["renew"]
    client.post(reverse("job-switch", args=["renew"]), {"on": "0"})
    assert JobSchedule.objects.get(pk="renew").is_paused
    client.post(reverse("job-switch", args=["renew"]), {"on": "1"})
    assert not JobSchedule.objects.get(pk="renew").is_paused
    job = Job.objects.get()
    for verb, state in (
        ("pause", "paused"),
        ("resume", "waiting"),
        ("cancel", "canceled"),
        ("again", "waiting"),
    ):
        client.post(reverse("job-decide", args=[job.pk, verb]))
        assert Job.objects.get().state == state
    answer = client.post(reverse("job-decide", args=[job.pk, "resume"]), follow=True)
    assert "The job just changed. Reload the page." in answer.content.decode()
    assert client.post(reverse("job-run", args=["write_export"])).status_code == 404
    assert client.get(reverse("job-run", args=["renew"])).status_code == 405


def test_others_see_only_what_they_requested() -> None:
    viewer = make_user("Viewer")
    client = Client()
    client.force_login(viewer)
    mine, other = ended(kind="write_export", subject="mine", requested_by=viewer), ended(subject="theirs")
    page = client.get(reverse("jobs")).content.decode()
    assert "Export: mine" in page
    assert "theirs" not in page
    assert client.get(reverse("job", args=[mine.pk])).status_code == 200
    assert client.get(reverse("job", args=[other.pk])).status_code == 404
    assert client.get(reverse("job", args=["job_x"])).status_code == 404
    assert client.post(reverse("job-run", args=["renew"])).status_code == 403


def test_the_history_goes_back_page_by_page() -> None:
    client = client_of("Administrator")
    assert "No runs found" in client.get(reverse("job-history")).content.decode()
    now = clock.now()
    # All at one moment: the order of their IDs goes on.
    for number in range(51):
        ended(kind="renew", result=f"run {number};", ended_at=now)
    answer = client.get(reverse("job-history"))
    assert "run 50;" in answer.content.decode()
    assert "run 0;" not in answer.content.decode()
    older = client.get(f"{reverse('job-history')}?{answer.context['next']}").content.decode()
    assert "run 0;" in older
    assert "run 1;" not in older
    assert "No runs found" in client.get(reverse("job-history"), {"state": "failed"}).content.decode()
    assert (
        client.get(
            reverse("job-history"), {"before": "9999-12-31T23:59:59-23:59", "kind": "y", "last": "z"}
        ).status_code
        == 200
    )


def test_one_job_shows_its_log() -> None:
    client = client_of("Administrator")
    add_schedules(KINDS, clock.now())
    job = ended(kind="renew", result="1 renewed", log=[[clock.now().isoformat(), "cus_1 was left unchanged"]])
    page = client.get(reverse("job", args=[job.pk])).content.decode()
    assert "cus_1 was left unchanged" in page
    assert "every 2s" not in page
    waiting = make_job(kind="write_export")
    page = client.get(reverse("job", args=[waiting.pk])).content.decode()
    assert "No background worker is running." in page
    assert "every 2s" in page
