"""Add a task to a customer."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from billing.sheets.fields import day_field, text_field
from crm.desk.form_fields import people_who_act
from crm.tasks import add_task
from customers.formats import user_name
from customers.models import Customer
from customers.sheets import Act, Done, Preview, SheetForm


class TaskForm(SheetForm):
    """The task, its due day and its assignee."""

    pairs = (("due_on", "reminder_on"),)

    title = text_field("Task", max_length=255)
    due_on = day_field("Due", required=False)
    reminder_on = day_field("Reminder", required=False)
    owner = forms.ChoiceField(label="Assignee", required=False)

    def __init__(self, people: dict[str, Any], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.people = people
        field: Any = self.fields["owner"]
        field.choices = [("", "Me"), *((key, user_name(person)) for key, person in people.items())]
        self.fields["title"].widget.attrs["autofocus"] = True


class AddTask(Act):
    """Add a task."""

    name = "add-task"
    title = "Add task"
    verb = "Add task"
    permissions = ("crm.add_task", "customers.view_customer")
    models = (Customer,)
    is_previewed = False

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> TaskForm:
        """The form with the users who may be assigned tasks."""
        return TaskForm({str(each.pk): each for each in people_who_act()}, data, initial=initial)

    def preview(self, form: TaskForm) -> Preview:
        """The button names the assignee."""
        owner = form.people.get(form.cleaned_data["owner"])
        return Preview(button=f"Add task for {user_name(owner)}" if owner else "Add task")

    def do(self, form: TaskForm, seen: str) -> Done:
        """Add it."""
        values = form.cleaned_data
        added = add_task(
            self.row,
            values["title"],
            by=self.request.user,
            owner=form.people.get(values["owner"]),
            due_on=values["due_on"],
            reminder_on=values["reminder_on"],
        )
        return Done(message=f"Added the task for {user_name(added.owner)}.")
