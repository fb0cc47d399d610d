"""The lists of notes, tasks and worklist entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from crm.desk.api.documents import NoteDocument, TaskDocument, WorklistDocument
from crm.desk.api.examples import NOTE, TASK, WORKLIST_ENTRY
from crm.desk.api.filters import NoteFilter, TaskFilter, WorklistFilter
from crm.desk.api.render import render_notes, render_tasks, render_worklist
from crm.desk.worklist.rules import RULES
from crm.models import Note, Task, WorklistEntry
from customers.api.http import demand, permission_check
from customers.api.paging import orders_by_id, orders_by_number, orders_by_time
from customers.document.customer_rows import VIEW_CUSTOMER, CustomerRowList

_NEWEST_FIRST = tuple(reversed(orders_by_id()))


class NoteList(CustomerRowList):
    """Notes on customers, in Markdown."""

    tag = "Desk"
    summary = "List notes"
    permission = "crm.view_note"
    document = NoteDocument
    example = NOTE
    filterset = NoteFilter
    orders = (*_NEWEST_FIRST, *reversed(orders_by_time("created_at")))

    def rows(self, asked: Mapping[str, Any], **path: str) -> QuerySet[Note]:
        return Note.objects.select_related("author")

    def render(self, rows: Sequence[Note], asked: Mapping[str, Any]) -> Sequence[object]:
        return render_notes(rows, asked)


class TaskList(CustomerRowList):
    """Tasks for customers, open and done."""

    tag = "Desk"
    summary = "List tasks"
    permission = "crm.view_task"
    document = TaskDocument
    example = TASK
    filterset = TaskFilter
    orders = (*_NEWEST_FIRST, *reversed(orders_by_time("created_at")))

    def rows(self, asked: Mapping[str, Any], **path: str) -> QuerySet[Any]:
        return Task.objects.select_related("owner", "created_by", "done_by")

    def render(self, rows: Sequence[Task], asked: Mapping[str, Any]) -> Sequence[object]:
        return render_tasks(rows, asked)


class WorklistList(CustomerRowList):
    """The accounts that need attention, with the open reasons, as of the last refresh of the desk."""

    tag = "Desk"
    summary = "List the worklist"
    permission = "crm.view_worklistentry"
    document = WorklistDocument
    example = WORKLIST_ENTRY
    filterset = WorklistFilter
    orders = tuple(reversed(orders_by_number("weight")))

    def check(self, request: HttpRequest, asked: Mapping[str, Any]) -> None:
        demand(request, VIEW_CUSTOMER)
        if "rule" in asked and asked["rule"] in RULES:
            demand(request, RULES[asked["rule"]].permission)

    def rows(self, asked: Mapping[str, Any], **path: str) -> QuerySet[Any]:
        return WorklistEntry.objects.filter(weight__gt=0).select_related("person")

    def render(self, rows: Sequence[WorklistEntry], asked: Mapping[str, Any]) -> Sequence[object]:
        may = permission_check(self.request)
        return render_worklist(rows, [rule.name for rule in RULES.values() if may(rule.permission)], asked)
