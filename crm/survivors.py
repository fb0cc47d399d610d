"""Merge survivors: every write for a customer goes to the one that it was merged into."""

from __future__ import annotations

from customers.models import Customer


def lock_survivor(customer: Customer) -> Customer:
    """Resolve a customer to its merge survivor (itself if it wasn't merged) and lock it until the transaction ends."""
    key = customer.pk
    while True:
        locked = Customer.objects.select_for_update(no_key=True).get(pk=key)
        if locked.merged_into_id is None:
            return locked
        key = locked.merged_into_id
