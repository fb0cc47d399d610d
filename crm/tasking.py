"""Add tasks, do them, hand them over."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction

from crm.models import Task
from customers import clock
from customers.models import Customer


def add_task(
    customer: Customer, title: str, *, by: Any, owner: Any = None, due_on: date | None = None, body: str = ""
) -> Task:
    """Add something to do; without an owner, for whoever adds it."""
    return Task.objects.create(
        customer=customer, title=title, body=body, due_on=due_on, owner=owner or by, created_by=by
    )


@transaction.atomic
def complete_task(task: Task, *, by: Any) -> bool:
    """Note that a task is done, by whom; False if it was done before."""
    held = Task.objects.select_for_update().get(pk=task.pk)
    if held.done_at is not None:
        return False
    held.done_at, held.done_by = clock.now(), by
    held.save(update_fields=["done_at", "done_by"])
    return True


@transaction.atomic
def reopen_task(task: Task) -> bool:
    """Note that a task is not done after all; False if it was not."""
    held = Task.objects.select_for_update().get(pk=task.pk)
    if held.done_at is None:
        return False
    held.done_at = held.done_by = None
    held.save(update_fields=["done_at", "done_by"])
    return True
