"""One job after the other: what a worker does with each, and what becomes of a job whose worker is gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection

from crm.desk.facts.refresh import refresh_facts
from crm.desk.refresh import record_refresh
from crm.jobs.engine import add_due, add_schedules, forget_gone, run_next, take_up
from crm.jobs.kind import JobFailed, JobResult, Kind, Lane, RunningJob
from crm.jobs.kinds import KINDS
from crm.jobs.schedule import Daily
from crm.models import CustomerFacts, Job, JobSchedule, Tag, Worker
from crm.queue import JobChanged, cancel_job, enqueue, pause_job, resume_job, run_again
from customers import clock
from customers.models import CustomerChange
from tests.clocks import clock_at
from tests.factories import make_customer, make_job, make_worker

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def kinds(run: Callable[[RunningJob], JobResult], **options: object) -> dict[str, Kind]:
    kind = Kind(name="test", title="Test", about="A test", run=run, **options)  # type: ignore[arg-type]
    return {"test": kind}


def tag(job: RunningJob) -> JobResult:
    Tag.objects.create(name=f"tag {Tag.objects.count()}")
    return JobResult("Tagged", problems=2)


def tag_and_fail(job: RunningJob) -> JobResult:
    tag(job)
    raise ZeroDivisionError("a secret")


def test_a_job_runs_once_and_says_what_it_did() -> None:
    enqueue("test", {"a": 1})
    worker = make_worker()
    assert run_next(worker, kinds(tag), Lane.QUICK) is False
    assert run_next(worker, kinds(tag), Lane.LONG) is True
    assert run_next(worker, kinds(tag), Lane.LONG) is False
    job = Job.objects.get()
    assert (job.state, job.result, job.problems, job.attempt) == ("done", "Tagged", 2, 1)
    assert Tag.objects.count() == 1


def test_a_job_waits_for_its_time() -> None:
    with clock_at(NOON):
        enqueue("test", after=NOON + timedelta(minutes=5))
        assert not run_next(make_worker(), kinds(tag), Lane.LONG)
    with clock_at(NOON + timedelta(minutes=5)):
        assert run_next(make_worker(), kinds(tag), Lane.LONG)


def test_one_with_a_key_waits_and_one_runs() -> None:
    for _ in range(3):
        enqueue("test", key="k")
    assert Job.objects.count() == 1
    seen = []

    def look(job: RunningJob) -> JobResult:
        enqueue("test", key="k")
        seen.append(run_next(make_worker(), kinds(tag), Lane.LONG))
        return JobResult("")

    run_next(make_worker(), kinds(look), Lane.LONG)
    assert seen == [False]
    assert run_next(make_worker(), kinds(tag), Lane.LONG)


def test_what_fails_is_undone_and_tried_again_with_growing_pauses() -> None:
    worker = make_worker()
    pauses, now = [], NOON
    with clock_at(now):
        enqueue("test")
    for _ in range(3):
        with clock_at(now):
            assert run_next(worker, kinds(tag_and_fail, is_atomic=True, attempts=3), Lane.LONG)
            job = Job.objects.get()
            pauses.append((job.run_after - now).total_seconds() / 60)
            now = job.run_after
    assert pauses == [1, 5, 0]
    assert job.state == "failed"
    assert (
        job.error == "An unexpected error stopped it (ZeroDivisionError). The server's log has the details."
    )
    assert len(job.log) == 3
    assert "secret" not in str(job.log)
    assert Tag.objects.count() == 0


def test_work_that_is_found_while_it_runs_and_fails_waits_for_the_next_attempt() -> None:
    wanted: dict[str, Kind] = {}

    def fail(job: RunningJob) -> JobResult:
        # As the thread that keeps the schedule does meanwhile.
        add_due(wanted, NOON)
        raise ZeroDivisionError

    wanted |= kinds(fail, is_wanted=lambda now: True)
    for seconds in range(5):
        with clock_at(NOON + timedelta(seconds=seconds)):
            add_due(wanted, NOON)
            run_next(make_worker(), wanted, Lane.LONG)
    job = Job.objects.get()
    assert (job.state, job.attempt, job.run_after) == ("waiting", 1, NOON + timedelta(minutes=1))


def test_what_is_paused_is_not_requested_again() -> None:
    wanted = kinds(tag, is_wanted=lambda now: True)
    add_due(wanted, NOON)
    pause_job(str(Job.objects.get().pk))
    add_due(wanted, NOON)
    assert Job.objects.get().state == "paused"


def test_a_job_that_waits_already_takes_over() -> None:
    def fail(job: RunningJob) -> JobResult:
        enqueue("test", key="k")
        raise ZeroDivisionError

    enqueue("test", key="k")
    run_next(make_worker(), kinds(fail), Lane.LONG)
    assert sorted(Job.objects.values_list("state", flat=True)) == ["failed", "waiting"]
    paused = make_job(key="k", state="paused")
    with pytest.raises(JobChanged, match="waits already"):
        resume_job(str(paused.pk))


def test_what_can_not_be_done_is_not_tried_again() -> None:
    def fail(job: RunningJob) -> JobResult:
        raise JobFailed("There is no such file.")

    enqueue("test")
    run_next(make_worker(), kinds(fail), Lane.LONG)
    job = Job.objects.get()
    assert (job.state, job.error) == ("failed", "There is no such file.")
    run_again(str(job.pk))
    assert run_next(make_worker(), kinds(tag), Lane.LONG)
    assert Job.objects.get().state == "done"


@pytest.mark.parametrize(("decide", "state"), [(pause_job, "paused"), (cancel_job, "canceled")])
def test_a_person_stops_a_job_at_its_next_step(decide: Callable[[str], Job], state: str) -> None:
    def work(job: RunningJob) -> JobResult:
        job.progress(1, 3)
        decide(job.id)
        job.progress(2, 3)
        raise AssertionError("the job went on")

    enqueue("test")
    run_next(make_worker(), kinds(work), Lane.LONG)
    job = Job.objects.get()
    assert (job.state, job.done, job.total) == (state, 1, 3)
    if state == "paused":
        resume_job(str(job.pk))
        assert run_next(make_worker(), kinds(tag), Lane.LONG)
    with pytest.raises(JobChanged):
        pause_job(str(job.pk))


def test_a_worker_that_stops_leaves_the_job_to_the_next() -> None:
    def work(job: RunningJob) -> JobResult:
        job.progress(1)
        raise AssertionError("the job went on")

    enqueue("test")
    run_next(make_worker(), kinds(work), Lane.LONG, lambda: True)
    job = Job.objects.get()
    assert (job.state, job.attempt, job.error) == ("waiting", 0, "")


def test_the_job_of_a_worker_that_is_gone_is_taken_up_and_its_late_end_does_not_count() -> None:
    worker = make_worker()

    def sleep(job: RunningJob) -> JobResult:
        Worker.objects.update(seen_at=NOON - timedelta(seconds=61))
        assert take_up(kinds(tag), NOON) == 1
        assert run_next(make_worker(), kinds(tag), Lane.LONG)
        return JobResult("Too late")

    with clock_at(NOON):
        enqueue("test")
        run_next(worker, kinds(sleep), Lane.LONG)
    job = Job.objects.get()
    assert (job.state, job.result, job.attempt) == ("done", "Tagged", 2)
    assert [line for _, line in job.log] == ["The process that ran this job stopped."]
    assert Tag.objects.count() == 1


def test_the_rows_of_workers_that_are_gone_are_deleted_once_they_hold_no_job() -> None:
    lately, long_ago = NOON - timedelta(seconds=59), NOON - timedelta(seconds=61)
    busy, alive, _ = (make_worker(seen_at=moment) for moment in (long_ago, lately, long_ago))
    make_job(state="running", worker=busy)
    forget_gone(NOON)
    assert set(Worker.objects.all()) == {busy, alive}
    take_up(kinds(tag), NOON)
    forget_gone(NOON)
    assert Worker.objects.get() == alive


def test_the_jobs_of_a_worker_that_is_there_are_left_to_it() -> None:
    make_job(state="running", worker=make_worker(seen_at=NOON - timedelta(seconds=59)))
    assert take_up(kinds(tag), NOON) == 0


def test_a_job_that_kills_its_worker_is_given_up() -> None:
    make_job(state="running", attempt=5)
    assert take_up(kinds(tag), NOON) == 1
    assert Job.objects.get().state == "failed"


def test_after_a_night_without_workers_a_due_job_runs_once() -> None:
    nightly = kinds(tag, schedule=Daily(time(2)))
    add_schedules(nightly, NOON)
    runs = []
    for moment in (
        NOON,
        NOON,
        NOON + timedelta(hours=13),
        NOON + timedelta(days=3),
        NOON + timedelta(days=3),
    ):
        with clock_at(moment):
            add_due(nightly, moment)
            runs.append(run_next(make_worker(), nightly, Lane.LONG))
    assert runs == [True, False, False, True, False]
    JobSchedule.objects.update(is_paused=True)
    add_due(nightly, NOON + timedelta(days=9))
    assert not Job.objects.filter(state="waiting").exists()


def test_work_that_others_left_is_found_and_its_many_runs_are_not_kept() -> None:
    left = [True]
    wanted = kinds(tag, is_wanted=lambda now: left[0])
    for hours in (0, 1, 2):
        with clock_at(NOON + timedelta(hours=hours, minutes=hours)):
            add_due(wanted, NOON)
            add_due(wanted, NOON)
            assert run_next(make_worker(), wanted, Lane.LONG)
            assert not run_next(make_worker(), wanted, Lane.LONG)
    assert Job.objects.count() == 1
    left[0] = False
    add_due(wanted, NOON)
    assert Job.objects.count() == 1


def test_the_data_check_logs_what_it_finds() -> None:
    customer = make_customer()
    refresh_facts([str(customer.pk)])
    record_refresh(clock.now())
    CustomerFacts.objects.update(health_score=1)
    CustomerChange.objects.all().delete()
    enqueue("doctor")
    assert run_next(make_worker(), KINDS, Lane.LONG)
    job = Job.objects.get()
    assert (job.state, job.problems) == ("done", 1)
    assert job.log[0][1].startswith(f"{customer.pk} (")
    assert "manage.py" not in job.log[0][1]


def test_the_nightly_cleanup_updates_the_statistics_of_sqlite() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL updates its statistics by itself")
    make_customer()
    enqueue("retention")
    assert run_next(make_worker(), KINDS, Lane.LONG)
    assert Job.objects.get().state == "done"
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'customers_customer'")
        assert cursor.fetchone()[0] > 0
