"""Read the worklist."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Subquery

from crm.models import DecisionKind, WorklistEntry, WorklistReason
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


def accounts_of(people: Any, rule: str = "") -> WorklistEntryQuerySet:
    """`entries_of`, with an account that waits for several of these users once, for the one with the heaviest reasons."""
    entries = entries_of(people, rule)
    if people is not None and len(people) == 1:
        return entries
    first = entries.filter(customer=OuterRef("customer")).values("pk")[:1]
    return entries.filter(pk=Subquery(first))


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


def reasons_of_accounts(
    customer_ids: Collection[str], people: Any, rules: Collection[str], decision: str = ""
) -> dict[str, list[WorklistReason]]:
    """The reasons of `rules` that these users (None: all) have for each customer, heaviest first. One query.

    Open ones, or those with `decision`. One that several users have is there once.
    """
    found: dict[str, dict[tuple[str, str], WorklistReason]] = defaultdict(dict)
    reasons = WorklistReason.objects.filter(
        decision=decision, entry__customer_id__in=customer_ids, rule__in=rules
    )
    if people is not None:
        reasons = reasons.filter(entry__person__in=people)
    for reason in reasons.select_related("entry").heaviest_first():
        found[str(reason.entry.customer_id)].setdefault((reason.rule, reason.key), reason)
    return defaultdict(list, {key: list(each.values()) for key, each in found.items()})


def snoozed_of(people: Any) -> WorklistEntryQuerySet:
    """The accounts with a snoozed reason, the one that comes back first at the top, with customer and user."""
    snoozed = WorklistReason.objects.filter(decision=DecisionKind.SNOOZED, entry=OuterRef("pk"))
    entries = WorklistEntry.objects.filter(customer__merged_into=None, customer__archived_at=None)
    back = Subquery(snoozed.order_by("until").values("until")[:1])
    return (
        entries.of_people(people)
        .annotate(back_at=back)
        .exclude(back_at=None)
        .order_by("back_at", "pk")
        .select_related("customer", "person")
    )
