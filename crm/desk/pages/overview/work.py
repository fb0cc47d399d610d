"""What is to be done for the customer, and what was noted of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.utils.timezone import localdate

from crm.desk.form_fields import people_who_act
from crm.desk.pages.forms import ContactForm, NoteForm, TaskForm
from crm.desk.pages.overview.section import SHOWN, Section, first_rows, list_of
from crm.models import Contact, Note, Task
from customers import clock
from customers.models import Customer


@dataclass(frozen=True, slots=True)
class TaskLine:
    """An open task, whether its day has passed, and to whom it may be handed over."""

    task: Task
    is_late: bool
    others: Sequence[Any]


def contact_section(customer: Customer, contacts: list[Contact]) -> Section:
    """Where a call or a meeting is logged."""
    return Section(
        key="contact",
        title="Log a call or meeting",
        template="crm/desk/_log_contact.html",
        form=ContactForm(customer, contacts),
    )


def tasks_section(customer: Customer, *, may_add: bool, may_hand_over: bool) -> Section | None:
    """Open tasks, those due first, and a form for another."""
    rows = Task.objects.open().filter(customer=customer).select_related("owner").soonest_first()
    found = first_rows(rows)
    form = TaskForm() if may_add else None
    if not found and form is None:
        return None
    today = localdate(clock.now())
    people = list(people_who_act()) if found and may_hand_over else []
    return Section(
        key="tasks",
        title="Tasks",
        lines=tuple(
            TaskLine(
                row,
                row.due_on is not None and row.due_on < today,
                [user for user in people if user.pk != row.owner_id],
            )
            for row in found[:SHOWN]
        ),
        template="crm/desk/_tasks.html",
        form=form,
        more_url=list_of(Task, customer) if len(found) > SHOWN else "",
    )


def notes_section(customer: Customer, *, may_add: bool) -> Section | None:
    """Pinned notes, then the latest, and a form for another."""
    rows = Note.objects.filter(customer=customer).select_related("author")
    found = first_rows(rows.order_by(F("is_pinned").desc(), "-created_at", "-pk"))
    form = NoteForm() if may_add else None
    if not found and form is None:
        return None
    return Section(
        key="notes",
        title="Notes",
        lines=tuple(found[:SHOWN]),
        template="crm/desk/_notes.html",
        form=form,
        more_url=list_of(Note, customer) if len(found) > SHOWN else "",
    )
