"""Sources of entries that people write: notes, activities, decisions on the worklist."""

from __future__ import annotations

from crm.desk.timeline.entry import EntryKind, Position, TimelineEntry, short
from crm.desk.timeline.rows import RowSource
from crm.models import Activity, Note, WorklistDecision
from customers import clock
from customers.formats import page_of, user_name


def _note(note: Note, position: Position) -> TimelineEntry:
    marks = [
        word
        for word, is_set in (
            ("Pinned", note.is_pinned),
            ("Summary", note.is_summary),
            ("Generated", note.origin == Note.Origin.GENERATED),
        )
        if is_set
    ]
    return TimelineEntry(
        position=position,
        kind=EntryKind.NOTE,
        title="Note",
        details=(", ".join(marks),) if marks else (),
        markdown=note.body,
        by=user_name(note.author),
        url=page_of(note),
    )


def _activity(activity: Activity, position: Position) -> TimelineEntry:
    with_person = f" with {short(str(activity.person))}" if activity.person else ""
    return TimelineEntry(
        position=position,
        kind=EntryKind.CONTACT,
        title=f"{activity.get_kind_display()}{with_person}{', planned' if position.at > clock.now() else ''}",
        details=tuple(
            words
            for words in (
                activity.result,
                f"Follow-up: {short(activity.follow_up.title)}" if activity.follow_up else "",
            )
            if words
        ),
        markdown=activity.summary,
        by=user_name(activity.logged_by),
        url=page_of(activity),
    )


def _decision(decision: WorklistDecision, position: Position) -> TimelineEntry:
    return TimelineEntry(
        position=position,
        kind=EntryKind.DECISION,
        title=f"{decision.get_decision_display()}: {short(decision.words)}",
        by=user_name(decision.decided_by),
        url=page_of(decision),
    )


NOTES = RowSource(
    name="note",
    kind=EntryKind.NOTE,
    permission="crm.view_note",
    at="created_at",
    rows=lambda ids: Note.objects.filter(customer__in=ids).select_related("author"),
    entry=_note,
    by="author",
    text=("body",),
)
ACTIVITIES = RowSource(
    name="contact",
    kind=EntryKind.CONTACT,
    permission="crm.view_activity",
    at="happened_at",
    rows=lambda ids: Activity.objects.filter(customer__in=ids).select_related(
        "logged_by", "person", "follow_up"
    ),
    entry=_activity,
    by="logged_by",
    text=("summary", "person__name"),
)
DECISIONS = RowSource(
    name="decision",
    kind=EntryKind.DECISION,
    permission="crm.view_worklistdecision",
    at="decided_at",
    rows=lambda ids: WorklistDecision.objects.filter(customer__in=ids).select_related("decided_by"),
    entry=_decision,
    by="decided_by",
    text=("words",),
)
