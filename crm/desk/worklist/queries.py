"""Read the worklist: whose accounts wait, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Exists, OuterRef

from crm.models import WorklistEntry, WorklistReason
from crm.models.worklist import WorklistEntryQuerySet


def entries_of(people: Any, rule: str = "") -> WorklistEntryQuerySet:
    """What waits for these users (None: for anybody and nobody), the most needed first, with customer and person.

    With `rule`, only those of whom that rule says something.
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
    """By entry, its open reasons, the heaviest first; of `rules` alone, where they are given. In one query."""
    found: dict[str, list[WorklistReason]] = defaultdict(list)
    reasons = WorklistReason.objects.open().filter(entry__in=[entry.pk for entry in entries])
    if rules is not None:
        reasons = reasons.filter(rule__in=rules)
    for reason in reasons.heaviest_first():
        found[str(reason.entry_id)].append(reason)
    return found
