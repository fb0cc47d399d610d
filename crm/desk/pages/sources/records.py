"""The records that are linked to a customer: since when, by which rule or merge, and what can be done with each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse

from crm.desk.sheets.link import LinkRecord, TakeOut
from crm.models import Merge
from customers.admin.origins import mark_of
from customers.formats import ago, day, moment, page_of, user_name
from customers.models import Customer, SourceRecord
from customers.sheets import act_url


@dataclass(frozen=True, slots=True)
class RecordLine:
    """A source record, how it came to the customer, its pages and acts; "" where the user may not."""

    name: str
    source: str
    mark: str
    how: str
    changed: str
    at: str
    url: str
    changes: str
    link: str
    unlink: str


def record_lines(customer: Customer, *, may_link: bool) -> Iterator[RecordLine]:
    """A line for each source record, in two queries."""
    records = list(customer.source_records.select_related("came_with").defer("signs", "not_understood"))
    merges = {
        str(merge.other_id): merge
        for merge in Merge.objects.standing()
        .filter(other__in={record.came_with_id for record in records if record.came_with_id})
        .select_related("made_by")
    }
    own = [record for record in records if not record.is_merged]
    for record in records:
        can_link = may_link and not record.is_merged
        yield RecordLine(
            name=record.source_id,
            source=record.source_name,
            mark=mark_of(record),
            how=_how(record, merges.get(str(record.came_with_id))),
            changed=ago(record.last_received_at),
            at=moment(record.last_received_at),
            url=page_of(record),
            changes=reverse("desk-record-changes", args=[record.pk]),
            link=act_url(LinkRecord.name, record) if can_link else "",
            unlink=act_url(TakeOut.name, record) if can_link and len(own) > 1 else "",
        )


def _how(record: SourceRecord, merge: Merge | None) -> str:
    if record.is_merged:
        return "Merged away at its source"
    if merge is not None:
        by = f" by {user_name(merge.made_by)}" if merge.made_by else ""
        return f"Came with {record.came_with}, merged {day(merge.made_at)}{by}"
    if record.came_with is not None:
        return f"Came with {record.came_with}"
    return record.get_linked_by_display() if record.linked_by else ""
