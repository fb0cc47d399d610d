"""Add tasks, do them, hand them over."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction

from crm.models import Task
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
    """Add something to do; without an owner, for whoever adds it.

    If the customer has meanwhile become part of another, it is to be done for that one.
    """
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
    return task


@transaction.atomic
def complete_task(task: Task, *, by: Any) -> bool:
    """Note that a task is done, by whom; False if it was done before."""
    held = Task.objects.select_for_update().get(pk=task.pk)
    if held.done_at is not None:
        return False
    held.done_at, held.done_by = clock.now(), by
    _save(held, by)
    return True


@transaction.atomic
def reopen_task(task: Task, *, by: Any) -> bool:
    """Note that a task is not done after all; False if it was not."""
    held = Task.objects.select_for_update().get(pk=task.pk)
    if held.done_at is None:
        return False
    held.done_at = held.done_by = None
    _save(held, by)
    return True


@transaction.atomic
def reassign_task(task: Task, to: Any, *, by: Any) -> bool:
    """Let the user `to` do a task; False if it was theirs already, or is done."""
    held = Task.objects.select_for_update().get(pk=task.pk)
    if held.done_at is not None or held.owner_id == to.pk:
        return False
    held.owner = to
    _save(held, by)
    return True


def _save(task: Any, by: Any) -> None:
    task._history_user = by
    task.save()
