"""Tasks, calls and meetings, and mentions in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from crm.models import Activity, Mention, Task
from crm.tasks import complete_task, reopen_task
from customers.admin.base import Choices, HistoryAdmin, ReadOnlyAdmin, Row
from customers.admin.filters import Days, Mine, OneOf
from customers.formats import column_of, long_text, text_of


class TaskOwner(Mine):
    """Tasks of mine."""

    title = "owner"
    parameter_name = "owner"


class TaskState(OneOf):
    """Tasks that are open or done."""

    title = "state"
    parameter_name = "state"
    options = {
        "open": ("Open", lambda tasks: tasks.open()),
        "done": ("Done", lambda tasks: tasks.exclude(done_at=None)),
    }


@admin.register(Task)
class TaskAdmin(HistoryAdmin):
    """What is to be done for customers."""

    list_display = ("shown_title", column_of("customer"), "owner", "due_on", "done_at")
    list_filter = (TaskState, TaskOwner, ("due_on", Days), ("customer", Row))
    list_select_related = ("customer", "owner")
    search_fields = ("title",)
    sortable_by = ("due_on", "done_at")
    autocomplete_fields = ("customer",)
    actions = ("complete", "reopen")
    readonly_fields = ("done_at", "done_by", "created_by", "created_at", "id")
    fields = (
        "customer",
        "title",
        "body",
        "due_on",
        "reminder_on",
        "owner",
        "done_at",
        "done_by",
        "created_by",
        "created_at",
        "id",
    )

    @display(description="task")
    def shown_title(self, task: Task) -> SafeString | str:
        """What is to be done."""
        return long_text(task.title)

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        """Save; a new task is for whoever adds it, unless it is somebody else's."""
        if not change:
            obj.created_by = request.user
            obj.owner = obj.owner or request.user
        super().save_model(request, obj, form, change)

    @admin.action(description="Done", permissions=["change"])
    def complete(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Note that the chosen tasks are done."""
        count = sum(complete_task(task, by=request.user) for task in queryset)
        self.message_user(request, f"Done: {count}.", messages.SUCCESS)

    @admin.action(description="Not done after all", permissions=["change"])
    def reopen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Open the chosen tasks again."""
        count = sum(reopen_task(task, by=request.user) for task in queryset)
        self.message_user(request, f"Open again: {count}.", messages.SUCCESS)


@admin.register(Activity)
class ActivityAdmin(HistoryAdmin):
    """Calls, meetings and mails."""

    list_display = (text_of("customer"), "kind", "happened_at", "first_words", "logged_by")
    list_filter = (("kind", Choices), ("happened_at", Days), ("customer", Row))
    list_select_related = ("customer", "logged_by")
    search_fields = ("summary",)
    sortable_by = ("happened_at",)
    autocomplete_fields = ("customer", "person")
    readonly_fields = ("logged_by", "created_at", "id")
    fields = ("customer", "kind", "happened_at", "person", "summary", "logged_by", "created_at", "id")

    @display(description="summary")
    def first_words(self, activity: Activity) -> SafeString | str:
        """How the summary begins."""
        return long_text(activity.summary)

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        """Save; whoever adds it has logged it."""
        if not change:
            obj.logged_by = request.user
        super().save_model(request, obj, form, change)


@admin.register(Mention)
class MentionAdmin(ReadOnlyAdmin):
    """Who was named in which note."""

    list_display = (text_of("note"), "user", "made_at", "seen_at")
    list_filter = (("made_at", Days),)
    list_select_related = ("note", "user")
    search_fields = ("id",)
    sortable_by = ("made_at", "seen_at")
    fields = ("note", "user", "made_at", "seen_at", "id")
