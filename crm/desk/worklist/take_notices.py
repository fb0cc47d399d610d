"""Take what is due by time before the worklist is computed: alerts fire, and unpaid invoices reach their next step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from billing.balances.alerts import fire_alerts
from billing.subscriptions.dunning import take_steps
from crm.desk.batches import in_batches, lock_current
from customers import clock
from customers.models import Customer

_BATCH = 500


@dataclass(slots=True)
class NoticesTaken:
    """How many customers were looked at, how many alerts fired and steps of dunning were taken, and who failed."""

    customers: int = 0
    alerts: int = 0
    steps: int = 0
    failed: list[str] = field(default_factory=list)

    def add(self, other: NoticesTaken) -> None:
        self.customers += other.customers
        self.alerts += other.alerts
        self.steps += other.steps
        self.failed += other.failed


def take_notices(at: datetime | None = None) -> Iterator[NoticesTaken]:
    """Fire alerts and take steps of dunning of all current customers, and yield the counts of each batch.

    Each batch is a transaction of its own. A customer that fails is logged and skipped.
    """
    moment = at or clock.now()
    keys = map(str, Customer.objects.current().order_by("pk").values_list("pk", flat=True).iterator(_BATCH))

    def work(customer_ids: Sequence[str]) -> NoticesTaken:
        return take_notices_of(lock_current(customer_ids), moment)

    for done in in_batches(keys, _BATCH, work, "notices"):
        yield done.value or NoticesTaken(len(done.customer_ids), failed=list(done.customer_ids))


def take_notices_of(locked: Sequence[str], at: datetime) -> NoticesTaken:
    """Fire alerts and take steps of dunning of some customers, which the caller has locked."""
    steps = take_steps(locked, at)
    return NoticesTaken(len(locked), len(fire_alerts(locked, at)), len(steps))
