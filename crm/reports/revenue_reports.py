"""The reports on revenue: its movement, its retention, and churn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from billing.formats import money
from crm.reports.chart import Chart, ChartSeries
from crm.reports.currencies import ShownCurrency, shown_currency
from crm.reports.formats import compact_money, points
from crm.reports.months import first_of
from crm.reports.report import Choices, ReportFact, ReportPage
from crm.reports.revenue import RevenueInMonth, combined, retention_of, revenue_by_month
from crm.reports.table import ReportTable, amount, figure, of_month, ratio, share
from customers.formats import counted, month, number

_MONTH = ("Month", False)


@dataclass(frozen=True, slots=True)
class _Revenue:
    """The months of one currency that a page shows."""

    shown: ShownCurrency
    months: Sequence[RevenueInMonth]

    @property
    def currency(self) -> str:
        return self.shown.code

    @property
    def last(self) -> RevenueInMonth:
        return self.months[-1]

    @property
    def period(self) -> str:
        first, last = month(self.months[0].month), month(self.last.month)
        return first if first == last else f"{first} to {last}"

    @property
    def labels(self) -> Sequence[str]:
        return [month(each.month) for each in self.months]

    def money(self, minor: Any) -> str:
        return money(int(minor), self.currency)

    def tick(self, minor: Any) -> str:
        return compact_money(minor, self.currency)

    def sum_of(self, of_month: Callable[[RevenueInMonth], int]) -> int:
        return sum(map(of_month, self.months))


def _chosen(choices: Choices) -> _Revenue | None:
    today = choices.scope.as_of or choices.today
    found = revenue_by_month(choices.scope, first_of(today))
    if not found:
        return None
    weights = {code: months[-1].customers for code, months in found.items()}
    shown = shown_currency(weights, choices.currency, today)
    return _Revenue(shown, combined(found, shown)[-choices.months :])


def movement_page(choices: Choices) -> ReportPage:
    """MRR by month, and what moved it."""
    found = _chosen(choices)
    if found is None:
        return ReportPage()
    gained = found.sum_of(lambda each: each.new + each.expansion)
    lost = found.sum_of(lambda each: each.contraction + each.churn)
    net = gained - lost
    money_of = found.money
    headings = ("MRR at start", "New", "Expansion", "Contraction", "Churn", "MRR at end", "Customers")
    return ReportPage(
        facts=[
            ReportFact("MRR", money_of(found.last.end), counted(found.last.customers, "customer")),
            ReportFact("Net change", money_of(net), found.period),
            ReportFact("New", money_of(found.sum_of(lambda each: each.new))),
            ReportFact("Expansion", money_of(found.sum_of(lambda each: each.expansion))),
            ReportFact("Contraction and churn", money_of(-lost)),
        ],
        chart=Chart(
            sentence=f"MRR gained and lost per month in {found.currency}, {found.period}:"
            f" {money_of(gained)} gained, {money_of(lost)} lost.",
            labels=found.labels,
            series=[
                ChartSeries("New", "cl-b1", [each.new for each in found.months]),
                ChartSeries("Expansion", "cl-b2", [each.expansion for each in found.months]),
                ChartSeries("Contraction", "cl-b3", [-each.contraction for each in found.months]),
                ChartSeries("Churn", "cl-b4", [-each.churn for each in found.months]),
            ],
            text_of=money_of,
            tick_text=found.tick,
        ),
        table=ReportTable(
            [_MONTH, *((heading, True) for heading in headings)],
            [
                [
                    of_month(each.month),
                    *(
                        amount(minor, found.currency)
                        for minor in (
                            each.start,
                            each.new,
                            each.expansion,
                            -each.contraction,
                            -each.churn,
                            each.end,
                        )
                    ),
                    figure(each.customers),
                ]
                for each in reversed(found.months)
            ],
        ),
        option=found.shown.option,
        options=found.shown.options,
        note=found.shown.note,
    )


def retention_page(choices: Choices) -> ReportPage:
    """Net and gross revenue retention of the period and of each month."""
    found = _chosen(choices)
    if found is None:
        return ReportPage()
    whole = retention_of(choices.scope, found.shown, found.months[0].month, found.last.month)
    net, gross = ratio(whole.end, whole.start), ratio(whole.kept, whole.start)
    headings = ("MRR at start", "Expansion", "Contraction", "Churn", "NRR", "GRR")
    return ReportPage(
        facts=[
            ReportFact("Net revenue retention", share(net).text, found.period),
            ReportFact("Gross revenue retention", share(gross).text, "Without expansion"),
            ReportFact("MRR at start", found.money(whole.start), counted(whole.customers, "customer")),
            ReportFact("MRR of the same customers", found.money(whole.end), "At the end of the period"),
            ReportFact("Customers lost", number(whole.lost), f"of {number(whole.customers)}"),
        ],
        chart=Chart(
            sentence=f"Net and gross revenue retention by month in {found.currency}, {found.period}."
            f" Over the whole period, NRR is {share(net).text} and GRR {share(gross).text}.",
            labels=found.labels,
            series=[
                ChartSeries("NRR", "cl-b1", [points(each.net_retention) for each in found.months]),
                ChartSeries("GRR", "cl-b3", [points(each.gross_retention) for each in found.months]),
            ],
            text_of=lambda value: f"{value:.1f}%",
            tick_text=lambda value: f"{number(value)}%",
            is_lines=True,
        ),
        table=ReportTable(
            [_MONTH, *((heading, True) for heading in headings)],
            [
                [
                    of_month(each.month),
                    *(
                        amount(minor, found.currency)
                        for minor in (each.start, each.expansion, -each.contraction, -each.churn)
                    ),
                    share(each.net_retention),
                    share(each.gross_retention),
                ]
                for each in reversed(found.months)
            ],
        ),
        option=found.shown.option,
        options=found.shown.options,
        note=found.shown.note,
    )


def churn_page(choices: Choices) -> ReportPage:
    """Customers and MRR lost by month."""
    found = _chosen(choices)
    if found is None:
        return ReportPage()
    whole = retention_of(choices.scope, found.shown, found.months[0].month, found.last.month)
    lost, churn = found.sum_of(lambda each: each.lost), found.sum_of(lambda each: each.churn)
    headings = (
        "Customers at start",
        "Customers lost",
        "Customer churn",
        "MRR at start",
        "MRR lost",
        "MRR churn",
    )
    return ReportPage(
        facts=[
            ReportFact(
                "Customer churn",
                share(ratio(whole.lost, whole.customers)).text,
                f"Of {counted(whole.customers, 'customer')} with MRR at the start of {month(found.months[0].month)}",
            ),
            ReportFact("Customers lost", number(lost), found.period),
            ReportFact("MRR lost", found.money(churn), found.period),
            ReportFact(
                "Lost this month",
                number(found.last.lost),
                f"{found.money(found.last.churn)} MRR, {share(ratio(found.last.churn, found.last.start)).text} of it at the start",
            ),
        ],
        chart=Chart(
            sentence=f"MRR lost to churn per month in {found.currency}, {found.period}:"
            f" {found.money(churn)} from {counted(lost, 'customer')}.",
            labels=found.labels,
            series=[ChartSeries("Churn", "cl-b4", [each.churn for each in found.months])],
            text_of=found.money,
            tick_text=found.tick,
        ),
        table=ReportTable(
            [_MONTH, *((heading, True) for heading in headings)],
            [
                [
                    of_month(each.month),
                    figure(each.customers_at_start),
                    figure(each.lost),
                    share(ratio(each.lost, each.customers_at_start)),
                    amount(each.start, found.currency),
                    amount(each.churn, found.currency),
                    share(ratio(each.churn, each.start)),
                ]
                for each in reversed(found.months)
            ],
        ),
        option=found.shown.option,
        options=found.shown.options,
        note=found.shown.note,
    )
