"""What customers brought in at several instants: the revenue of `billing.revenue.monthly`, looked back on.

A change of plan or quantity makes another subscription, so what a subscription brings in is the same as long as it
runs. What it had bought ahead is what it says of itself, once its grants have ended.
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

#: How many customers are looked at together.
_TOGETHER = 1000

#: By currency, the MRR in minor units at each of the instants.
Course = dict[str, list[int]]


def revenue_at(instants: Sequence[datetime]) -> Iterator[tuple[str, Course]]:
    """By customer, what each brought in at `instants`; those who never did are left out.

    Reads all customers, some at a time, merged and archived ones too: what they brought in, they did.
    """
    ids = iter(Customer.objects.order_by("pk").values_list("pk", flat=True).iterator())
    while together := list(islice(ids, _TOGETHER)):
        of_customer: dict[str, list[Subscription]] = defaultdict(list)
        rows = Subscription.objects.filter(customer_id__in=together, started_at__lte=max(instants))
        for subscription in with_charges(rows.exclude(status=Subscription.Status.SCHEDULED)):
            of_customer[str(subscription.customer_id)].append(subscription)
        for customer_id, subscriptions in of_customer.items():
            if course := _course(subscriptions, instants):
                yield customer_id, course


def earned(subscription: Subscription, at: datetime) -> bool:
    """Whether the subscription brought something in at `at`: begun, its trial over, and not ended."""
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
