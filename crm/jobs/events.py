"""The jobs that tell users and webhooks what happened."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from crm.jobs.kind import JobResult, RunningJob
from crm.jobs.refresh import REVENUE
from crm.jobs.reports import REPORT_FIGURES
from crm.jobs.sending import send_all
from crm.models import ChangePosition, WebhookDelivery
from crm.notifications.due import record_due
from crm.notifications.events import handle_events
from crm.queue import enqueue
from crm.webhooks.deliveries import endpoints_by_event, queue_changes, send_next
from customers import clock
from customers.changes import Expired, changes_after, has_changes_after, present
from customers.formats import counted
from customers.models import Event, EventKind

_READER = "webhooks"
#: Changes in one message.
_BATCH = 500


def events_wait(now: datetime) -> bool:
    """Whether there are unhandled events."""
    return Event.objects.unhandled().exists()


def tell_of_events(job: RunningJob) -> JobResult:
    """Notify users, and queue deliveries of webhooks. After an import, request the figures that are kept by the hour."""
    if Event.objects.unhandled().filter(kind=EventKind.IMPORT_DONE).exists():
        for kind in (REVENUE, REPORT_FIGURES):
            enqueue(kind, key=kind)
    return JobResult(f"{counted(handle_events(), 'event')} handled")


def tell_of_due(job: RunningJob) -> JobResult:
    """Record what time made due, and remind users of their tasks."""
    return JobResult(f"{counted(record_due(clock.now()), 'thing')} due")


def changes_wait(now: datetime) -> bool:
    """Whether customers changed since webhooks were told of changes, and one wants to know."""
    if not endpoints_by_event().get(EventKind.CUSTOMER_CHANGED):
        return False
    position = ChangePosition.objects.of(_READER)
    return position is None or has_changes_after(position)


def tell_of_changes(job: RunningJob) -> JobResult:
    """Queue messages with the customers that changed."""
    told = 0
    while more := _tell_of_changes():
        told += more
        job.progress(told)
    return JobResult(f"{counted(told, 'change')} told")


@transaction.atomic
def _tell_of_changes() -> int:
    endpoints = endpoints_by_event().get(EventKind.CUSTOMER_CHANGED, [])
    position = ChangePosition.objects.of(_READER)
    if position is None or not endpoints:
        # Webhooks are told what changes from now on.
        ChangePosition.objects.keep(_READER, present())
        return 0
    try:
        found = changes_after(position, _BATCH)
    except Expired as expired:
        ChangePosition.objects.keep(_READER, expired.now)
        return 0
    if found.changes:
        queue_changes(found.changes, endpoints)
    ChangePosition.objects.keep(_READER, found.next)
    return len(found.changes)


def deliveries_wait(now: datetime) -> bool:
    """Whether deliveries are due."""
    return WebhookDelivery.objects.due(now).exists()


def send_webhooks(job: RunningJob) -> JobResult:
    """Send the deliveries that are due."""
    return send_all(job, send_next, _failure, "message")


def _failure(delivery: WebhookDelivery) -> str:
    return f"{delivery.kind} wasn't delivered to {delivery.endpoint}: {delivery.error}"
