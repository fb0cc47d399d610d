"""The crm documents of merged customers, kept below the survivor."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Case, F, QuerySet, Value, When
from msgspec import UNSET

from crm.document.renderer import render_customers
from crm.document.schema import encode_customer
from crm.models import Merge, MergedRecord, Relationship
from customers.bulk import update_rows
from customers.models import Customer


def document_of(customer: Customer) -> tuple[str, str]:
    """The ID of the customer's crm document, and the document as JSON without its merged customers."""
    [document] = render_customers([customer])
    document.merged_customers = UNSET
    return document.id, encode_customer(document).decode()


def nest_records(merge: Merge, crm_id: str, document: str) -> dict[str, Any]:
    """Keep the merged customer's document below the survivor, and move the documents kept below it there too.

    A record that the survivor's own document already lists is reused.
    """
    survivor, other = merge.survivor_id, merge.other_id
    # If the survivor had no CRM account of its own, it has just received this one, with its ID.
    if Relationship.objects.filter(customer=survivor, crm_id=crm_id).exists():
        crm_id, document = str(other), _with_id(document, str(other))
    listed: QuerySet[Any] = MergedRecord.objects.filter(survivor=survivor, came_with=None)
    known = listed.filter(crm_id=crm_id, tombstone=None).first()
    if known is not None:
        known.tombstone_id = other
        known.save(update_fields=["tombstone"])
        record, kept = known, {"adopted": str(known.pk)}
    else:
        record = MergedRecord.objects.create(
            survivor_id=survivor,
            tombstone_id=other,
            crm_id=str(other) if listed.filter(crm_id=crm_id).exists() else crm_id,
            position=listed.filter(parent=None).count(),
            document=document,
            merged_at=merge.made_at,
        )
        kept = {"made": str(record.pk)}
    theirs: QuerySet[Any] = MergedRecord.objects.filter(survivor=other)
    _set_parent(theirs.filter(parent=None), record, f"Merged into {survivor}")
    theirs.filter(came_with=None).update(came_with=other, survivor=survivor)
    theirs.update(survivor=survivor)
    return kept


def unnest_records(merge: Merge, origin_ids: set[str], kept: dict[str, Any]) -> None:
    """Move the records back that a merge moved, and remove its own from the survivor's document."""
    rows: Any = MergedRecord.objects
    record = kept.get("made") or kept.get("adopted")
    back = rows.filter(survivor=merge.survivor_id, came_with__in=origin_ids)
    _set_parent(back.filter(parent=record), None, f"The merge with {merge.other_id} was undone")
    back.update(
        survivor=merge.other_id,
        came_with=Case(When(came_with=merge.other_id, then=Value(None)), default=F("came_with")),
    )
    if "made" in kept:
        rows.filter(pk=record).delete()
    else:
        rows.filter(pk=record).update(tombstone=None)


def _with_id(document: str, crm_id: str) -> str:
    return json.dumps({**json.loads(document), "id": crm_id}, ensure_ascii=False)


def _set_parent(rows: QuerySet[Any], parent: MergedRecord | None, reason: str) -> None:
    moved = list(rows)
    for row in moved:
        row.parent = parent
    update_rows(moved, ["parent_id"], reason)
