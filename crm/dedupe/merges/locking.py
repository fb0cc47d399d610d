"""Holding everything that a merge touches, in an order in which two merges cannot wait for each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from django.db import OperationalError
from django.db.models import Q

from billing.ledger.entries import locked_balances
from crm.models import DuplicateCluster, DuplicatePair
from customers.models import Customer

BUSY = "Somebody else is changing these customers right now: try again."
#: What PostgreSQL calls a deadlock, two transactions that do not go together, and a lock that was not to be had.
_FOR_ANOTHER = ("40P01", "40001", "55P03")


@contextmanager
def giving_way(refusal: Callable[[str], Exception]) -> Iterator[None]:
    """Hold a whole transaction; where the database ends it for the sake of another one, raise the `refusal` instead."""
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
    """The customers as they are now, by key, whom nobody else changes until the transaction ends.

    With them are held those merged into them earlier, their balances, and the clusters of possible duplicates. What
    adds a row to one of them waits too. Who is not known is left out.
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
    # Whoever uses a balance holds that, and only then its customer: so the balances come before the lock that lets
    # no row be added.
    list(concerned.select_for_update(no_key=True).values_list("pk"))
    locked_balances(customer_ids)
    return {
        str(customer.pk): customer
        for customer in concerned.select_for_update()
        if customer.pk in customer_ids
    }
