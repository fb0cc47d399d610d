"""Work on many customers in batches, so that one customer's failure does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from django.db import transaction

from customers.formats import counted, listed, number
from customers.logs import log_failure
from customers.models import Customer
from customers.models.customer import CustomerQuerySet

T = TypeVar("T")

#: The run ends after this many customers in a row have failed, because the cause can't be their data.
_MOST_FAILURES_IN_A_ROW = 50
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class BatchResult(Generic[T]):
    """The result of `work` for some customers; `value` is None for a single customer that failed."""

    customer_ids: Sequence[str]
    value: T | None


def in_batches(
    customer_ids: Iterable[str], size: int, work: Callable[[Sequence[str]], T], job: str
) -> Iterator[BatchResult[T]]:
    """Do `work` on `size` customers at a time, each batch in a transaction of its own.

    A batch that fails is done again one customer at a time; a customer that fails is logged by its ID and skipped.
    `job` names the work in the log. Raises the exception of the last one after 50 failures in a row.
    """
    keys = iter(customer_ids)
    failures = 0
    while batch := list(islice(keys, size)):
        done, problem = _attempt(work, batch, job)
        if problem is None or len(batch) == 1:
            attempts: Iterable[tuple[BatchResult[T], Exception | None]] = [(done, problem)]
        else:
            attempts = (_attempt(work, [key], job) for key in batch)
        for done, problem in attempts:
            failures = failures + 1 if problem else 0
            if problem and failures >= _MOST_FAILURES_IN_A_ROW:
                raise problem
            yield done


def everyone(size: int) -> Iterator[list[str]]:
    """IDs of the customers that aren't merged, in order, `size` at a time. No cursor stays open between two pieces."""
    last = ""
    while True:
        customers = Customer.objects.unmerged().order_by("pk")
        rows = customers.filter(pk__gt=last) if last else customers
        piece = [str(key) for key in rows.values_list("pk", flat=True)[:size]]
        if not piece:
            return
        yield piece
        last = piece[-1]


def lock_current(customer_ids: Iterable[str]) -> list[str]:
    """Lock those of the customers that are neither merged nor archived, and return their IDs, sorted.

    Until the transaction ends no merge touches them. Always lock customers before any row of theirs: that is the
    order in which a merge locks.
    """
    return _lock(Customer.objects.current(), customer_ids)


def lock_unmerged(customer_ids: Iterable[str]) -> list[str]:
    """Lock those of the customers that aren't merged, archived ones too, and return their IDs, sorted."""
    return _lock(Customer.objects.unmerged(), customer_ids)


def _lock(customers: CustomerQuerySet, customer_ids: Iterable[str]) -> list[str]:
    found = customers.filter(pk__in=list(customer_ids)).order_by("pk")
    return [str(key) for key in found.select_for_update(no_key=True).values_list("pk", flat=True)]


def failure_report(verb: str, customer_ids: Sequence[str]) -> str:
    """`Couldn't refresh 2 customers: cus_… and cus_…. The log says why.`"""
    named = list(customer_ids[:_MOST_NAMED])
    if more := len(customer_ids) - len(named):
        named.append(f"{number(more)} more")
    return f"Couldn't {verb} {counted(len(customer_ids), 'customer')}: {listed(named)}. The log says why."


def _attempt(
    work: Callable[[Sequence[str]], T], customer_ids: Sequence[str], job: str
) -> tuple[BatchResult[T], Exception | None]:
    try:
        with transaction.atomic():
            return BatchResult(customer_ids, work(customer_ids)), None
    # Every exception is caught, because anything may be wrong with one customer's data, in this run and in the next.
    # It is logged, and the other customers are still done.
    except Exception as problem:  # noqa: BLE001
        if len(customer_ids) == 1:
            log_failure("customer_skipped", problem, customer=customer_ids[0], job=job)
        else:
            log_failure("batch_failed", problem, customers=len(customer_ids), job=job)
        return BatchResult(customer_ids, None), problem
