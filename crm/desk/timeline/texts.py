"""What was said to a customer and about it: notes, calls, meetings, mails, and what was decided on the worklist."""

from __future__ import annotations

from crm.desk.timeline.entry import Entry, Kind, Position, name_of, short
from crm.desk.timeline.rows import Rows
from crm.models import Activity, Note, WorklistDecision
from customers import clock
from customers.formats import page_of


def _note(note: Note, position: Position) -> Entry:
    told = [
        words
        for words, is_so in (
            ("Pinned", note.is_pinned),
            ("The summary", note.is_summary),
            ("Generated", note.origin == Note.Origin.GENERATED),
        )
        if is_so
    ]
    return Entry(
        position=position,
        kind=Kind.NOTE,
        title="Note",
        details=(", ".join(told),) if told else (),
        markdown=note.body,
        by=name_of(note.author),
        url=page_of(note),
    )


def _contact(activity: Activity, position: Position) -> Entry:
    whom = f" with {short(str(activity.person))}" if activity.person else ""
    return Entry(
        position=position,
        kind=Kind.CONTACT,
        title=f"{activity.get_kind_display()}{whom}{', planned' if position.at > clock.now() else ''}",
        markdown=activity.summary,
        by=name_of(activity.logged_by),
        url=page_of(activity),
    )


def _decision(decision: WorklistDecision, position: Position) -> Entry:
    return Entry(
        position=position,
        kind=Kind.DECISION,
        title=f"{decision.get_decision_display()}: {short(decision.words)}",
        by=name_of(decision.decided_by),
        url=page_of(decision),
    )


NOTES = Rows(
    name="note",
    kind=Kind.NOTE,
    permission="crm.view_note",
    at="created_at",
    rows=lambda ids: Note.objects.filter(customer__in=ids).select_related("author"),
    entry=_note,
    by="author",
    text=("body",),
)
CONTACT = Rows(
    name="contact",
    kind=Kind.CONTACT,
    permission="crm.view_activity",
    at="happened_at",
    rows=lambda ids: Activity.objects.filter(customer__in=ids).select_related("logged_by", "person"),
    entry=_contact,
    by="logged_by",
    text=("summary", "person__name"),
)
DECISIONS = Rows(
    name="decision",
    kind=Kind.DECISION,
    permission="crm.view_worklistdecision",
    at="decided_at",
    rows=lambda ids: WorklistDecision.objects.filter(customer__in=ids).select_related("decided_by"),
    entry=_decision,
    by="decided_by",
    text=("words",),
)
