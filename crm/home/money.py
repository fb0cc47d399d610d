"""The parts of the home page on money that is late, and on money that comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from billing.formats import money, unit_price
from billing.models import Subscription
from billing.rates.convert import Converted
from billing.revenue.monthly import UnusablePrice, charges_of, with_charges
from crm.desk.facts.queries import amounts_of
from crm.desk.home.figures import Age, ages
from crm.desk.home.owners import Owners
from crm.models import CustomerFacts
from customers.formats import customer_url, day, days_between, listed, number, short_day
from customers.models import Customer

#: How many renewals and debtors the page shows.
_SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeLine:
    """What is past due of one age: its share of the bar from `start`, in percent."""

    label: str
    customers: str
    amount: str
    start: int
    width: int
    color: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyLine:
    """A customer with a day or an age, and an amount."""

    customer: Customer
    url: str
    when: str
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDuePart:
    """Money past due by age, and the customers that owe it longest."""

    ages: Sequence[AgeLine]
    debtors: Sequence[MoneyLine]
    note: str
    sentence: str


def past_due_part(owners: Owners, now: datetime) -> PastDuePart | None:
    """What is past due; None if nothing is. A fixed number of queries."""
    found = ages(owners, now)
    if not found:
        return None
    lines = _age_lines(found)
    days = [age.amount.rate_day for age in found if age.amount.rate_day is not None]
    note = f"In {found[0].amount.currency} at rates of {day(min(days))}" if days else ""
    told = ", ".join(f"{line.label} {line.amount}" for line in lines)
    return PastDuePart(
        ages=lines, debtors=_debtors(owners, now), note=note, sentence=f"Past due by age: {told}"
    )


def next_renewals(renewing: QuerySet[Subscription], now: datetime) -> list[MoneyLine]:
    """The first of these renewals, each with what is charged then. A fixed number of queries."""
    soonest = renewing.order_by("current_period_end", "pk")
    rows = with_charges(soonest.select_related("customer"), now)
    return [
        MoneyLine(
            customer=row.customer,
            url=customer_url(row.customer_id),
            when=short_day(row.current_period_end, now),
            amount=_charged(row),
        )
        for row in rows[:_SHOWN]
        if row.current_period_end is not None
    ]


def amount_text(total: Converted) -> str:
    """A total, and the currencies that it leaves out because there is no rate."""
    shown = money(total.minor, total.currency)
    return f"{shown} + {listed(total.missing)}" if total.missing else shown


def _age_lines(found: Sequence[Age]) -> list[AgeLine]:
    whole = sum(age.amount.minor for age in found)
    lines: list[AgeLine] = []
    start = 0
    for place, age in enumerate(found):
        width = age.amount.minor * 100 // whole if whole else 0
        lines.append(
            AgeLine(
                label=age.label,
                customers=number(age.customers),
                amount=amount_text(age.amount),
                start=start,
                width=100 - start if place == len(found) - 1 else width,
                color=f"cl-age-{min(place, 3)}",
            )
        )
        start += width
    return lines


def _debtors(owners: Owners, now: datetime) -> list[MoneyLine]:
    """The customers with the oldest past-due invoices, and what each owes."""
    rows: Any = CustomerFacts.objects.filter(
        oldest_due_at__lt=now,
        customer__env="live",
        customer__archived_at=None,
        customer__merged_into=None,
    )
    if owners is not None:
        rows = rows.filter(customer__relationship__owner__in=owners)
    first = list(rows.select_related("customer").order_by("oldest_due_at", "pk")[:_SHOWN])
    amounts = amounts_of([str(row.customer_id) for row in first])
    return [
        MoneyLine(
            customer=row.customer,
            url=customer_url(row.customer_id),
            when=f"{days_between(row.oldest_due_at, now)} d",
            amount=listed(
                [
                    money(each.past_due, each.currency)
                    for each in amounts.get(str(row.customer_id), ())
                    if each.past_due
                ]
            ),
        )
        for row in first
    ]


def _charged(subscription: Subscription) -> str:
    """What is charged when the subscription renews; empty if its price can't be used."""
    try:
        charges = charges_of(subscription)
    except UnusablePrice:
        return ""
    return listed([unit_price(each.amount, each.currency) for each in charges])
