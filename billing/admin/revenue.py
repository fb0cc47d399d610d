"""Recurring revenue in the admin: what customers and subscriptions bring in by the month and by the year."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from billing.admin.showing import amount
from billing.models import Plan, Subscription
from billing.recurring import Revenue
from billing.revenue import revenue_of, revenue_of_subscription
from billing.revenue_range import MonthlyRange, customers_earning
from customers import clock
from customers.models import Customer

_CURRENCY = "mrr_currency"

_ANYTHING = MonthlyRange(Decimal(0))
_RANGES: dict[str, tuple[str, MonthlyRange]] = {
    "some": ("Any", _ANYTHING),
    "to_100": ("Up to 100", MonthlyRange(Decimal(0), Decimal(100))),
    "to_1000": ("Above 100, up to 1,000", MonthlyRange(Decimal(100), Decimal(1000))),
    "to_10000": ("Above 1,000, up to 10,000", MonthlyRange(Decimal(1000), Decimal(10000))),
    "above_10000": ("Above 10,000", MonthlyRange(Decimal(10000))),
}


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
            f"{amount(each.mrr, currency)} a month, {amount(each.arr, currency)} a year"
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


class MonthlyRevenue(DropdownFilter):
    """Customers by what they bring in a month, in the currency that `RevenueCurrency` chooses or in any one."""

    title = "MRR"
    parameter_name = "mrr"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [*((value, words) for value, (words, _) in _RANGES.items()), ("none", "None")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The customers of the chosen range; none for a value that is no choice."""
        value, currency = self.value(), request.GET.get(_CURRENCY) or None
        if not value:
            return queryset
        if value == "none":
            return queryset.exclude(pk__in=customers_earning(_ANYTHING, currency))
        if value not in _RANGES:
            return queryset.none()
        return queryset.filter(pk__in=customers_earning(_RANGES[value][1], currency))


class RevenueCurrency(DropdownFilter):
    """Customers by the currency in which they bring something in, month after month."""

    title = "MRR in"
    parameter_name = _CURRENCY

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The currencies of plans."""
        sold = Plan.objects.order_by().values_list("currency", flat=True).distinct()
        return [(currency, currency) for currency in sorted({settings.DEFAULT_CURRENCY, *sold})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The customers who bring in something in it; the range, where one is chosen, looks at the currency itself."""
        if not self.value() or request.GET.get(MonthlyRevenue.parameter_name):
            return queryset
        return queryset.filter(pk__in=customers_earning(_ANYTHING, self.value()))


def _monthly(revenue: Mapping[str, Revenue]) -> str:
    return _in_words(revenue, lambda each: each.mrr)


def _in_words(revenue: Mapping[str, Revenue], part: Callable[[Revenue], int]) -> str:
    return ", ".join(amount(part(each), currency) for currency, each in revenue.items()) or "-"
