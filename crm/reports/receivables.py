"""What is due on unpaid invoices, by how long it is past due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Min, Sum
from django.db.models.functions import TruncDate
from django.utils.timezone import localdate

from billing.formats import money
from billing.models import Invoice
from billing.rules.money import LARGEST_MINOR
from crm.desk.aging import AGES, NOT_DUE, UNDATED, age_of
from crm.models import Receivable
from crm.reports.chart import Chart, ChartSeries
from crm.reports.currencies import ShownCurrency, shown_currency
from crm.reports.formats import compact_money
from crm.reports.report import Choices, ReportFact, ReportPage
from crm.reports.scope import ReportScope
from crm.reports.table import ReportTable, amount, figure, ratio, share, words
from customers import clock
from customers.formats import counted, day

_LABELS = (NOT_DUE, *AGES, UNDATED)


@dataclass(frozen=True, slots=True)
class Aged:
    """What is due in one group of ages, in minor units."""

    label: str
    due: int = 0
    invoices: int = 0
    customers: int = 0


@transaction.atomic
def refresh_receivables() -> int:
    """Keep what is due now on unpaid invoices, and return how many rows there are."""
    unpaid: Any = Invoice.objects.unpaid().with_amount_due()
    owed = unpaid.filter(amount_due__gt=0).order_by()
    rows = owed.annotate(due_on=TruncDate("due_at")).values_list(
        "customer", "currency", "due_on", "customer__env"
    )
    wanted = {
        (str(account_id), currency, due_on): (env, min(int(due), LARGEST_MINOR), count)
        for account_id, currency, due_on, env, due, count in rows.annotate(
            due=Sum(F("amount_due")), count=Count("pk")
        )
    }
    kept: int = Receivable.objects.keep(wanted, localdate(clock.now()))
    return kept


def aged_receivables(scope: ReportScope, today: date) -> dict[str, dict[str, Aged]]:
    """What is due by currency and age on `today`. One query."""
    found: dict[str, dict[str, Aged]] = {}
    rows = (
        scope.known(Receivable)
        .order_by()
        .annotate(age=age_of("due_on", today))
        .values_list("currency", "age")
    )
    sums = rows.annotate(due=Sum("amount"), count=Sum("invoices"), customers=Count("account", distinct=True))
    for currency, age, due, invoices, customers in sums:
        found.setdefault(currency, {})[age] = Aged(age, int(due), invoices, customers)
    return found


def aging_page(choices: Choices) -> ReportPage:
    """Amounts due by age."""
    today = choices.scope.as_of or choices.today
    found = aged_receivables(choices.scope, today)
    if not found:
        return ReportPage()
    weights = {code: sum(each.invoices for each in ages.values()) for code, ages in found.items()}
    shown = shown_currency(weights, choices.currency, today)
    currency = shown.code
    ages = [
        _together({code: found[code].get(label, Aged(label)) for code in shown.codes}, shown)
        for label in _LABELS
    ]
    total = _summed("Total", ages)
    past_due = _summed("Past due", [each for each in ages if each.label in AGES])
    old = _summed("Over 60 days", [each for each in ages if each.label in AGES[2:]])

    def money_of(minor: Any) -> str:
        return money(int(minor), currency)

    return ReportPage(
        facts=[
            ReportFact("Past due", money_of(past_due.due), counted(past_due.invoices, "invoice")),
            ReportFact("Amount due", money_of(total.due), counted(total.invoices, "invoice")),
            ReportFact("Over 60 days", money_of(old.due), counted(old.invoices, "invoice")),
            ReportFact(
                "Share past due",
                share(ratio(past_due.due, total.due)).text,
                f"On {day(today)}",
            ),
        ],
        chart=Chart(
            sentence=f"Amount due by days past due in {currency} on {day(today)}:"
            f" {money_of(past_due.due)} of {money_of(total.due)} is past due.",
            labels=list(_LABELS),
            series=[
                ChartSeries(
                    "Not past due", "cl-b1", [0 if each.label in AGES else each.due for each in ages]
                ),
                ChartSeries(
                    "Up to 60 days", "cl-b3", [each.due if each.label in AGES[:2] else 0 for each in ages]
                ),
                ChartSeries(
                    "Over 60 days", "cl-b4", [each.due if each.label in AGES[2:] else 0 for each in ages]
                ),
            ],
            text_of=money_of,
            tick_text=lambda minor: compact_money(minor, currency),
        ),
        table=ReportTable(
            [
                ("Days past due", False),
                ("Invoices", True),
                ("Customers", True),
                ("Amount due", True),
                ("Share", True),
            ],
            [
                [
                    words(each.label),
                    figure(each.invoices),
                    figure(each.customers),
                    amount(each.due, currency),
                    share(ratio(each.due, total.due)),
                ]
                for each in ages
            ],
        ),
        option=shown.option,
        options=shown.options,
        note=shown.note,
    )


def first_known_receivable() -> date | None:
    """The first day for which receivables were kept."""
    first: date | None = Receivable.objects.aggregate(day=Min("known_from"))["day"]
    return first


def _together(parts: Mapping[str, Aged], shown: ShownCurrency) -> Aged:
    """One group of all shown currencies. A customer with two currencies counts in each."""
    label = next(iter(parts.values())).label
    due = shown.total({code: each.due for code, each in parts.items()})
    return Aged(
        label,
        due,
        sum(each.invoices for each in parts.values()),
        sum(each.customers for each in parts.values()),
    )


def _summed(label: str, ages: Sequence[Aged]) -> Aged:
    """The sum of groups. A customer can be in several, so customers aren't summed."""
    return Aged(label, sum(each.due for each in ages), sum(each.invoices for each in ages))
