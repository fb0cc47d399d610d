"""Tasks, notes, and the form to log a call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.utils.safestring import SafeString
from django.utils.timezone import localdate

from crm.desk.form_fields import people_who_act
from crm.desk.pages.forms import ContactForm, NoteForm, TaskForm
from crm.desk.pages.overview.section import SHOWN, Section, first_rows, list_of
from crm.models import Contact, Note, Task
from customers import clock
from customers.formats import short_day, when
from customers.models import Customer


@dataclass(frozen=True, slots=True)
class TaskLine:
    """An open task. It may be reassigned to one of `assignees`."""

    task: Task
    due: str
    reminder: str
    is_overdue: bool
    assignees: Sequence[Any]


@dataclass(frozen=True, slots=True)
class NoteLine:
    note: Note
    written: SafeString | str


def contact_section(customer: Customer, contacts: list[Contact]) -> Section:
    return Section(
        key="contact",
        title="Log call",
        template="crm/desk/_log_contact.html",
        form=ContactForm(customer, contacts),
    )


def tasks_section(customer: Customer, *, may_add: bool, may_reassign: bool) -> Section | None:
    """Open tasks, soonest due first, and the form to add one."""
    rows = Task.objects.open().filter(customer=customer).select_related("owner").soonest_first()
    found = first_rows(rows)
    form = TaskForm() if may_add else None
    if not found and form is None:
        return None
    today = localdate(clock.now())
    people = list(people_who_act()) if found and may_reassign else []
    return Section(
        key="tasks",
        title="Tasks",
        lines=tuple(
            TaskLine(
                task=row,
                due=short_day(row.due_on) if row.due_on else "",
                reminder=short_day(row.reminder_on) if row.reminder_on else "",
                is_overdue=row.due_on is not None and row.due_on < today,
                assignees=[user for user in people if user.pk != row.owner_id],
            )
            for row in found[:SHOWN]
        ),
        template="crm/desk/_tasks.html",
        form=form,
        more_url=list_of(Task, customer) if len(found) > SHOWN else "",
    )


def notes_section(customer: Customer, *, may_add: bool) -> Section | None:
    """Pinned notes, then the newest, and the form to add one."""
    rows = Note.objects.filter(customer=customer).select_related("author")
    found = first_rows(rows.order_by(F("is_pinned").desc(), "-created_at", "-pk"))
    form = NoteForm() if may_add else None
    if not found and form is None:
        return None
    return Section(
        key="notes",
        title="Notes",
        lines=tuple(NoteLine(row, when(row.created_at)) for row in found[:SHOWN]),
        template="crm/desk/_notes.html",
        form=form,
        more_url=list_of(Note, customer) if len(found) > SHOWN else "",
    )
