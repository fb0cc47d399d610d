"""The filters of lists of notes, tasks and worklist entries."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from crm.desk.worklist.rules import RULES
from crm.models import Note, WorklistReason
from crm.models.task import TaskQuerySet
from crm.models.worklist import WorklistEntryQuerySet
from customers.api.filtersets import DayFilter, FlagFilter, InstantFilter, TextFilter, WordFilter
from customers.document.filters import CustomerRowFilter


class NoteFilter(CustomerRowFilter):
    q = TextFilter("body", "icontains", help_text="Text in the note, ignoring case.")
    author = TextFilter("author__username", help_text="The exact user name of the author.")
    origin = WordFilter(words=Note.Origin.values, help_text="Whether a user or a program wrote it.")
    is_summary = FlagFilter(help_text="Whether it is the summary of its customer.")
    is_pinned = FlagFilter(help_text="Whether it is pinned.")
    created_after = InstantFilter("created_at", "gte", help_text="Written at or after this time.")
    created_before = InstantFilter("created_at", "lt", help_text="Written before this time.")


class TaskFilter(CustomerRowFilter):
    q = TextFilter(method="search", help_text="Text in the title or the details, ignoring case.")
    status = WordFilter(words=["open", "done"], method="in_status", help_text="Whether it is done.")
    assignee = TextFilter("owner__username", help_text="The exact user name of the assignee.")
    created_by = TextFilter("created_by__username", help_text="The exact user name of the user who added it.")
    due_after = DayFilter("due_on", "gte", help_text="Due on this day or later.")
    due_before = DayFilter("due_on", "lt", help_text="Due before this day.")
    created_after = InstantFilter("created_at", "gte", help_text="Added at or after this time.")
    created_before = InstantFilter("created_at", "lt", help_text="Added before this time.")
    done_after = InstantFilter("done_at", "gte", help_text="Done at or after this time.")
    done_before = InstantFilter("done_at", "lt", help_text="Done before this time.")

    def search(self, rows: TaskQuerySet, name: str, value: str) -> TaskQuerySet:
        return rows.filter(Q(title__icontains=value) | Q(body__icontains=value))

    def in_status(self, rows: TaskQuerySet, name: str, value: str) -> TaskQuerySet:
        return rows.filter(done_at=None) if value == "open" else rows.exclude(done_at=None)


class WorklistFilter(CustomerRowFilter):
    person = TextFilter(
        "person__username",
        help_text="The exact user name of the user whose worklist it is: the account manager, or the user of a task"
        " or mention.",
    )
    rule = WordFilter(
        words=list(RULES), method="with_reason", help_text="A rule that found one of the open reasons."
    )
    since_after = InstantFilter(
        method="with_reason", help_text="One of the open reasons has applied since this time or later."
    )
    since_before = InstantFilter(
        method="with_reason", help_text="One of the open reasons has applied since before this time."
    )

    def with_reason(self, rows: WorklistEntryQuerySet, name: str, value: object) -> WorklistEntryQuerySet:
        """Filter nothing here: `filter_queryset` applies the values to one reason."""
        return rows

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filter_queryset(queryset)
        given = self.form.cleaned_data
        bounds = {
            "rule": given["rule"],
            "since__gte": given["since_after"],
            "since__lt": given["since_before"],
        }
        wanted = {lookup: value for lookup, value in bounds.items() if value}
        if not wanted:
            return rows
        return rows.filter(Exists(WorklistReason.objects.open().filter(entry=OuterRef("pk"), **wanted)))
