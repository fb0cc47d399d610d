"""What `/metrics` says, and to whom."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from crm.models import Job, Worker
from crm.roles import ACCOUNT_MANAGER, ADMINISTRATOR
from customers import clock
from customers.models import ApiToken
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def figures(client: Client) -> dict[tuple[str, ...], float]:
    """The samples by their name and the values of their labels."""
    _, secret = ApiToken.issue(f"monitoring {ApiToken.objects.count()}", scopes=["monitoring"])
    response = client.get("/metrics", headers={"authorization": f"Bearer {secret}"})
    assert response.status_code == 200
    families = text_string_to_metric_families(response.content.decode())
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_requests_are_counted_by_part_and_status(client: Client) -> None:
    before = figures(client)
    client.get("/api/v1/customers")
    client.get("/api/v1/customers")
    client.get("/admin/desk/customers/")
    client.get("/nothing-here")
    after = figures(client)

    def more(part: str, status: str) -> float:
        name = ("clientele_request_seconds_count", part, status)
        return after[name] - before.get(name, 0)

    assert more("api", "4xx") == 2
    assert more("desk", "3xx") == 1
    assert more("other", "4xx") == 1


def test_jobs_and_the_last_check(client: Client) -> None:
    empty = figures(client)
    assert empty["clientele_workers",] == 0
    assert empty["clientele_job_wait_seconds",] == 0
    assert ("clientele_data_check_findings",) not in empty
    now = clock.now()
    Worker.objects.create(host="one", process=1, seen_at=now)
    Worker.objects.create(host="gone", process=2, seen_at=now - timedelta(minutes=5))
    Job.objects.create(kind="export", run_after=now - timedelta(seconds=90))
    Job.objects.create(kind="export", run_after=now + timedelta(days=1))
    Job.objects.create(kind="export", state="failed", ended_at=now - timedelta(hours=3))
    Job.objects.create(kind="export", state="failed", ended_at=now - timedelta(hours=30))
    Job.objects.create(kind="doctor", state="done", ended_at=now - timedelta(hours=2), problems=3)
    Job.objects.create(kind="doctor", state="done", ended_at=now - timedelta(hours=26), problems=1)
    found = figures(client)
    assert found["clientele_workers",] == 1
    assert found["clientele_jobs", "waiting"] == 2
    assert found["clientele_jobs_failed",] == 1
    assert 90 <= found["clientele_job_wait_seconds",] < 150
    assert found["clientele_data_check_findings",] == 3
    assert 7200 <= found["clientele_data_check_age_seconds",] < 7260


def test_who_may_read_them(client: Client) -> None:
    assert client.get("/metrics").status_code == 401
    _, secret = ApiToken.issue("warehouse", scopes=["payments", "billing", "catalog", "crm", "desk"])
    assert client.get("/metrics", headers={"authorization": f"Bearer {secret}"}).status_code == 403
    for role, status in ((ADMINISTRATOR, 200), (ACCOUNT_MANAGER, 403)):
        client.force_login(make_user(role))
        assert client.get("/metrics").status_code == status


def test_processes_that_share_a_directory_are_counted_together(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    count = (
        "import django; django.setup(); from config.metrics import RequestFiguresMiddleware;"
        "from django.http import HttpResponse; from django.test import RequestFactory;"
        "request = RequestFactory().get('/'); request.resolver_match = None;"
        "RequestFiguresMiddleware(lambda request: HttpResponse())(request)"
    )
    for _ in range(2):
        subprocess.run([sys.executable, "-c", count], env={**os.environ, **own}, check=True)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert figures(client)["clientele_request_seconds_count", "other", "2xx"] == 2
