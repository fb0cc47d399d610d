"""The job that deletes what is kept for a time only."""

from __future__ import annotations

from datetime import datetime, timedelta

from crm.desk.spreadsheets.exports import delete_old_exports
from crm.imports.resumable import delete_abandoned_uploads
from crm.imports.store import delete_old_files
from crm.jobs.kind import JobResult, RunningJob
from crm.models import Job, Notification, OutgoingEmail, WebhookDelivery
from customers import clock
from customers.changes import delete_changes
from customers.configuration.kinds import Setting
from customers.configuration.table import (
    CHANGES_KEPT_DAYS,
    IMPORTS_KEPT_DAYS,
    JOBS_KEPT_DAYS,
    MESSAGES_KEPT_DAYS,
)
from customers.configuration.values import value_of
from customers.formats import counted, listed
from customers.models import Event
from customers.statistics import update_statistics

#: The kind of this job.
RETENTION = "retention"

#: How long events are kept: their keys prevent that someone is told of the same trial again.
_KEEP_EVENTS = timedelta(days=180)
_MANY = {"notification or message": "notifications or messages"}


def delete_old(job: RunningJob) -> JobResult:
    """Delete exports, changes and ended jobs that are past their time, and update SQLite's statistics."""
    now = clock.now()
    exports = delete_old_exports(now)
    files = delete_old_files(now - _days(IMPORTS_KEPT_DAYS)) + delete_abandoned_uploads(now)
    job.progress(1, 4)
    changes = delete_changes(now - _days(CHANGES_KEPT_DAYS))
    job.progress(2, 4)
    jobs, _ = Job.objects.ended().filter(ended_at__lt=now - _days(JOBS_KEPT_DAYS)).order_by().delete()
    told = _delete_told(now)
    update_statistics()
    found = [
        (exports, "export"),
        (files, "imported file"),
        (changes, "change"),
        (jobs, "job"),
        (told, "notification or message"),
    ]
    parts = [counted(number, noun, _MANY.get(noun, "")) for number, noun in found if number]
    return JobResult(f"Deleted {listed(parts)}" if parts else "Nothing to delete")


def _days(setting: Setting[int]) -> timedelta:
    return timedelta(days=value_of(setting))


def _delete_told(now: datetime) -> int:
    before = now - _days(MESSAGES_KEPT_DAYS)
    gone = [
        Notification.objects.filter(at__lt=before).delete(),
        OutgoingEmail.objects.filter(made_at__lt=before).delete(),
        WebhookDelivery.objects.filter(made_at__lt=before).delete(),
        Event.objects.filter(at__lt=now - _KEEP_EVENTS).delete(),
    ]
    return sum(count for count, _ in gone)
