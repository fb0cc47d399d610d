"""What time makes due: invoices past due, trials that end soon, tasks and their reminders."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from billing.models import Invoice, Subscription
from crm.models import NotificationKind, Task
from crm.models.preferences import time_zone_of
from crm.notify import notify
from customers.events import new_event, record_events
from customers.models import EventKind

#: How far back invoices are looked at: after an import, those that were late before it are no news.
_LATELY = timedelta(days=3)
#: The earliest hour of a user's day at which they are told about tasks.
_MORNING = 7
_DAY = timedelta(days=1)


@transaction.atomic
def record_due(now: datetime) -> int:
    """Record what became due lately, and notify users of their due tasks; each once. Returns how much is due."""
    invoices = Invoice.objects.overdue(now).filter(due_at__gt=now - _LATELY)
    events = [
        new_event(
            EventKind.INVOICE_PAST_DUE,
            str(invoice.customer_id),
            str(invoice.pk),
            key=f"past_due:{invoice.pk}:{invoice.due_at:%Y-%m-%d}",
            invoice_id=str(invoice.pk),
        )
        for invoice in invoices
    ]
    events += [
        new_event(
            EventKind.TRIAL_ENDING,
            str(trial.customer_id),
            str(trial.pk),
            key=f"trial:{trial.pk}:{trial.trial_ends_at:%Y-%m-%d}",
            subscription_id=str(trial.pk),
        )
        for trial in Subscription.objects.trial_ending_soon(now)
    ]
    record_events(events)
    return len(events) + _tell_of_tasks(now)


def _tell_of_tasks(now: datetime) -> int:
    days = [(now + each).date() for each in (-_DAY, timedelta(), _DAY)]
    tasks = Task.objects.open().filter(Q(due_on__in=days) | Q(reminder_on__in=days), owner__is_active=True)
    return sum(
        _tell_of_task(task, now)
        for task in tasks.select_related("owner__preferences", "customer").order_by("pk")
    )


def _tell_of_task(task: Any, now: datetime) -> int:
    local = now.astimezone(time_zone_of(task.owner) or timezone.get_default_timezone())
    today = local.date()
    if local.hour < _MORNING or today not in (task.due_on, task.reminder_on):
        return 0
    told = notify(
        NotificationKind.TASK_DUE,
        [task.owner_id],
        "A task is due today" if task.due_on == today else "Reminder of a task",
        customer=task.customer,
        detail=task.title,
        key=f"{task.pk}:{today}",
    )
    return len(told)
