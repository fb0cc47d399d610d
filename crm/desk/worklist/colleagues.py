"""Worklist rules: tasks that are due, and notes that mention the user."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time

from django.utils.timezone import localdate, make_aware

from crm.desk.worklist.reason import Reason, WorklistBatch, WorklistRule
from crm.models import Mention, Task
from customers.formats import counted, customer_url, user_name

TASK = WorklistRule(
    "task_due", "Task due", "A task is due today, or late.", "crm.view_task", action="View task"
)
MENTION = WorklistRule(
    "mention", "Mention", "A colleague mentioned you in a note.", "crm.view_note", action="View note"
)

_TASK_WEIGHT, _MOST_FOR_DELAY = 35, 25
_REMINDER_WEIGHT = 25
_MENTION_WEIGHT = 35


def due_tasks(batch: WorklistBatch) -> Iterator[Reason]:
    """Open tasks that are due, late or have a reminder due, for the users they are assigned to. One query."""
    today = localdate(batch.at)
    for task in Task.objects.due_by(today).filter(customer_id__in=batch.customer_ids).soonest_first():
        is_due = task.due_on is not None and task.due_on <= today
        since = task.due_on if is_due else task.reminder_on
        if since is None:
            continue
        late = (today - since).days if is_due else 0
        yield Reason(
            customer_id=str(task.customer_id),
            rule=TASK.name,
            key=f"{task.pk}:{since}" if is_due else f"{task.pk}:{since}:reminder",
            words=f"task “{task.title}” {_due(task.due_on, today)}",
            weight=(_TASK_WEIGHT if is_due else _REMINDER_WEIGHT) + min(late, _MOST_FOR_DELAY),
            since=make_aware(datetime.combine(since, time.min)),
            link=f"{customer_url(str(task.customer_id))}#section-tasks",
            person_id=task.owner_id,
        )


def _due(due_on: date | None, today: date) -> str:
    if due_on is None:
        return "is waiting"
    left = (due_on - today).days
    if left > 0:
        return f"due in {counted(left, 'day')}"
    return f"{counted(-left, 'day')} late" if left else "due today"


def mentions(batch: WorklistBatch) -> Iterator[Reason]:
    """Unseen mentions, for the users who were mentioned. One query."""
    unseen = Mention.objects.unseen().filter(note__customer_id__in=batch.customer_ids)
    for mention in unseen.select_related("user", "note__author").order_by("made_at", "pk"):
        author = mention.note.author
        yield Reason(
            customer_id=str(mention.note.customer_id),
            rule=MENTION.name,
            key=str(mention.pk),
            words=f"{user_name(author) or 'A colleague'} mentioned {user_name(mention.user)} in a note: {mention.note}",
            weight=_MENTION_WEIGHT,
            since=mention.made_at,
            link=f"{customer_url(str(mention.note.customer_id))}#section-notes",
            person_id=mention.user_id,
        )


RULES = (
    TASK,
    MENTION,
)
FINDERS = (
    due_tasks,
    mentions,
)
