"""Tasks, notes and contact: who did it is on record, and what is for a merged customer is for the survivor."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from crm.contacts import log_contact
from crm.models import Task
from crm.notes import make_summary, pin_note, write_note
from crm.tasks import add_task, complete_task, reassign_task, reopen_task
from tests.factories import make_customer, make_note, make_task, make_user

pytestmark = pytest.mark.django_db

TODAY = date(2026, 3, 2)


def doers(row: Any) -> list[Any]:
    """Who did what became of a row, the last first."""
    return [each.history_user for each in row.history.all()]


def test_what_becomes_of_a_task_is_on_record_with_who_did_it() -> None:
    ada, eve, kim = make_user(), make_user(), make_user()
    task = add_task(make_customer(), "Call back", by=ada)
    assert reassign_task(task, eve, by=ada)
    assert complete_task(task, by=eve)
    assert reopen_task(task, by=kim)
    assert doers(task) == [kim, eve, ada, ada]
    task.refresh_from_db()
    assert (task.owner, task.created_by, task.done_at, task.done_by) == (eve, ada, None, None)


def test_what_changes_nothing_is_not_done() -> None:
    ada, eve = make_user(), make_user()
    task = make_task(owner=ada)
    assert not reassign_task(task, ada, by=eve)
    assert not reopen_task(task, by=eve)
    assert complete_task(task, by=ada)
    assert not complete_task(task, by=eve)
    assert not reassign_task(task, eve, by=eve)
    task.refresh_from_db()
    assert (task.owner, task.done_by) == (ada, ada)
    assert task.history.count() == 2


def test_a_reminder_makes_a_task_due_earlier() -> None:
    due = make_task(due_on=TODAY)
    reminded = make_task(due_on=date(2026, 4, 1), reminder_on=TODAY)
    waiting = make_task(reminder_on=date(2026, 3, 1))
    make_task(due_on=date(2026, 4, 1), reminder_on=date(2026, 3, 3))
    make_task(due_on=TODAY, reminder_on=TODAY, done_at="2026-03-01T00:00:00Z")
    assert set(Task.objects.due_by(TODAY)) == {due, reminded, waiting}


def test_a_reminder_after_the_day_it_is_due_is_refused() -> None:
    task = make_task()
    task.due_on, task.reminder_on = TODAY, date(2026, 3, 3)
    with pytest.raises(ValidationError, match="Enter a reminder on or before the due date"):
        task.full_clean()


def test_what_is_for_a_customer_that_was_merged_meanwhile_is_for_the_survivor() -> None:
    survivor = make_customer()
    merged = make_customer()
    user = make_user()
    type(merged).objects.filter(pk=merged.pk).update(merged_into=survivor)
    # As somebody has it who opened the page before.
    assert merged.merged_into_id is None
    assert add_task(merged, "Call back", by=user).customer == survivor
    assert log_contact(merged, "mail", by=user).customer == survivor
    assert write_note(merged, "Hello", by=user, is_summary=True).customer == survivor


def test_who_pins_a_note_and_makes_it_the_summary_is_on_record() -> None:
    ada, eve = make_user(), make_user()
    customer = make_customer()
    before = write_note(customer, "Old", by=ada, is_summary=True)
    note = make_note(customer=customer)
    pin_note(note, is_pinned=True, by=ada)
    pin_note(note, is_pinned=True, by=eve)
    make_summary(note, by=eve)
    assert doers(note)[:2] == [eve, ada]
    note.refresh_from_db()
    before.refresh_from_db()
    assert (note.is_pinned, note.is_summary, before.is_summary) == (True, True, False)
