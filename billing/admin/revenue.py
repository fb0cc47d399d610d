"""Recurring revenue in the admin: what customers and subscriptions bring in by the month and by the year."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from unfold.decorators import display

from billing.formats import money
from billing.models import Subscription
from billing.revenue.monthly import revenue_of, revenue_of_subscription
from billing.rules.monthly_value import RecurringRevenue
from customers import clock
from customers.models import Customer


def note_revenue(customers: list[Customer]) -> None:
    """Note on customers what they bring in, for the column of a list; in three queries."""
    found = revenue_of(str(customer.pk) for customer in customers)
    for customer in customers:
        customer.revenue = found.get(str(customer.pk), {})  # type: ignore[attr-defined]


@display(description="MRR")
def customer_mrr(customer: Customer) -> str:
    """By currency, what a customer of `note_revenue` brings in a month; a dash for nothing."""
    return _monthly(customer.revenue)  # type: ignore[attr-defined]


@display(description="recurring revenue")
def recurring_revenue(customer: Customer) -> str:
    """By currency, what a customer brings in a month and a year."""
    found = revenue_of([str(customer.pk)]).get(str(customer.pk), {})
    return (
        "; ".join(
            f"{money(each.mrr, currency)} a month, {money(each.arr, currency)} a year"
            for currency, each in found.items()
        )
        or "-"
    )


class RevenueMixin:
    """The revenue of a subscription that comes from `with_charges`."""

    @display(description="MRR")
    def mrr(self, subscription: Subscription) -> str:
        """What it brings in a month; a dash for nothing, as during a trial."""
        return _monthly(revenue_of_subscription(subscription, clock.now()))

    @display(description="ARR")
    def arr(self, subscription: Subscription) -> str:
        """What it brings in a year."""
        return _in_words(revenue_of_subscription(subscription, clock.now()), lambda each: each.arr)


def _monthly(revenue: Mapping[str, RecurringRevenue]) -> str:
    return _in_words(revenue, lambda each: each.mrr)


def _in_words(revenue: Mapping[str, RecurringRevenue], part: Callable[[RecurringRevenue], int]) -> str:
    return ", ".join(money(part(each), currency) for currency, each in revenue.items()) or "-"
