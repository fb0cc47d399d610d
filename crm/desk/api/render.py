"""Renders pages of notes, tasks, worklist entries and timeline entries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from crm.desk.api.documents import (
    NoteDocument,
    ReasonDocument,
    TaskDocument,
    TimelineDocument,
    WorklistDocument,
)
from crm.desk.timeline.entry import TimelineEntry
from crm.desk.worklist.queries import reasons_by_entry
from crm.models import Note, Task, WorklistEntry, WorklistReason
from customers.document.customer_rows import SummariesOfRows
from customers.json_types import IsoDate, IsoInstant


def render_notes(rows: Sequence[Note], asked: Mapping[str, Any]) -> list[NoteDocument]:
    customers = SummariesOfRows((row.customer_id for row in rows), asked)
    return [
        NoteDocument(
            id=str(row.pk),
            customer_id=str(row.customer_id),
            author=_user_name(row.author),
            body=row.body,
            is_summary=row.is_summary,
            is_pinned=row.is_pinned,
            origin=_word(row.origin),
            created_at=_instant(row.created_at),
            customer=customers.of(row.customer_id),
        )
        for row in rows
    ]


def render_tasks(rows: Sequence[Task], asked: Mapping[str, Any]) -> list[TaskDocument]:
    customers = SummariesOfRows((row.customer_id for row in rows), asked)
    return [
        TaskDocument(
            id=str(row.pk),
            customer_id=str(row.customer_id),
            title=row.title,
            body=row.body,
            status="open" if row.done_at is None else "done",
            due_on=_day(row.due_on),
            reminder_on=_day(row.reminder_on),
            assignee=_user_name(row.owner),
            created_at=_instant(row.created_at),
            created_by=_user_name(row.created_by),
            done_at=None if row.done_at is None else _instant(row.done_at),
            done_by=_user_name(row.done_by),
            customer=customers.of(row.customer_id),
        )
        for row in rows
    ]


def render_worklist(
    rows: Sequence[WorklistEntry], rules: Collection[str], asked: Mapping[str, Any]
) -> list[WorklistDocument]:
    """Worklist entries with their open reasons of `rules`."""
    customers = SummariesOfRows((row.customer_id for row in rows), asked)
    reasons = reasons_by_entry(rows, rules)
    return [
        WorklistDocument(
            id=str(row.pk),
            customer_id=str(row.customer_id),
            person=_user_name(row.person),
            weight=row.weight,
            reasons=[_reason(reason) for reason in reasons[str(row.pk)]],
            customer=customers.of(row.customer_id),
        )
        for row in rows
    ]


def render_timeline(entries: Sequence[TimelineEntry]) -> list[TimelineDocument]:
    return [
        TimelineDocument(
            kind=entry.kind.value,
            at=_instant(entry.at),
            is_of_day=entry.is_of_day,
            title=entry.title,
            details=list(entry.details),
            text=entry.markdown or None,
            by=entry.by or None,
            url=entry.url or None,
        )
        for entry in entries
    ]


def _reason(row: WorklistReason) -> ReasonDocument:
    return ReasonDocument(
        id=str(row.pk),
        rule=row.rule,
        words=row.words,
        weight=row.weight,
        since=_instant(row.since),
        link=row.link or None,
    )


def _user_name(user: Any) -> str | None:
    return None if user is None else str(user.get_username())


def _word(value: str) -> Any:
    """The value of a choice column, typed as the document's Literal."""
    return value


def _instant(value: datetime) -> IsoInstant:
    return IsoInstant.fromisoformat(value.isoformat())


def _day(value: date | None) -> IsoDate | None:
    return None if value is None else IsoDate(value.year, value.month, value.day)
