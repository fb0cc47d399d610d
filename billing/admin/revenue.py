"""MRR and ARR of customers and subscriptions in the admin."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from unfold.decorators import display

from billing.formats import money
from billing.models import Subscription
from billing.revenue.monthly import revenue_of, revenue_of_subscription
from billing.rules.monthly_value import RecurringRevenue
from customers import clock
from customers.models import Customer


@display(description="recurring revenue")
def recurring_revenue(customer: Customer) -> str:
    found = revenue_of([str(customer.pk)]).get(str(customer.pk), {})
    return (
        " · ".join(
            f"{money(each.mrr, currency)}/month, {money(each.arr, currency)}/yr"
            for currency, each in found.items()
        )
        or "-"
    )


class RevenueMixin:
    """The MRR and ARR columns of subscriptions from a queryset of `with_charges`. Empty during a trial."""

    @display(description="MRR")
    def mrr(self, subscription: Subscription) -> str:
        return _monthly(revenue_of_subscription(subscription, clock.now()))

    @display(description="ARR")
    def arr(self, subscription: Subscription) -> str:
        return _in_words(revenue_of_subscription(subscription, clock.now()), lambda each: each.arr)


def _monthly(revenue: Mapping[str, RecurringRevenue]) -> str:
    return _in_words(revenue, lambda each: each.mrr)


def _in_words(revenue: Mapping[str, RecurringRevenue], part: Callable[[RecurringRevenue], int]) -> str:
    return ", ".join(money(part(each), currency) for currency, each in revenue.items()) or "-"
