"""Where the record comes from: what was imported, and merges made and undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse

from crm.desk.timeline.entry import EntryKind, Position, TimelineEntry, name_of, short
from crm.desk.timeline.rows import RowSource
from crm.models import Merge
from customers.formats import page_of
from customers.models import ReceivedPayload

#: How the history tells of an import; it keeps no more of it.
IMPORTED, _KEPT = "Imported from", 100


def _payload(payload: ReceivedPayload, position: Position) -> TimelineEntry:
    record = payload.record
    count = len(payload.remarks)
    details = [short(record.source_id)]
    if payload.origin:
        details.append(f"In {short(payload.origin)}")
    if count:
        details.append(f"{count} remark{'' if count == 1 else 's'} of the import")
    told = f"{IMPORTED} {record.source}" + (f": {payload.origin}" if payload.origin else "")
    return TimelineEntry(
        position=position,
        kind=EntryKind.IMPORT,
        title=f"Received from the {record.get_source_display()}",
        details=tuple(details),
        url=reverse("desk-record-changes", args=[record.pk]),
        group=told[:_KEPT],
    )


def _merges(customer_ids: Sequence[Any]) -> QuerySet[Any]:
    concerned = Q(survivor__in=customer_ids) | Q(other__in=customer_ids)
    return Merge.objects.filter(concerned).select_related("survivor", "other", "made_by", "undone_by")


def _made(merge: Merge, position: Position) -> TimelineEntry:
    return TimelineEntry(
        position=position,
        kind=EntryKind.MERGE,
        title=f"{short(str(merge.other))} became part of {short(str(merge.survivor))}",
        details=(short(merge.reason),) if merge.reason else (),
        by=name_of(merge.made_by),
        url=page_of(merge),
    )


def _undone(merge: Merge, position: Position) -> TimelineEntry:
    return TimelineEntry(
        position=position,
        kind=EntryKind.MERGE,
        title=f"{short(str(merge.other))} is no longer part of {short(str(merge.survivor))}",
        by=name_of(merge.undone_by),
        url=page_of(merge),
    )


PAYLOADS = RowSource(
    name="payload",
    kind=EntryKind.IMPORT,
    permission="customers.view_receivedpayload",
    at="received_at",
    rows=lambda ids: (
        ReceivedPayload.objects.filter(record__customer__in=ids).select_related("record").defer("text")
    ),
    entry=_payload,
    text=("origin", "record__source_id"),
)
MERGES = RowSource(
    name="merge",
    kind=EntryKind.MERGE,
    permission="crm.view_merge",
    at="made_at",
    rows=_merges,
    entry=_made,
    by="made_by",
    text=("reason", "other__name", "survivor__name"),
)
UNDONE_MERGES = RowSource(
    name="unmerge",
    kind=EntryKind.MERGE,
    permission="crm.view_merge",
    at="undone_at",
    rows=_merges,
    entry=_undone,
    by="undone_by",
    text=("other__name", "survivor__name"),
)
