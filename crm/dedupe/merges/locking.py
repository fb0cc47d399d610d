"""Locks for a merge, in an order in which two merges cannot deadlock."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from django.db import OperationalError
from django.db.models import Q

from billing.ledger.entries import locked_balances
from crm.models import DuplicateCluster, DuplicatePair
from customers.models import Customer

BUSY = "Someone else is changing these customers right now. Try again."
#: PostgreSQL's codes for a deadlock, a serialization failure, and a lock that is not available.
_FOR_ANOTHER = ("40P01", "40001", "55P03")


@contextmanager
def giving_way(refusal: Callable[[str], Exception]) -> Iterator[None]:
    """Wrap a transaction. If the database aborts it in favor of another one, raise the `refusal` instead."""
    try:
        yield
    except OperationalError as problem:
        is_locked = getattr(problem.__cause__, "sqlstate", None) in _FOR_ANOTHER or "is locked" in str(
            problem
        )
        if not is_locked:
            raise
        raise refusal(BUSY) from problem


def lock(customer_ids: Collection[str]) -> dict[str, Customer]:
    """The customers by key, as they are now, locked until the transaction ends. Unknown keys are left out.

    Also locked: customers merged into them before, their balances, and the clusters of their possible duplicates. Adding a
    row to one of them waits too.
    """
    if DuplicatePair.objects.filter(Q(a__in=customer_ids) | Q(b__in=customer_ids)).exists():
        list(DuplicateCluster.objects.select_for_update().order_by("pk").values_list("pk"))
    concerned = Customer.objects.filter(
        pk__in=list(
            Customer.objects.filter(Q(pk__in=customer_ids) | Q(merged_into__in=customer_ids)).values_list(
                "pk", flat=True
            )
        )
    ).order_by("pk")
    # Recording usage locks the balance first and then the customer. So the balances come before the full lock of the
    # customers, which lets no row be added.
    list(concerned.select_for_update(no_key=True).values_list("pk"))
    locked_balances(customer_ids)
    return {
        str(customer.pk): customer
        for customer in concerned.select_for_update()
        if customer.pk in customer_ids
    }
