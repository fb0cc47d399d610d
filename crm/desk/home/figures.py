"""Money past due, and by age, for the home page."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils.timezone import localdate

from billing.rates.convert import Converted, Rates, in_reporting_currency, reporting_currency
from crm.desk.aging import AGES, NOT_DUE, age_of
from crm.desk.home.owners import Owners
from crm.models import CurrencyFacts, CustomerFacts
from customers.models import Environment


@dataclass(frozen=True, slots=True)
class PastDue:
    """Money past due in one currency, of how many customers, and since when."""

    amount: Converted
    customers: int
    oldest_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Age:
    """Customers whose oldest unpaid invoice is that old, and what of theirs is past due."""

    label: str
    customers: int
    amount: Converted


def past_due(owners: Owners, now: datetime) -> PastDue:
    """What is past due at the current customers of these account managers (None: of all). From rows of facts."""
    late = _late(owners)
    sums = late.order_by().values_list("currency").annotate(Sum("past_due"))
    who = CustomerFacts.objects.filter(customer__in=late.values("customer"), oldest_due_at__lt=now)
    found = who.order_by().aggregate(customers=Count("pk"), oldest=Min("oldest_due_at"))
    return PastDue(in_reporting_currency(dict(sums), localdate(now)), found["customers"], found["oldest"])


def ages(owners: Owners, now: datetime) -> list[Age]:
    """What is past due, by the age of each customer's oldest unpaid invoice. Two queries, and one for rates."""
    oldest = TruncDate("customer__facts__oldest_due_at")
    rows = _late(owners).order_by().annotate(oldest=oldest).annotate(age=age_of("oldest", localdate(now)))
    amounts: dict[str, dict[str, int]] = defaultdict(dict)
    for age, currency, amount in rows.values_list("age", "currency").annotate(Sum("past_due")):
        amounts[age][currency] = amount
    customers = dict(rows.values_list("age").annotate(Count("customer", distinct=True)))
    rates = Rates(localdate(now), reporting_currency())
    # What is past due since an hour of today is in no group of days.
    labels = {NOT_DUE: "Since today"} | {age: age for age in AGES}
    return [
        Age(label, customers[age], rates.convert(amounts[age]))
        for age, label in labels.items()
        if age in customers
    ]


def _late(owners: Owners) -> QuerySet[CurrencyFacts]:
    is_current = Q(customer__archived_at=None, customer__merged_into=None, customer__env=Environment.LIVE)
    rows = CurrencyFacts.objects.filter(is_current, past_due__gt=0)
    return rows if owners is None else rows.filter(customer__relationship__owner__in=owners)
