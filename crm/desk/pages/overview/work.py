"""Tasks, notes, and the forms that log a call and add a note or a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q
from django.utils.safestring import SafeString
from django.utils.timezone import localdate

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


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryForm:
    """A form that the page opens on request, or by the key `shortcut`."""

    key: str
    action: str
    shortcut: str
    form_template: str
    form: Any


def entry_forms(
    customer: Customer, may: Callable[[str], bool], contacts: list[Contact], people: Sequence[Any]
) -> list[EntryForm]:
    """The forms that the user may use: call, note, task. A task is for one of `people`."""
    forms = []
    if may("crm.add_activity"):
        forms.append(
            EntryForm(
                key="call",
                action="Log call",
                shortcut="c",
                form_template="crm/desk/_log_contact.html",
                form=ContactForm(customer, contacts),
            )
        )
    if may("crm.add_note"):
        forms.append(
            EntryForm(
                key="note",
                action="Add note",
                shortcut="n",
                form_template="crm/desk/_add_note.html",
                form=NoteForm(),
            )
        )
    if may("crm.add_task"):
        forms.append(
            EntryForm(
                key="task",
                action="Add task",
                shortcut="t",
                form_template="crm/desk/_add_task.html",
                form=TaskForm(people),
            )
        )
    return forms


def tasks_section(customer: Customer, people: Sequence[Any]) -> Section | None:
    """Open tasks, soonest due first, each to reassign to one of `people`."""
    rows = Task.objects.open().filter(customer=customer).select_related("owner").soonest_first()
    found = first_rows(rows)
    if not found:
        return None
    today = localdate(clock.now())
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
        more_url=list_of(Task, customer) if len(found) > SHOWN else "",
    )


def notes_section(customer: Customer) -> Section | None:
    """Pinned notes and the summary; the others are in the activity."""
    rows = Note.objects.filter(Q(is_pinned=True) | Q(is_summary=True), customer=customer).select_related(
        "author"
    )
    found = first_rows(rows.order_by(F("is_pinned").desc(), "-created_at", "-pk"))
    if not found:
        return None
    return Section(
        key="notes",
        title="Pinned notes",
        lines=tuple(NoteLine(row, when(row.created_at)) for row in found[:SHOWN]),
        template="crm/desk/_notes.html",
        more_url=list_of(Note, customer) if len(found) > SHOWN else "",
    )
