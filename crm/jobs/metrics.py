"""The state of this installation in figures, for who watches over it: workers, jobs, checks, messages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from crm.desk.refresh import FACTS
from crm.jobs.backups import BACKUP
from crm.jobs.data_check import DOCTOR
from crm.models import DeskRefresh, Job, OutgoingEmail, WebhookDelivery, Worker

_DAY = timedelta(days=1)


def state_in_figures(now: datetime) -> Iterator[Metric]:
    """Gauges of the state at `now`, each read by an index. What never happened has no figure."""
    yield GaugeMetricFamily(
        "clientele_workers", "Workers seen within the last minute.", Worker.objects.alive(now).count()
    )
    yield from _jobs(now)
    yield from _last_check(now)
    if settings.BACKUP_DIR:
        yield _age("clientele_backup_age", "Since the last backup.", _last_end(BACKUP), now)
    refresh = DeskRefresh.objects.filter(name=FACTS).values_list("finished_at", flat=True).first()
    yield _age("clientele_refresh_age", "Since lists and the worklist were last refreshed.", refresh, now)
    messages = GaugeMetricFamily(
        "clientele_messages_due", "Emails to users and webhook deliveries to send now.", labels=["kind"]
    )
    messages.add_metric(["email"], OutgoingEmail.objects.due(now).count())
    messages.add_metric(["webhook"], WebhookDelivery.objects.due(now).count())
    yield messages


def _jobs(now: datetime) -> Iterator[Metric]:
    active = dict(Job.objects.active().order_by().values_list("state").annotate(number=Count("pk")))
    jobs = GaugeMetricFamily("clientele_jobs", "Jobs that are not over, by state.", labels=["state"])
    for state in (Job.State.WAITING, Job.State.RUNNING, Job.State.PAUSED):
        jobs.add_metric([state], active.get(state, 0))
    yield jobs
    oldest = Job.objects.due(now).order_by().aggregate(oldest=Min("run_after"))["oldest"]
    waits = 0.0 if oldest is None else (now - oldest).total_seconds()
    yield GaugeMetricFamily(
        "clientele_job_wait_seconds", "How long the oldest job that is due has waited.", waits, unit="seconds"
    )
    failed = Job.objects.filter(ended_at__gte=now - _DAY, state=Job.State.FAILED).count()
    yield GaugeMetricFamily("clientele_jobs_failed", "Jobs that failed within the last day.", failed)


def _last_check(now: datetime) -> Iterator[Metric]:
    """What the job that checks ledger, invoices and customers for contradictions found last."""
    checks = Job.objects.filter(kind=DOCTOR, state=Job.State.DONE).order_by("-ended_at")
    last = checks.only("ended_at", "problems").first()
    found = GaugeMetricFamily(
        "clientele_data_check_findings", "Contradictions that the last data check found."
    )
    if last is not None:
        found.add_metric([], last.problems)
    yield found
    yield _age(
        "clientele_data_check_age", "Since the last data check.", None if last is None else last.ended_at, now
    )


def _last_end(kind: str) -> datetime | None:
    done = Job.objects.filter(kind=kind, state=Job.State.DONE).order_by("-ended_at")
    return done.values_list("ended_at", flat=True).first()


def _age(name: str, meaning: str, moment: datetime | None, now: datetime) -> Metric:
    gauge = GaugeMetricFamily(name, meaning, unit="seconds")
    if moment is not None:
        gauge.add_metric([], (now - moment).total_seconds())
    return gauge
