"""MRR of customers at past moments, from the subscriptions that earned at those moments.

A subscription that is billed here counts phase by phase. Any other counts with its current charges for as long as it
ran: its prepaid units come from the grants that count now, or from its `prepaid_quantities` if no such grant is left.
`billing.revenue.monthly` has the rules for what is recurring revenue.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, pairwise
from typing import Any

from django.db.models import Prefetch, QuerySet

from billing.models import Subscription, SubscriptionPhase
from billing.revenue.monthly import (
    UnusablePrice,
    charges,
    charges_of,
    prepaid_units,
    recurring_prepaid_items,
    with_charges,
)
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
        dated = with_charges(rows.exclude(status=Subscription.Status.SCHEDULED)).prefetch_related(
            Prefetch("phases", _phases(), to_attr="dated_phases")
        )
        for subscription in dated:
            of_customer[str(subscription.customer_id)].append(subscription)
        for customer_id, subscriptions in of_customer.items():
            if course := _course(subscriptions, instants):
                yield customer_id, course


def _phases() -> QuerySet[SubscriptionPhase]:
    items = Prefetch("plan__items", recurring_prepaid_items(), to_attr="prepaid_items")
    return (
        SubscriptionPhase.objects.select_related("plan").prefetch_related(items).order_by("starts_at", "pk")
    )


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
    spans = [span for subscription in subscriptions for span in _spans(subscription)]
    course: Course = {}
    for place, at in enumerate(instants):
        by_currency: dict[str, list[RecurringCharge]] = defaultdict(list)
        for span in spans:
            if span.covers(at):
                for charge in span.charges:
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


@dataclass(frozen=True, slots=True)
class _Span:
    """The charges of a subscription from `starts_at` until `ends_at`; None: as far as the subscription goes."""

    subscription: Subscription
    starts_at: datetime | None
    ends_at: datetime | None
    charges: list[RecurringCharge]

    def covers(self, at: datetime) -> bool:
        is_after = self.starts_at is None or self.starts_at <= at
        is_before = self.ends_at is None or at < self.ends_at
        return is_after and is_before and earned(self.subscription, at)


def _spans(subscription: Any) -> list[_Span]:
    """The phases of a subscription with their charges. A phase with a price that can't be used is left out."""
    phases = list(subscription.dated_phases)
    spans = []
    for phase, following in pairwise(phases):
        units = prepaid_units(phase.plan, phase.prepaid_quantities, {})
        try:
            found = charges(phase.plan, phase.quantity, units, phase.billing_currency)
        except UnusablePrice:
            continue
        spans.append(_Span(subscription, phase.starts_at, following.starts_at, found))
    try:
        found = charges_of(subscription)
    except UnusablePrice:
        return spans
    latest = phases[-1].starts_at if spans or len(phases) > 1 else None
    return [*spans, _Span(subscription, latest, None, found)]
