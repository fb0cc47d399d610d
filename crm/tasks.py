"""Add, complete, reopen and reassign tasks."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction

from crm.models import NotificationKind, Task
from crm.notify import name_of, notify
from crm.survivors import lock_survivor
from customers import clock
from customers.models import Customer


@transaction.atomic
def add_task(
    customer: Customer,
    title: str,
    *,
    by: Any,
    owner: Any = None,
    due_on: date | None = None,
    reminder_on: date | None = None,
    body: str = "",
) -> Task:
    """Add a task for the customer, or for its survivor if it has been merged. Without `owner` it is assigned to `by`."""
    task = Task(
        customer=lock_survivor(customer),
        title=title,
        body=body,
        due_on=due_on,
        reminder_on=reminder_on,
        owner=owner or by,
        created_by=by,
    )
    _save(task, by)
    tell_assignee(task, by=by)
    return task


@transaction.atomic
def complete_task(task: Task, *, by: Any) -> bool:
    """Complete a task; False if it is already done."""
    locked = Task.objects.select_for_update().get(pk=task.pk)
    if locked.done_at is not None:
        return False
    locked.done_at, locked.done_by = clock.now(), by
    _save(locked, by)
    return True


@transaction.atomic
def reopen_task(task: Task, *, by: Any) -> bool:
    """Reopen a task; False if it is open."""
    locked = Task.objects.select_for_update().get(pk=task.pk)
    if locked.done_at is None:
        return False
    locked.done_at = locked.done_by = None
    _save(locked, by)
    return True


@transaction.atomic
def reassign_task(task: Task, to: Any, *, by: Any) -> bool:
    """Assign a task to the user `to`; False if it is already theirs, or is done."""
    locked = Task.objects.select_for_update().get(pk=task.pk)
    if locked.done_at is not None or locked.owner_id == to.pk:
        return False
    locked.owner = to
    _save(locked, by)
    tell_assignee(locked, by=by)
    return True


def tell_assignee(task: Task, *, by: Any) -> None:
    """Notify the assignee of a task that `by` has just assigned."""
    notify(
        NotificationKind.ASSIGNED,
        [task.owner_id],
        f"{name_of(by)} assigned you a task",
        actor=by,
        customer=task.customer,
        detail=task.title,
    )


def _save(task: Any, by: Any) -> None:
    task._history_user = by
    task.save()
