"""Whom a row is written for: the customer that somebody looks at, or the one that it has meanwhile become part of."""

from __future__ import annotations

from customers.models import Customer


def lock_survivor(customer: Customer) -> Customer:
    """The customer, or the survivor if it was merged; no merge touches it until the transaction ends."""
    key = customer.pk
    while True:
        held = Customer.objects.select_for_update(no_key=True).get(pk=key)
        if held.merged_into_id is None:
            return held
        key = held.merged_into_id
