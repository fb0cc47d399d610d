"""The list of tasks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.timezone import localdate

from crm.desk.lists import cells, paging
from crm.desk.lists.column import VIEW_CUSTOMERS, Cell, Column, May, Phone, RowList, View
from crm.desk.lists.own_filters import TASK_FILTERS
from crm.desk.lists.paging import Order
from crm.desk.lists.rows_of_customers import CURRENT, by_customer, customer_cell, of_customers
from crm.models import Task
from crm.models.task import order_by_status
from customers.formats import customer_url, short_day


def _search_tasks(term: str, may: May) -> Q:
    return Q(title__icontains=term) | by_customer(term, may, "task")


def _due(row: Any, at: datetime) -> Cell:
    if row.due_on is None:
        return cells.NONE
    is_late = row.done_at is None and row.due_on < localdate(at)
    return Cell(cells.of_day(row.due_on).text, css="cl-nw cl-bad" if is_late else "cl-nw")


def _task_state(row: Any, at: datetime) -> Cell:
    if row.done_at is not None:
        return cells.chip("Done", "good")
    if row.due_on is not None and row.due_on < localdate(at):
        return cells.chip("Late", "bad")
    return cells.chip("Open", "info")


def _task_phone(row: Any, at: datetime) -> Phone:
    due = f"due {short_day(row.due_on, at)}" if row.due_on and row.done_at is None else ""
    late = row.done_at is None and row.due_on is not None and row.due_on < localdate(at)
    return Phone(
        _task_state(row, at), Cell(str(row.customer)), Cell(due, css="cl-bad" if late else "cl-subtle")
    )


TASKS = RowList(
    name="tasks",
    title="Tasks",
    one="task",
    many="tasks",
    permission="crm.view_task",
    icon="task_alt",
    prefixes=("task",),
    rows=Task.objects.all,
    dress=lambda rows: rows.select_related("customer", "owner"),
    filters=TASK_FILTERS,
    of_customers=of_customers,
    current=CURRENT,
    search=_search_tasks,
    search_words="Title or customer",
    phone=_task_phone,
    sort="status",
    empty="Add a task on the page of a customer.",
    next_steps=(VIEW_CUSTOMERS,),
    views=(
        View("My open tasks", {"task": ["open"], "assignee": ["me"]}),
        View("Open", {"task": ["open"]}),
        View("Late", {"task": ["late"]}),
        View("Done", {"task": ["done"]}),
    ),
    columns=(
        Column(
            name="title",
            label="Task",
            cell=lambda row, at: cells.link(f"{customer_url(row.customer_id)}#tasks", row.title),
            order=paging.by_words("title"),
        ),
        Column(name="customer", label="Customer", cell=customer_cell, order=paging.by_customer_name()),
        Column(name="status", label="Status", cell=_task_state, order=Order(order_by_status(), paging.day)),
        Column(name="due", label="Due", cell=_due, order=Order("due_on", paging.day, nullable=True)),
        Column(name="assignee", label="Assignee", cell=lambda row, at: cells.person(row.owner)),
        Column(
            name="created",
            label="Created",
            cell=lambda row, at: cells.of_day(row.created_at),
            order=Order("created_at", paging.moment),
            falls=True,
            is_extra=True,
        ),
    ),
)
