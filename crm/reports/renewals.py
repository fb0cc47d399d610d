"""Renewals by month, from the facts of customers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import BooleanField, Case, Count, Sum, Value, When
from django.db.models.functions import TruncMonth

from billing.formats import money
from crm.models import CurrencyFacts
from crm.reports.chart import Chart, ChartSeries
from crm.reports.currencies import ShownCurrency, shown_currency
from crm.reports.formats import compact_money
from crm.reports.months import first_of, months_between, shifted, start_of
from crm.reports.report import Choices, ReportFact, ReportPage
from crm.reports.table import ReportTable, amount, figure, of_month
from customers import clock
from customers.formats import counted, local, month, number


@dataclass(slots=True)
class RenewalsInMonth:
    """Customers with their next renewal in a month, and their MRR in minor units; also of those that are past due."""

    month: date
    customers: int = 0
    mrr: int = 0
    past_due: int = 0
    past_due_mrr: int = 0


def renewals_by_month(choices: Choices) -> dict[str, Sequence[RenewalsInMonth]]:
    """The next renewals from now on, by currency and month. One query."""
    first = first_of(choices.today)
    last = shifted(first, choices.months - 1)
    rows: Any = CurrencyFacts.objects.filter(
        mrr__gt=0,
        customer__archived_at=None,
        customer__facts__renews_at__gt=clock.now(),
        customer__facts__renews_at__lt=start_of(shifted(last, 1)),
    ).order_by()
    scope = choices.scope
    if scope.env:
        rows = rows.filter(customer__env=scope.env)
    if scope.customers is not None:
        rows = rows.filter(customer__in=scope.customers.order_by().values("pk"))
    is_past_due = Case(
        When(customer__facts__is_past_due=True, then=Value(True)),
        default=Value(False),
        output_field=BooleanField(),
    )
    grouped = rows.annotate(of_month=TruncMonth("customer__facts__renews_at"), late=is_past_due)
    sums = grouped.values_list("currency", "of_month", "late").annotate(total=Sum("mrr"), count=Count("pk"))
    found: dict[str, dict[date, RenewalsInMonth]] = defaultdict(
        lambda: {each: RenewalsInMonth(each) for each in months_between(first, last)}
    )
    for currency, at, late, total, count in sums:
        of_month = found[currency][local(at).date()]
        of_month.customers += count
        of_month.mrr += int(total)
        if late:
            of_month.past_due += count
            of_month.past_due_mrr += int(total)
    return {currency: list(months.values()) for currency, months in found.items()}


def renewals_page(choices: Choices) -> ReportPage:
    """Upcoming renewals by month."""
    found = renewals_by_month(choices)
    if not found:
        return ReportPage()
    weights = {code: sum(each.customers for each in months) for code, months in found.items()}
    shown = shown_currency(weights, choices.currency, choices.today)
    currency = shown.code
    months = [
        _together(dict(zip(shown.codes, parts, strict=True)), shown)
        for parts in zip(*(found[code] for code in shown.codes), strict=True)
    ]
    customers, mrr = sum(each.customers for each in months), sum(each.mrr for each in months)
    late, late_mrr = sum(each.past_due for each in months), sum(each.past_due_mrr for each in months)
    busiest = max(months, key=lambda each: each.mrr)
    period = f"{month(months[0].month)} to {month(months[-1].month)}"

    def money_of(minor: Any) -> str:
        return money(int(minor), currency)

    return ReportPage(
        facts=[
            ReportFact("Renewals this month", number(months[0].customers), f"{money_of(months[0].mrr)} MRR"),
            ReportFact("Renewals", number(customers), period),
            ReportFact("MRR to renew", money_of(mrr), period),
            ReportFact("Past due", money_of(late_mrr), counted(late, "customer")),
            ReportFact("Most MRR", month(busiest.month), money_of(busiest.mrr)),
        ],
        chart=Chart(
            sentence=f"MRR of customers by the month of their next renewal in {currency}, {period}:"
            f" {money_of(mrr)} from {counted(customers, 'customer')}.",
            labels=[month(each.month) for each in months],
            series=[
                ChartSeries("Paid in time", "cl-b1", [each.mrr - each.past_due_mrr for each in months]),
                ChartSeries("Past due", "cl-b4", [each.past_due_mrr for each in months]),
            ],
            text_of=money_of,
            tick_text=lambda minor: compact_money(minor, currency),
        ),
        table=ReportTable(
            [
                ("Month", False),
                ("Customers", True),
                ("MRR", True),
                ("Customers past due", True),
                ("MRR past due", True),
            ],
            [
                [
                    of_month(each.month),
                    figure(each.customers),
                    amount(each.mrr, currency),
                    figure(each.past_due),
                    amount(each.past_due_mrr, currency),
                ]
                for each in months
            ],
        ),
        option=shown.option,
        options=shown.options,
        note=shown.note,
    )


def _together(parts: Mapping[str, RenewalsInMonth], shown: ShownCurrency) -> RenewalsInMonth:
    """One month of all shown currencies. A customer with two currencies counts in each."""
    return RenewalsInMonth(
        month=next(iter(parts.values())).month,
        customers=sum(each.customers for each in parts.values()),
        mrr=shown.total({code: each.mrr for code, each in parts.items()}),
        past_due=sum(each.past_due for each in parts.values()),
        past_due_mrr=shown.total({code: each.past_due_mrr for code, each in parts.items()}),
    )
