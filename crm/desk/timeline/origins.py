"""Sources of entries on imports, and on merges made and undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse

from crm.desk.timeline.entry import EntryKind, Position, TimelineEntry, short
from crm.desk.timeline.rows import RowSource
from crm.models import Merge
from customers.formats import counted, page_of, user_name
from customers.models import ReceivedPayload

#: How the reason of an import begins in histories and in the ledger. Histories cut it after `_REASON_LENGTH`.
IMPORTED = "Imported from"
_REASON_LENGTH = 100


def _payload(payload: ReceivedPayload, position: Position) -> TimelineEntry:
    record = payload.record
    count = len(payload.remarks)
    details = [short(record.source_id)]
    if payload.origin:
        details.append(f"From {short(payload.origin)}")
    if count:
        details.append(counted(count, "import remark"))
    reason = f"{IMPORTED} {record.source}" + (f": {payload.origin}" if payload.origin else "")
    return TimelineEntry(
        position=position,
        kind=EntryKind.IMPORT,
        title=f"Received from the {record.source_name}",
        details=tuple(details),
        url=reverse("desk-record-changes", args=[record.pk]),
        group=reason[:_REASON_LENGTH],
    )


def _merges(customer_ids: Sequence[Any]) -> QuerySet[Any]:
    either_side = Q(survivor__in=customer_ids) | Q(other__in=customer_ids)
    return Merge.objects.filter(either_side).select_related("survivor", "other", "made_by", "undone_by")


def _made(merge: Merge, position: Position) -> TimelineEntry:
    return TimelineEntry(
        position=position,
        kind=EntryKind.MERGE,
        title=f"Merged {short(str(merge.other))} into {short(str(merge.survivor))}",
        details=(short(merge.reason),) if merge.reason else (),
        by=user_name(merge.made_by),
        url=page_of(merge),
    )


def _undone(merge: Merge, position: Position) -> TimelineEntry:
    return TimelineEntry(
        position=position,
        kind=EntryKind.MERGE,
        title=f"Undid the merge of {short(str(merge.other))} into {short(str(merge.survivor))}",
        by=user_name(merge.undone_by),
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
