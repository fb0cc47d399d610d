"""Write down what the rules find, so that pages need not look for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Q

from crm.desk.worklist.reason import Batch, Reason
from crm.desk.worklist.rules import reasons_of
from crm.models import DeskRefresh, Relationship, WorklistDecision, WorklistEntry, WorklistReason
from customers import clock
from customers.bulk import create_rows, delete_rows, update_rows
from customers.models import Customer

#: The name under which it is noted when all of it was computed last.
WORKLIST = "worklist"

_BATCH = 1000
_SAID = ("words", "weight", "since", "link", "decision", "until")

Place = tuple[str, Any]


@dataclass(slots=True)
class Refreshed:
    """What a refresh came to: customers looked at, those among them on the worklist, and reasons written."""

    customers: int = 0
    waiting: int = 0
    reasons: int = 0

    def add(self, other: Refreshed) -> None:
        """Count what another one came to."""
        self.customers += other.customers
        self.waiting += other.waiting
        self.reasons += other.reasons


def refresh_worklist(at: datetime | None = None) -> Iterator[Refreshed]:
    """Compute the worklist anew, some customers at a time; after the last, note that it is done.

    Every step is a transaction of its own. Customers that were merged or archived fall out of it.
    """
    at = at or clock.now()
    total = 0
    customers = Customer.objects.current().order_by("pk").values_list("pk", flat=True)
    keys = map(str, customers.iterator(chunk_size=_BATCH))
    while batch := list(islice(keys, _BATCH)):
        total += len(batch)
        yield refresh_customers(batch, at)
    gone = WorklistEntry.objects.filter(
        Q(customer__merged_into__isnull=False) | Q(customer__archived_at__isnull=False)
    )
    delete_rows(list(gone.only("pk")))
    DeskRefresh.objects.update_or_create(name=WORKLIST, defaults={"finished_at": at, "customers": total})


@transaction.atomic
def refresh_customers(customer_ids: Sequence[str], at: datetime | None = None) -> Refreshed:
    """Compute the worklist of these current customers, in a fixed number of queries; write what differs.

    Two at once take turns. For a change that should be seen at once: another owner, an invoice that was paid.
    """
    at = at or clock.now()
    DeskRefresh.objects.get_or_create(name=WORKLIST)
    DeskRefresh.objects.select_for_update().get(name=WORKLIST)
    current = Customer.objects.current().filter(pk__in=customer_ids).order_by("pk")
    batch = Batch([str(key) for key in current.values_list("pk", flat=True)], at)
    wanted = _wanted(batch)
    entries = {
        (str(entry.customer_id), entry.person_id): entry
        for entry in WorklistEntry.objects.select_for_update()
        .filter(customer_id__in=customer_ids)
        .order_by("pk")
    }
    new = [
        WorklistEntry(customer_id=customer_id, person_id=person_id)
        for customer_id, person_id in wanted.keys() - entries.keys()
    ]
    create_rows(new, reason="")
    entries |= {(str(entry.customer_id), entry.person_id): entry for entry in new}
    delete_rows([entries.pop(place) for place in entries.keys() - wanted.keys()])
    written = _write(entries, wanted, _decisions(batch), at)
    waiting = {customer_id for (customer_id, _), entry in entries.items() if entry.weight}
    return Refreshed(customers=len(batch.customer_ids), waiting=len(waiting), reasons=written)


def weigh(entry: WorklistEntry, reasons: Sequence[WorklistReason]) -> bool:
    """Set the weights of `entry` by its `reasons`; say whether they differ from before."""
    weights = [reason.weight for reason in reasons if not reason.decision]
    before = entry.weight, entry.heaviest
    entry.weight, entry.heaviest = sum(weights), max(weights, default=0)
    return before != (entry.weight, entry.heaviest)


def _wanted(batch: Batch) -> dict[Place, dict[tuple[str, str], Reason]]:
    """By customer and person, the reasons by rule and key."""
    owners = {
        str(customer_id): owner_id
        for customer_id, owner_id in Relationship.objects.filter(
            customer_id__in=batch.customer_ids
        ).values_list("customer_id", "owner_id")
    }
    wanted: dict[Place, dict[tuple[str, str], Reason]] = defaultdict(dict)
    for reason in reasons_of(batch):
        person_id = reason.person_id or owners.get(reason.customer_id)
        wanted[reason.customer_id, person_id].setdefault((reason.rule, reason.key), reason)
    return wanted


def _decisions(batch: Batch) -> dict[tuple[str, str, str], WorklistDecision]:
    """What holds, by customer, rule and key; what was decided of a merged customer's rows holds as well."""
    holding = WorklistDecision.objects.holding(batch.at).filter(customer_id__in=batch.customer_ids)
    return {(str(each.customer_id), each.rule, each.key): each for each in holding.order_by("decided_at")}


def _write(
    entries: dict[Place, WorklistEntry],
    wanted: dict[Place, dict[tuple[str, str], Reason]],
    decisions: dict[tuple[str, str, str], WorklistDecision],
    at: datetime,
) -> int:
    """Bring the rows of reasons in line, and the weights of their entries; answer how many rows were written."""
    have: dict[str, dict[tuple[str, str], Any]] = defaultdict(dict)
    for row in WorklistReason.objects.filter(entry__in=[entry.pk for entry in entries.values()]):
        have[str(row.entry_id)][row.rule, row.key] = row
    new: list[WorklistReason] = []
    changed: list[WorklistReason] = []
    stale: list[WorklistReason] = []
    weighed: list[WorklistEntry] = []
    for place, entry in entries.items():
        found = have[str(entry.pk)]
        standing = []
        for identity, reason in wanted[place].items():
            row = found.pop(identity, None)
            decision = decisions.get((reason.customer_id, *identity))
            said = {
                "words": reason.words,
                "weight": reason.weight,
                "since": reason.since or (row.since if row else at),
                "link": reason.link,
                "decision": decision.decision if decision else "",
                "until": decision.until if decision else None,
            }
            if row is None:
                row = WorklistReason(entry=entry, rule=reason.rule, key=reason.key, **said)
                new.append(row)
            elif any(getattr(row, name) != value for name, value in said.items()):
                for name, value in said.items():
                    setattr(row, name, value)
                changed.append(row)
            standing.append(row)
        stale += found.values()
        if weigh(entry, standing):
            weighed.append(entry)
    delete_rows(stale)
    update_rows(changed, _SAID, reason="")
    create_rows(new, reason="")
    update_rows(weighed, ["weight", "heaviest"], reason="")
    return len(new) + len(changed) + len(stale)
