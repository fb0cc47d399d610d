"""Keep what the desk shows current: notices and health, then the worklist, which reads them, then the facts.

`refresh_due` finds the customers that time has changed, and the outbox those that changes have. `refresh_all` looks at
everyone: for the first time, and every night in case anything was missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.db.models import QuerySet, Subquery

from crm.desk.batches import everyone, in_batches, lock_current
from crm.desk.facts.refresh import refresh_facts
from crm.desk.health.refresh import HEALTH, score_customers
from crm.desk.worklist.refresh import WORKLIST, delete_stale_entries
from crm.desk.worklist.refresh import refresh_customers as refresh_worklist_of
from crm.desk.worklist.take_notices import take_notices_of
from crm.models import ChangePosition, CustomerFacts, DeskRefresh
from customers import clock
from customers.models import CustomerChange

#: The name of the `DeskRefresh` row that records that everyone had facts.
FACTS = "facts"

#: The reader of the outbox that refreshes the customers that changed (`crm.jobs.refresh`).
READER = "desk"

_BATCH = 500
#: A customer that failed is due again after this.
_AFTER_FAILURE = timedelta(hours=1)


@dataclass(slots=True, kw_only=True)
class DeskRefreshed:
    """How many current customers were looked at, how many of them are on the worklist; how many alerts fired, reminders
    came due, and scores and reasons were written; of how many customers facts were written; who failed."""

    customers: int = 0
    waiting: int = 0
    alerts: int = 0
    reminders: int = 0
    scores: int = 0
    reasons: int = 0
    facts: int = 0
    failed: list[str] = field(default_factory=list)

    def add(self, other: DeskRefreshed) -> None:
        self.customers += other.customers
        self.waiting += other.waiting
        self.alerts += other.alerts
        self.reminders += other.reminders
        self.scores += other.scores
        self.reasons += other.reasons
        self.facts += other.facts
        self.failed += other.failed


def refresh_customers(customer_ids: Iterable[str], at: datetime | None = None) -> DeskRefreshed:
    """Take notices, and compute health, worklist and facts of these customers as of `at` (default: now).

    Only what differs is written.
    Each batch of 500 is a transaction of its own. A customer that fails is logged and skipped. Merged customers are
    skipped; archived ones have facts alone.
    """
    total = DeskRefreshed()
    for done in refresh_in_batches(customer_ids, at):
        total.add(done)
    return total


def refresh_in_batches(customer_ids: Iterable[str], at: datetime | None = None) -> Iterator[DeskRefreshed]:
    """Do what `refresh_customers` does, and yield the counts of each batch."""
    moment = at or clock.now()

    def work(batch: Sequence[str]) -> DeskRefreshed:
        notices = take_notices_of(lock_current(batch), moment)
        scores = score_customers(batch, moment)
        worklist = refresh_worklist_of(batch, moment)
        return DeskRefreshed(
            customers=worklist.customers,
            waiting=worklist.waiting,
            alerts=notices.alerts,
            reminders=notices.steps,
            scores=scores,
            reasons=worklist.reasons,
            facts=refresh_facts(batch, moment),
        )

    for done in in_batches(customer_ids, _BATCH, work, "refresh"):
        if done.value is None:
            # So that a customer that always fails isn't due again at once.
            CustomerFacts.objects.filter(pk__in=list(done.customer_ids)).update(
                due_at=moment + _AFTER_FAILURE
            )
        yield done.value or DeskRefreshed(customers=len(done.customer_ids), failed=list(done.customer_ids))


def is_anyone_due(at: datetime) -> bool:
    """Whether `refresh_due` would find anyone. One query on an index."""
    return CustomerFacts.objects.due(at).exists()


def refresh_due(at: datetime | None = None, limit: int | None = None) -> list[str]:
    """IDs of the customers with facts, health or worklist that are due to change by `at`, the longest due first.

    Customers without facts aren't among them: they changed, or there was no refresh of all yet.
    """
    due = CustomerFacts.objects.due(at or clock.now()).order_by("due_at").values_list("customer", flat=True)
    return [str(key) for key in due[:limit]]


def is_refresh_pending(customer_id: str) -> bool:
    """Whether the customer has changed since the last refresh of changed customers. False if there never was one."""
    return pending_changes(customer_id).exists()


def pending_changes(customer_id: Any) -> QuerySet[CustomerChange]:
    """The changes of the customer since then; `customer_id` may be an `OuterRef`."""
    # Without a position the number is unknown, and no row is at or after it. The rows before it are left out first: that
    # is what the index is sorted by.
    position = ChangePosition.objects.filter(pk=READER).values("number")
    return CustomerChange.objects.filter(number__gte=Subquery(position), customer_id=customer_id)


def refresh_all(at: datetime | None = None) -> Iterator[DeskRefreshed]:
    """Refresh everyone, yield the counts of each batch, and record the run."""
    moment = at or clock.now()
    customers = 0
    for step in refresh_in_batches(chain.from_iterable(everyone(_BATCH)), moment):
        customers += step.customers
        yield step
    delete_stale_entries()
    record_refresh(moment)
    DeskRefresh.objects.filter(name__in=(HEALTH, WORKLIST, FACTS)).update(customers=customers)


def record_refresh(at: datetime) -> None:
    """Record that everything was current at `at`, for the pages that show how old it is."""
    DeskRefresh.objects.bulk_create(
        [DeskRefresh(name=name, finished_at=at) for name in (HEALTH, WORKLIST, FACTS)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["finished_at"],
    )
