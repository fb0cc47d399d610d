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
from crm.tasks import complete_task, reopen_task, tell_assignee
from customers.admin.base import Choices, HistoryAdmin, ReadOnlyAdmin, Row
from customers.admin.filters import DaysFilter, MineFilter, OneOfFilter
from customers.formats import column_of, counted, long_text, text_of


class TaskOwner(MineFilter):
    """Tasks assigned to the user."""

    title = "owner"
    parameter_name = "owner"


class TaskState(OneOfFilter):
    """Open or completed tasks."""

    title = "state"
    parameter_name = "state"
    options = {
        "open": ("Open", lambda tasks: tasks.open()),
        "done": ("Done", lambda tasks: tasks.exclude(done_at=None)),
    }


@admin.register(Task)
class TaskAdmin(HistoryAdmin):
    """Tasks of customers."""

    list_display = ("shown_title", column_of("customer"), "owner", "due_on", "done_at")
    list_filter = (TaskState, TaskOwner, ("due_on", DaysFilter), ("customer", Row))
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
        """The title."""
        return long_text(task.title)

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        """Save; a new task without an owner is assigned to the user who adds it."""
        if not change:
            obj.created_by = request.user
            obj.owner = obj.owner or request.user
        super().save_model(request, obj, form, change)
        if "owner" in form.changed_data and obj.done_at is None:
            tell_assignee(obj, by=request.user)

    @admin.action(description="Complete", permissions=["change"])
    def complete(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Complete the selected tasks."""
        count = sum(complete_task(task, by=request.user) for task in queryset)
        self.message_user(request, f"Completed {counted(count, 'task')}.", messages.SUCCESS)

    @admin.action(description="Reopen", permissions=["change"])
    def reopen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Reopen the selected tasks."""
        count = sum(reopen_task(task, by=request.user) for task in queryset)
        self.message_user(request, f"Reopened {counted(count, 'task')}.", messages.SUCCESS)


@admin.register(Activity)
class ActivityAdmin(HistoryAdmin):
    """Calls, meetings and emails."""

    list_display = (text_of("customer"), "kind", "happened_at", "first_words", "logged_by")
    list_filter = (("kind", Choices), ("happened_at", DaysFilter), ("customer", Row))
    list_select_related = ("customer", "logged_by")
    search_fields = ("summary",)
    sortable_by = ("happened_at",)
    autocomplete_fields = ("customer", "person")
    readonly_fields = ("follow_up", "logged_by", "created_at", "id")
    fields = (
        "customer",
        "kind",
        "happened_at",
        "duration_minutes",
        "outcome",
        "person",
        "summary",
        "follow_up",
        "logged_by",
        "created_at",
        "id",
    )

    @display(description="summary")
    def first_words(self, activity: Activity) -> SafeString | str:
        """The summary."""
        return long_text(activity.summary)

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        """Save, and record who logged it."""
        if not change:
            obj.logged_by = request.user
        super().save_model(request, obj, form, change)


@admin.register(Mention)
class MentionAdmin(ReadOnlyAdmin):
    """Mentions of users in notes."""

    list_display = (text_of("note"), "user", "made_at", "seen_at")
    list_filter = (("made_at", DaysFilter),)
    list_select_related = ("note", "user")
    search_fields = ("id",)
    sortable_by = ("made_at", "seen_at")
    fields = ("note", "user", "made_at", "seen_at", "id")
