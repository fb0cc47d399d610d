"""Run the rules and keep what they find in tables, so that pages only read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from crm.desk.batches import lock_current
from crm.desk.worklist.reason import Reason, WorklistBatch
from crm.desk.worklist.rules import reasons_of
from crm.models import Relationship, WorklistDecision, WorklistEntry, WorklistReason
from customers import clock
from customers.bulk import create_rows, delete_rows, update_rows
from customers.local_formats import formats_of

#: The name of the `DeskRefresh` row that records the last full run.
WORKLIST = "worklist"

_COLUMNS = ("words", "weight", "since", "link", "act", "decision", "until")


#: A customer and the user whose list it is on, None if it has no account manager.
EntryKey = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class WorklistRefreshed:
    """How many customers were looked at, how many of them are on the worklist, how many reasons were written."""

    customers: int
    waiting: int
    reasons: int


def delete_stale_entries() -> None:
    """Delete the entries of merged and archived customers."""
    gone = WorklistEntry.objects.filter(
        Q(customer__merged_into__isnull=False) | Q(customer__archived_at__isnull=False)
    )
    delete_rows(list(gone.only("pk")))


# Its texts are stored, for every user.
@formats_of("")
@transaction.atomic
def refresh_customers(customer_ids: Sequence[str], at: datetime | None = None) -> WorklistRefreshed:
    """Compute the worklist of those of the customers that are current, in a fixed number of queries; write what differs.

    Called directly where a change must show immediately: another account manager, a finished task.
    """
    at = at or clock.now()
    batch = WorklistBatch(lock_current(customer_ids), at)
    wanted = _wanted(batch)
    entries = {
        (str(entry.customer_id), entry.person_id): entry
        for entry in WorklistEntry.objects.filter(customer_id__in=customer_ids).order_by("pk")
    }
    new = [
        WorklistEntry(customer_id=customer_id, person_id=person_id)
        for customer_id, person_id in wanted.keys() - entries.keys()
    ]
    create_rows(new, reason="")
    entries |= {(str(entry.customer_id), entry.person_id): entry for entry in new}
    delete_rows([entries.pop(key) for key in entries.keys() - wanted.keys()])
    written = _write(entries, wanted, _decisions(batch), at)
    waiting = {customer_id for (customer_id, _), entry in entries.items() if entry.weight}
    return WorklistRefreshed(customers=len(batch.customer_ids), waiting=len(waiting), reasons=written)


def update_weights(entry: WorklistEntry, reasons: Sequence[WorklistReason]) -> bool:
    """Set the weights of `entry` from its `reasons`, and return whether they changed."""
    weights = [reason.weight for reason in reasons if not reason.decision]
    before = entry.weight, entry.heaviest
    entry.weight, entry.heaviest = sum(weights), max(weights, default=0)
    return before != (entry.weight, entry.heaviest)


def _wanted(batch: WorklistBatch) -> dict[EntryKey, dict[tuple[str, str], Reason]]:
    """The reasons found, by rule and key, of each customer and user."""
    owners = {
        str(customer_id): owner_id
        for customer_id, owner_id in Relationship.objects.filter(
            customer_id__in=batch.customer_ids
        ).values_list("customer_id", "owner_id")
    }
    wanted: dict[EntryKey, dict[tuple[str, str], Reason]] = defaultdict(dict)
    for reason in reasons_of(batch):
        person_id = reason.person_id or owners.get(reason.customer_id)
        wanted[reason.customer_id, person_id].setdefault((reason.rule, reason.key), reason)
    return wanted


def _decisions(batch: WorklistBatch) -> dict[tuple[str, str, str], WorklistDecision]:
    """The decisions in force, by customer, rule and key; those made about merged customers count too."""
    in_force = WorklistDecision.objects.holding(batch.at).filter(customer_id__in=batch.customer_ids)
    return {(str(each.customer_id), each.rule, each.key): each for each in in_force.order_by("decided_at")}


def _write(
    entries: dict[EntryKey, WorklistEntry],
    wanted: dict[EntryKey, dict[tuple[str, str], Reason]],
    decisions: dict[tuple[str, str, str], WorklistDecision],
    at: datetime,
) -> int:
    """Create, update and delete the reasons of `entries` to match `wanted`; return how many rows were written."""
    have: dict[str, dict[tuple[str, str], Any]] = defaultdict(dict)
    for row in WorklistReason.objects.filter(entry__in=[entry.pk for entry in entries.values()]):
        have[str(row.entry_id)][row.rule, row.key] = row
    new: list[WorklistReason] = []
    changed: list[WorklistReason] = []
    stale: list[WorklistReason] = []
    reweighted: list[WorklistEntry] = []
    for key, entry in entries.items():
        existing = have[str(entry.pk)]
        rows = []
        for identity, reason in wanted[key].items():
            row = existing.pop(identity, None)
            decision = decisions.get((reason.customer_id, *identity))
            values = {
                "words": reason.words,
                "weight": reason.weight,
                "since": reason.since or (row.since if row else at),
                "link": reason.link,
                "act": reason.act,
                "decision": decision.decision if decision else "",
                "until": decision.until if decision else None,
            }
            if row is None:
                row = WorklistReason(entry=entry, rule=reason.rule, key=reason.key, **values)
                new.append(row)
            elif any(getattr(row, name) != value for name, value in values.items()):
                for name, value in values.items():
                    setattr(row, name, value)
                changed.append(row)
            rows.append(row)
        stale += existing.values()
        if update_weights(entry, rows):
            reweighted.append(entry)
    delete_rows(stale)
    update_rows(changed, _COLUMNS, reason="")
    create_rows(new, reason="")
    update_rows(reweighted, ["weight", "heaviest"], reason="")
    return len(new) + len(changed) + len(stale)
