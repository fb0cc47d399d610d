"""Activities, notes and tasks of the demo's account managers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.timezone import localdate

from crm.models import Activity, Contact, Note, Relationship, Task
from crm.notes import mention_colleagues

#: Accounts of each account manager that get some.
_ACCOUNTS = 8


@dataclass(frozen=True, slots=True)
class DemoConversation:
    """An activity, or a note if `kind` is empty, from `days` ago."""

    days: int
    kind: str
    text: str
    is_pinned: bool = False


@dataclass(frozen=True, slots=True)
class DemoTask:
    """A task added `days` ago, due in `due` days, with a reminder in `reminder` days, completed `done` days ago."""

    days: int
    title: str
    due: int
    reminder: int | None = None
    done: int | None = None


_CONVERSATIONS: tuple[tuple[DemoConversation | DemoTask, ...], ...] = (
    (
        DemoConversation(2, "call", "They open a second office in spring and want **ten more seats** by then."),
        DemoConversation(2, "", "Decides: the head of finance. Never call before ten.", is_pinned=True),
        DemoTask(2, "Send an offer for ten more seats", 1),
        DemoConversation(34, "meeting", "Went through the first half of the year:\n\n- content with the support\n- misses *single sign-on*"),
    ),
    (
        DemoConversation(9, "mail", "Asked for the last three invoices as one file."),
        DemoTask(9, "Send the invoices as one file", -2),
        DemoConversation(12, "", "@{colleague}, you know their head of purchasing. Would you join the next call?"),
    ),
    (
        DemoConversation(20, "call", "The trial goes well; two teams use it every day. Price is not the question, the start date is."),
        DemoTask(20, "Ask when they want to start", 12, reminder=5),
        DemoTask(41, "Set up the trial", -38, done=39),
    ),
    (
        DemoConversation(75, "meeting", "Renewed for a year. The next talk must be about usage, not price."),
        DemoConversation(75, "", "### Agreed\n\n1. a review every quarter\n2. prices stay until the next renewal\n\n> We stay as long as it stays simple."),
        DemoTask(75, "Prepare the quarterly review", 0),
    ),
)  # fmt: skip


@transaction.atomic
def start_conversations(now: datetime) -> bool:
    """Create the activities, notes and tasks. Creates nothing and returns False if there are any activities."""
    if Activity.objects.exists():
        return False
    people = list(User.objects.filter(username__in=("manager", "admin")).order_by("-username"))
    for person, colleague in zip(people, reversed(people), strict=True):
        owned = Relationship.objects.owned_by(person).filter(customer__merged_into=None)
        for number, relationship in enumerate(owned.order_by("crm_id", "pk")[:_ACCOUNTS]):
            for each in _CONVERSATIONS[number % len(_CONVERSATIONS)]:
                _write(each, relationship.customer, person, colleague, now)
    return True


def _write(
    each: DemoConversation | DemoTask, customer: Any, person: User, colleague: User, now: datetime
) -> None:
    at = now - timedelta(days=each.days)
    if isinstance(each, DemoTask):
        today = localdate(now)
        task = Task(
            customer=customer,
            title=each.title,
            owner=person,
            created_by=person,
            created_at=at,
            due_on=today + timedelta(days=each.due),
            reminder_on=None if each.reminder is None else today + timedelta(days=each.reminder),
        )
        _save(task, person, at)
        if each.done is not None:
            task.done_at, task.done_by = now - timedelta(days=each.done), person
            _save(task, person, task.done_at)
    elif each.kind:
        contact = Contact.objects.filter(customer=customer).order_by("position", "pk").first()
        activity = Activity(
            customer=customer,
            kind=each.kind,
            summary=each.text,
            happened_at=at,
            created_at=at,
            logged_by=person,
            person=contact.person if contact else None,
        )
        _save(activity, person, at)
    else:
        body = each.text.format(colleague=colleague.username)
        note = Note(customer=customer, body=body, author=person, is_pinned=each.is_pinned, created_at=at)
        _save(note, person, at)
        mention_colleagues(note)


def _save(row: Any, person: User, at: datetime) -> None:
    """Save with a history row by `person` at `at`."""
    row._history_user, row._history_date = person, at
    row.save()
