"""MRR of customers at past moments, from the subscriptions that earned at those moments.

A change of plan, version or quantity starts a new subscription, so each subscription counts with its current charges
for as long as it ran. Its prepaid units come from the grants that count now, or from its `prepaid_quantities` if no such
grant is left. `billing.revenue.monthly` has the rules for what is recurring revenue.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from billing.models import Subscription
from billing.revenue.monthly import UnusablePrice, charges_of, with_charges
from billing.rules.monthly_value import RecurringCharge, recurring_revenue
from customers.models import Customer

#: How many customers are read at once.
_BATCH = 1000

#: The MRR in minor units at each of several moments, in their order, by currency.
Course = dict[str, list[int]]


def revenue_at(instants: Sequence[datetime]) -> Iterator[tuple[str, Course]]:
    """The ID of each customer with its MRR at `instants`. Customers without MRR at any of them are left out.

    Reads all customers in batches. Merged and archived customers count too, because they had revenue in the past.
    """
    ids = iter(Customer.objects.order_by("pk").values_list("pk", flat=True).iterator())
    while batch := list(islice(ids, _BATCH)):
        of_customer: dict[str, list[Subscription]] = defaultdict(list)
        rows = Subscription.objects.filter(customer_id__in=batch, started_at__lte=max(instants))
        for subscription in with_charges(rows.exclude(status=Subscription.Status.SCHEDULED)):
            of_customer[str(subscription.customer_id)].append(subscription)
        for customer_id, subscriptions in of_customer.items():
            if course := _course(subscriptions, instants):
                yield customer_id, course


def earned(subscription: Subscription, at: datetime) -> bool:
    """Whether the subscription had started, was not on trial, and had not ended at `at`.

    False for a subscription that ended at an unknown time.
    """
    ended = subscription.expires_at
    if subscription.status == Subscription.Status.ENDED and ended is None:
        return False
    is_tried = subscription.trial_ends_at is not None and subscription.trial_ends_at > at
    return subscription.started_at <= at and not is_tried and (ended is None or ended > at)


def _course(subscriptions: Sequence[Subscription], instants: Sequence[datetime]) -> Course:
    charges: list[tuple[Subscription, list[RecurringCharge]]] = []
    for subscription in subscriptions:
        try:
            charges.append((subscription, charges_of(subscription)))
        except UnusablePrice:
            continue
    course: Course = {}
    for place, at in enumerate(instants):
        by_currency: dict[str, list[RecurringCharge]] = defaultdict(list)
        for subscription, of_subscription in charges:
            if earned(subscription, at):
                for charge in of_subscription:
                    by_currency[charge.currency].append(charge)
        for of_currency in by_currency.values():
            try:
                sums = recurring_revenue(of_currency)
            except ValueError:  # no currency, or more than 64 bits of minor units
                continue
            for currency, each in sums.items():
                if each.mrr:
                    course.setdefault(currency, [0] * len(instants))[place] = each.mrr
    return course
