"""Work that single commands do, as cron runs them, is on the pages of jobs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse

from crm.desk.refresh import record_refresh
from crm.jobs.engine import add_schedules
from crm.jobs.kinds import KINDS
from crm.jobs.lines import TITLES, facts_of, line_of
from crm.management.commands import renew as renewals
from crm.models import CustomerFacts, Job
from customers import clock
from customers.models import CustomerChange
from tests.desk import refresh_all_facts
from tests.factories import make_customer, make_segment, make_subscription

pytestmark = pytest.mark.django_db


def run(*command: str) -> Job:
    """Run a command, and return the only job that is then recorded."""
    call_command(*command, stdout=StringIO(), stderr=StringIO())
    return Job.objects.get()


def test_renewals_by_cron_are_a_run_like_those_of_a_worker(admin_client: Client) -> None:
    now = clock.now()
    make_subscription(current_period_end=now - timedelta(hours=1), canceled_at=now - timedelta(days=1))
    job = run("renew")
    assert (job.kind, job.state, job.command, job.result) == ("renew", "done", "renew", "1 customer renewed")
    assert job.started_at is not None
    add_schedules(KINDS, now)
    page = admin_client.get(reverse("jobs")).content.decode()
    assert "1 customer renewed, by command renew" in page
    assert "Command renew" in admin_client.get(reverse("job", args=[job.pk])).content.decode()


def test_a_dry_run_is_no_run() -> None:
    call_command("renew", dry_run=True, stdout=StringIO())
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("command", "kind", "result"),
    [
        (["renew"], "renew", "Nothing was due"),
        (["refresh_desk"], "refresh", "1 customer refreshed"),
        (["find_duplicates"], "duplicates", "0 pairs to review, 0 new"),
        (["prune_changes"], "prune_changes", "Deleted 0 changes"),
        (
            ["export_segment", "All of them", "--output", "{folder}/all.csv"],
            "export_segment",
            "1 customer exported",
        ),
    ],
)
def test_each_command_that_does_the_work_of_a_job_is_recorded(
    command: list[str], kind: str, result: str, tmp_path: Path
) -> None:
    make_customer()
    make_segment(name="All of them")
    job = run(*(part.format(folder=tmp_path) for part in command))
    assert (job.kind, job.command, job.result, job.problems) == (kind, command[0], result, 0)
    assert job.kind in TITLES


def test_a_command_does_not_hide_that_the_cleanup_failed(admin_client: Client) -> None:
    now = clock.now()
    add_schedules(KINDS, now)
    Job.objects.create(kind="retention", state="failed", error="The disk is full.", ended_at=now)
    call_command("prune_changes", stdout=StringIO())
    page = admin_client.get(reverse("jobs"))
    assert [line.title for line in page.context["failures"]] == ["Cleanup"]


@contextmanager
def jobs_fail() -> Iterator[None]:
    """Fail as a database does that is not migrated yet or can't be written."""

    def refuse(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith('INSERT INTO "crm_job"'):
            raise OperationalError("no column named command")
        return execute(sql, *rest)

    with connection.execute_wrapper(refuse):
        yield


@pytest.mark.parametrize(
    "command",
    [
        "doctor",
        "renew",
        "prune_changes",
        pytest.param("backup", marks=pytest.mark.django_db(transaction=True)),
    ],
)
def test_a_run_that_cannot_be_recorded_is_a_warning(command: str, tmp_path: Path) -> None:
    refresh_all_facts()
    record_refresh(clock.now())
    out, err = StringIO(), StringIO()
    with jobs_fail():
        call_command(command, *([str(tmp_path)] if command == "backup" else []), stdout=out, stderr=err)
    assert out.getvalue()
    assert "not listed under Jobs, because the database failed: no column named command." in err.getvalue()
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("problem", "error"),
    [
        (KeyboardInterrupt(), "Stopped."),
        (OperationalError("disk I/O error"), "The database failed: disk I/O error."),
    ],
)
def test_a_renewal_that_stops_is_recorded_as_failed(
    problem: BaseException, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(now: Any, **options: Any) -> Any:
        raise problem

    monkeypatch.setattr(renewals, "renew", stop)
    with pytest.raises(CommandError):
        call_command("renew", dry_run=True)
    assert not Job.objects.exists()
    with pytest.raises(CommandError):
        call_command("renew")
    job = Job.objects.get()
    assert (job.kind, job.state, job.error, job.command) == ("renew", "failed", error, "renew")


def test_a_job_in_words_says_who_requested_it() -> None:
    now = clock.now()
    ended = Job(kind="import", state="failed", error="No record could be read.", command="import_customers")
    assert line_of(ended, False, now).detail == "No record could be read, by command import_customers"
    # Commands of earlier versions left no name, and events request jobs as well.
    assert dict(facts_of(Job(kind="renew", state="done")))["Requested by"] == "Schedule or command"


def test_what_the_doctor_finds_is_in_the_log_of_the_run() -> None:
    customer = make_customer(name="Acme")
    refresh_all_facts()
    record_refresh(clock.now())
    CustomerChange.objects.all().delete()
    CustomerFacts.objects.update(plans=["old"])
    with pytest.raises(CommandError):
        run("doctor")
    job = Job.objects.get()
    assert (job.kind, job.command, job.problems) == ("doctor", "doctor", 1)
    assert job.log[0][1] == f"{customer.pk} (Acme): plans is old, but should be nothing."


def test_what_only_a_command_does_is_not_offered_to_a_worker() -> None:
    now = clock.now()
    buttons = {
        kind: line_of(Job.objects.create(kind=kind, state=Job.State.FAILED, ended_at=now), True, now).buttons
        for kind in ("import", "renew")
    }
    assert buttons == {"import": [], "renew": [("again", "Run again")]}
