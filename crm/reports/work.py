"""Work done by account managers: calls, meetings, emails, notes, tasks and worklist decisions, kept by month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils.timezone import localdate

from crm.models import Activity, Note, Task, WorklistDecision, WorkMonth
from crm.reports.chart import Chart, ChartSeries
from crm.reports.formats import compact
from crm.reports.months import first_of, months_between, shifted, start_of
from crm.reports.report import Choices, ReportFact, ReportPage
from crm.reports.table import ReportTable, figure, words
from customers import clock
from customers.formats import local, month, number, user_name

_HISTORY = 24
_CONTACTS = ("calls", "meetings", "emails")
_COLUMNS = (*_CONTACTS, "notes", "tasks", "decisions")
_HEADINGS = ("Calls", "Meetings", "Emails", "Notes", "Tasks done", "Worklist decisions")


@dataclass(frozen=True, slots=True)
class _Work:
    """One kind of work: its column, its rows, and the columns with the user and the moment."""

    column: str
    rows: Callable[[], QuerySet[Any]]
    user: str
    moment: str


_KINDS = (
    _Work("calls", lambda: Activity.objects.filter(kind=Activity.Kind.CALL), "logged_by", "happened_at"),
    _Work(
        "meetings", lambda: Activity.objects.filter(kind=Activity.Kind.MEETING), "logged_by", "happened_at"
    ),
    _Work("emails", lambda: Activity.objects.filter(kind=Activity.Kind.MAIL), "logged_by", "happened_at"),
    _Work("notes", lambda: Note.objects.filter(origin=Note.Origin.WRITTEN), "author", "created_at"),
    _Work("tasks", Task.objects.all, "done_by", "done_at"),
    _Work("decisions", WorklistDecision.objects.all, "decided_by", "decided_at"),
)


@transaction.atomic
def refresh_work() -> int:
    """Count the work of the last two years again, and return how many rows there are. One query for each kind."""
    now = clock.now()
    first = shifted(first_of(localdate(now)), 1 - _HISTORY)
    counts: dict[tuple[int, str, date], dict[str, int]] = defaultdict(dict)
    for work in _KINDS:
        for user_id, env, of_month, count in _counted(work, start_of(first), now):
            counts[user_id, env, local(of_month).date()][work.column] = count
    WorkMonth.objects.filter(month__gte=first).delete()
    rows = [
        WorkMonth(user_id=user_id, env=env, month=of_month, **of_kind)
        for (user_id, env, of_month), of_kind in counts.items()
    ]
    WorkMonth.objects.bulk_create(rows, batch_size=1000)
    return len(rows)


def _counted(work: _Work, since: datetime, now: datetime) -> Any:
    rows: Any = work.rows().filter(
        **{f"{work.user}__isnull": False, f"{work.moment}__gte": since, f"{work.moment}__lte": now}
    )
    by_month = rows.order_by().annotate(of_month=TruncMonth(work.moment))
    return by_month.values_list(work.user, "customer__env", "of_month").annotate(count=Count("pk"))


def work_page(choices: Choices) -> ReportPage:
    """Work by month, and by user in the table. Three queries."""
    last = first_of(choices.today)
    months = months_between(shifted(last, 1 - choices.months), last)
    rows: Any = choices.scope.rows_of(WorkMonth.objects.filter(month__gte=months[0], month__lte=last))
    if choices.users is not None:
        rows = rows.filter(user__in=choices.users)
    sums = {f"sum_{name}": Sum(name) for name in _COLUMNS}
    by_user = _sums(rows.order_by().values_list("user").annotate(**sums))
    by_month = _sums(rows.order_by().values_list("month").annotate(**sums))
    if not by_user:
        return ReportPage()
    users = get_user_model()._default_manager.in_bulk(list(by_user))
    names = {key: user_name(user) for key, user in users.items()}
    totals = [sum(each[place] for each in by_user.values()) for place in range(len(_COLUMNS))]
    contacts = sum(totals[: len(_CONTACTS)])
    period = f"{month(months[0])} to {month(last)}" if len(months) > 1 else month(last)
    nothing = [0] * len(_COLUMNS)
    columns = [by_month.get(each, nothing) for each in months]
    return ReportPage(
        facts=[
            ReportFact("Calls, meetings and emails", number(contacts), period),
            ReportFact("Notes", number(totals[3]), period),
            ReportFact("Tasks done", number(totals[4]), period),
            ReportFact("Worklist decisions", number(totals[5]), period),
            ReportFact("People", number(len(by_user)), "With work in the period"),
        ],
        chart=Chart(
            sentence=f"Work done by month, {period}: {number(sum(totals))} entries, of which {number(contacts)}"
            " are calls, meetings and emails.",
            labels=[month(each) for each in months],
            series=[
                ChartSeries("Calls, meetings, emails", "cl-b1", [sum(each[:3]) for each in columns]),
                ChartSeries("Notes", "cl-b2", [each[3] for each in columns]),
                ChartSeries("Tasks done", "cl-b3", [each[4] for each in columns]),
                ChartSeries("Worklist decisions", "cl-bx", [each[5] for each in columns]),
            ],
            text_of=number,
            tick_text=compact,
        ),
        table=ReportTable(
            [("Account manager", False), *((heading, True) for heading in _HEADINGS), ("Total", True)],
            [
                [words(names[key]), *map(figure, of_user), figure(sum(of_user))]
                for key, of_user in sorted(by_user.items(), key=lambda each: (-sum(each[1]), names[each[0]]))
            ],
            [words("Total"), *map(figure, totals), figure(sum(totals))],
        ),
    )


def _sums(rows: Any) -> dict[Any, Sequence[int]]:
    return {key: [int(each) for each in sums] for key, *sums in rows}
