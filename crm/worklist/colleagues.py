"""What somebody is to do, and where somebody was named by a colleague."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time

from django.utils.timezone import localdate, make_aware

from crm.models import Mention, Task
from crm.worklist.reason import Batch, Reason, Rule, customer_page, days

TASK = Rule("task_due", "Task due", "Something is to be done by today, or was to be.", "crm.view_task")
MENTION = Rule("mention", "Mentioned", "A colleague named somebody in a note.", "crm.view_note")

_TASK_WEIGHT, _MOST_FOR_DELAY = 35, 25
_MENTION_WEIGHT = 35


def due_tasks(batch: Batch) -> Iterator[Reason]:
    """Open tasks whose day has come, for whoever is to do them. In one query."""
    today = localdate(batch.at)
    for task in Task.objects.due_by(today).filter(customer_id__in=batch.customer_ids).soonest_first():
        if task.due_on is None:
            continue
        late = (today - task.due_on).days
        yield Reason(
            customer_id=str(task.customer_id),
            rule=TASK.name,
            key=f"{task.pk}:{task.due_on}",
            words=f"task “{task.title}” {f'{days(late)} overdue' if late else 'due today'}",
            weight=_TASK_WEIGHT + min(late, _MOST_FOR_DELAY),
            since=make_aware(datetime.combine(task.due_on, time.min)),
            link=f"{customer_page(str(task.customer_id))}#section-tasks",
            person_id=task.owner_id,
        )


def mentions(batch: Batch) -> Iterator[Reason]:
    """Notes that name a colleague who has not seen them, for that colleague. In one query."""
    unseen = Mention.objects.unseen().filter(note__customer_id__in=batch.customer_ids)
    for mention in unseen.select_related("user", "note__author").order_by("made_at", "pk"):
        author = mention.note.author
        yield Reason(
            customer_id=str(mention.note.customer_id),
            rule=MENTION.name,
            key=str(mention.pk),
            words=f"{author or 'somebody'} named {mention.user} in a note: {mention.note}",
            weight=_MENTION_WEIGHT,
            since=mention.made_at,
            link=f"{customer_page(str(mention.note.customer_id))}#section-notes",
            person_id=mention.user_id,
        )
