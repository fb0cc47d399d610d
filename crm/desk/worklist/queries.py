"""Read the worklist."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Exists, OuterRef

from crm.models import WorklistEntry, WorklistReason
from crm.models.worklist import WorklistEntryQuerySet


def entries_of(people: Any, rule: str = "") -> WorklistEntryQuerySet:
    """The accounts that wait for these users (None: for all), most urgent first, with customer and user.

    With `rule`, only those that have a reason of that rule.
    """
    entries = WorklistEntry.objects.waiting().of_people(people).by_need()
    if rule:
        entries = entries.filter(
            Exists(WorklistReason.objects.open().filter(entry=OuterRef("pk"), rule=rule))
        )
    return entries.select_related("customer", "person")


def reasons_by_entry(
    entries: Iterable[WorklistEntry], rules: Collection[str] | None = None
) -> dict[str, list[WorklistReason]]:
    """The open reasons of each entry, heaviest first; of `rules` only, if given. One query."""
    found: dict[str, list[WorklistReason]] = defaultdict(list)
    reasons = WorklistReason.objects.open().filter(entry__in=[entry.pk for entry in entries])
    if rules is not None:
        reasons = reasons.filter(rule__in=rules)
    for reason in reasons.heaviest_first():
        found[str(reason.entry_id)].append(reason)
    return found
