"""The part of the home page on recurring revenue, in one currency or in the reporting currency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date

from billing.formats import money
from billing.rates.convert import Converted, Rates, reporting_currency
from crm.desk.home.movement import Movement, Movements
from crm.reports.chart import Chart, ChartSeries
from crm.reports.currencies import ShownCurrency, shown_currency
from crm.reports.formats import compact_money
from crm.reports.table import ratio, share
from customers.formats import counted, month

#: What moves MRR: label, column, sign, and color in the chart.
_SERIES = (
    ("New", "new", 1, "cl-b1"),
    ("Expansion", "expansion", 1, "cl-b2"),
    ("Contraction", "contraction", -1, "cl-b3"),
    ("Churn", "churn", -1, "cl-b4"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenuePart:
    """MRR and its movement. `mrr` and `net` are of all currencies, the rest is in the chosen one."""

    mrr: Converted
    net: Converted
    customers: int
    won: int
    lost: int
    month: str
    figures: Sequence[tuple[str, str]]
    chart: Chart
    table: Sequence[Sequence[str]]
    option: str
    options: Sequence[tuple[str, str]]
    note: str


def revenue_part(found: Movements, chosen: str, today: date) -> RevenuePart | None:
    """The movement of MRR in the currency `chosen`, or what is usual; None if there was never any. At most two queries."""
    of_currency = {code: months for code, months in found.of_currency.items() if _any_money(months)}
    if not of_currency:
        return None
    weights = {code: months[max(months)].customers for code, months in of_currency.items()}
    shown = shown_currency(weights, chosen, today)
    months = _together(of_currency, shown)
    latest = max(months)
    last = months[latest]
    net = _net(last)
    words = month(latest)
    rates = Rates(today, reporting_currency())
    latest_of = {code: found[max(found)] for code, found in of_currency.items()}
    return RevenuePart(
        mrr=rates.convert({code: each.mrr for code, each in latest_of.items()}),
        net=rates.convert({code: _net(each) for code, each in latest_of.items()}),
        customers=sum(each.customers for each in latest_of.values()),
        won=sum(each.won for each in latest_of.values()),
        lost=sum(each.lost for each in latest_of.values()),
        month=words,
        figures=(
            (f"Net new, {words}", signed(net, shown.code)),
            ("NRR, 12 months", share(ratio(last.year_end, last.year_start)).text),
            ("GRR, 12 months", share(ratio(last.year_kept, last.year_start)).text),
            (f"MRR churn, {words}", share(ratio(last.churn, last.mrr - net)).text),
        ),
        chart=_chart(months, shown.code),
        table=[
            [
                month(first),
                *(money(sign * getattr(each, name), shown.code) for _, name, sign, _ in _SERIES),
                money(each.mrr, shown.code),
            ]
            for first, each in sorted(months.items(), reverse=True)
        ],
        option=shown.option,
        options=shown.options,
        note=shown.note,
    )


def _any_money(months: Mapping[date, Movement]) -> bool:
    return any(each.mrr or each.churn or each.contraction for each in months.values())


def _together(
    of_currency: Mapping[str, Mapping[date, Movement]], shown: ShownCurrency
) -> dict[date, Movement]:
    """The months of the shown currencies, their amounts converted. A customer with two currencies counts in each."""
    parts = {code: of_currency[code] for code in shown.codes}
    counts = {"customers", "won", "lost"}
    together = {}
    for first in sorted({first for months in parts.values() for first in months}):
        of_month = {code: months[first] for code, months in parts.items() if first in months}
        sums = {
            each.name: sum(getattr(movement, each.name) for movement in of_month.values())
            if each.name in counts
            else shown.total({code: getattr(movement, each.name) for code, movement in of_month.items()})
            for each in fields(Movement)
        }
        together[first] = Movement(**sums)
    return together


def _net(movement: Movement) -> int:
    return movement.new + movement.expansion - movement.contraction - movement.churn


def signed(minor: int, currency: str) -> str:
    """`+$1,310.00`."""
    return f"{'+' if minor > 0 else ''}{money(minor, currency)}"


def _chart(months: Mapping[date, Movement], currency: str) -> Chart:
    ordered = sorted(months.items())
    (first, _), (latest, last) = ordered[0], ordered[-1]
    moved = ", ".join(
        f"{label.lower()} {money(getattr(last, name), currency)}" for label, name, _, _ in _SERIES
    )
    return Chart(
        sentence=f"MRR movement by month in {currency}, {month(first)} to {month(latest)}. {month(latest)}: {moved},"
        f" net {signed(_net(last), currency)}, MRR {money(last.mrr, currency)} from"
        f" {counted(last.customers, 'customer')}.",
        labels=[month(each) for each, _ in ordered],
        series=[
            ChartSeries(label, color, [sign * getattr(each, name) for _, each in ordered])
            for label, name, sign, color in _SERIES
        ],
        text_of=lambda value: money(int(value), currency),
        tick_text=lambda value: compact_money(value, currency),
    )
