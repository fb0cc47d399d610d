"""Renew customers: apply every event that is due, a batch of customers per transaction.

A customer that cannot be renewed is rolled back alone, and the others are renewed. The next run tries it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import connection, transaction

from billing.subscriptions.advance import advance
from billing.subscriptions.due_customers import due_customers
from billing.subscriptions.errors import CannotBill
from billing.subscriptions.renewal_counts import RenewalCounts
from billing.subscriptions.unit_of_work import open_units
from customers.logs import log_batch, log_failure

#: How many customers are renewed in one transaction.
BATCH = 200


@dataclass(frozen=True, slots=True)
class RenewalFailure:
    """A customer that was left as it was, and why."""

    customer_id: str
    reason: str

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.reason}"


@dataclass(frozen=True, slots=True)
class RenewedBatch:
    """A finished batch: how many customers are due in all, how many it had, what happened, and the failures."""

    due: int
    done: int
    counts: RenewalCounts
    failures: Sequence[RenewalFailure] = ()


def renew(now: datetime, *, done_by: str, batch: int = BATCH) -> Iterator[RenewedBatch]:
    """Renew every customer with events due by `now`. Raises only if the database itself cannot be reached."""
    due = due_customers(now)
    for start in range(0, len(due), batch):
        renewed = _renew_batch(len(due), due[start : start + batch], now, done_by)
        log_batch("renewal_batch", {**asdict(renewed.counts), "failed": len(renewed.failures)})
        yield renewed


@transaction.atomic
def renew_customers(customer_ids: Iterable[str], now: datetime, *, done_by: str = "renew") -> RenewalCounts:
    """Apply all events of these customers that are due by `now`, all or none."""
    return advance(open_units(customer_ids, done_by=done_by), now)


def _renew_batch(due: int, customer_ids: list[str], now: datetime, done_by: str) -> RenewedBatch:
    try:
        return RenewedBatch(due, len(customer_ids), renew_customers(customer_ids, now, done_by=done_by))
    except Exception:  # noqa: BLE001 - one bad customer fails its batch; the next step finds out which
        _raise_if_unreachable()
    counts, failures = RenewalCounts(), []
    for customer_id in customer_ids:
        # Any exception is caught and logged: a customer with bad data must not keep the others from being billed.
        # Customers are renewed in the order of their IDs, so the next run would stop at the same customer again.
        try:
            counts.add(renew_customers([customer_id], now, done_by=done_by))
        except Exception as problem:  # noqa: BLE001 - logged and reported
            _raise_if_unreachable()
            log_failure("renewal_failed", problem, customer=customer_id)
            failures.append(RenewalFailure(customer_id, _reason(problem)))
    return RenewedBatch(due, len(customer_ids), counts, failures)


def _raise_if_unreachable() -> None:
    """Re-raise the exception being handled if the database is unreachable, because every other customer would fail too."""
    if not connection.is_usable():
        raise  # noqa: PLE0704 - called while an exception is handled


def _reason(problem: Exception) -> str:
    # The message of an unexpected exception may quote values of the customer's rows.
    if isinstance(problem, CannotBill):
        return str(problem)
    return f"{type(problem).__name__}, see the log."
