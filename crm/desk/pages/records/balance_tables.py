"""The tables on the page of a balance."""

from __future__ import annotations

from datetime import datetime

from billing.explain.types import BalanceExplained, Explanation
from billing.ledger.statement import StatementLine
from billing.ledger.totals import DailyFigures
from billing.models import Balance
from crm.desk.pages.records.tables import Cell, Table, cells
from customers.formats import (
    counted,
    day,
    moment,
    number,
    page_of_key,
    when,
)
from customers.sheets import act_url

#: The most rows of a table, and of ledger entries.
ROWS_SHOWN = 100
LEDGER_SHOWN = 50


def grants_table(own: BalanceExplained) -> Table:
    figures = own.figures
    rows = [
        cells(
            Cell(
                text=_named(row.name, row.owner),
                detail=", ".join(f"{number(term.amount)}: {term.words}" for term in row.terms),
            ),
            number(row.granted),
            "Unlimited" if row.unlimited else number(row.remaining),
            number(row.usage),
            number(row.overage),
            _ends(row.next_reset_at, row.expires_at),
        )
        for row in own.rows[:ROWS_SHOWN]
    ]
    rows.append(
        cells(
            "Total",
            number(figures.granted),
            "Unlimited" if figures.unlimited else number(figures.remaining),
            number(figures.usage),
            number(figures.billable_overage),
            "",
        )
    )
    hidden = len(own.rows) - ROWS_SHOWN
    return Table(
        key="grants",
        title="Grants",
        headings=("Grant", "Granted", "Remaining", "Used", "Overage", "Ends"),
        rows=rows,
        figures=frozenset({1, 2, 3, 4}),
        wide=frozenset({1, 4}),
        about=own.overage_words,
        more=f"{counted(hidden, 'other grant')} not shown." if hidden > 0 else "",
        has_total=True,
    )


def left_out_table(own: BalanceExplained) -> Table:
    return Table(
        key="left-out",
        title="Not counted",
        headings=("Grant", "Would hold", "Reason"),
        rows=[
            cells(_named(row.name, row.owner), number(row.held), row.reason)
            for row in own.left_out[:ROWS_SHOWN]
        ],
        figures=frozenset({1}),
        more="Others that ended earlier are not shown." if own.left_out_more else "",
    )


def others_table(others: list[BalanceExplained]) -> Table:
    return Table(
        key="others",
        title="Other balances that pay for it",
        headings=("Balance", "Remaining", "Used", "Credits per unit"),
        rows=[
            cells(
                Cell(text=each.feature, url=page_of_key(Balance, each.id)),
                "Unlimited" if each.figures.unlimited else number(each.figures.remaining),
                number(each.figures.usage),
                number(each.credit_cost),
            )
            for each in others
        ],
        figures=frozenset({1, 2, 3}),
    )


def order_table(explanation: Explanation) -> Table:
    only = ", ".join(explanation.unreachable)
    return Table(
        key="order",
        title="Deduction order",
        headings=("Order", "Grant", "Available", "Overage", "Reason"),
        rows=[
            cells(
                place.number,
                Cell(text=_named(place.name, place.owner), detail=place.feature),
                "Unlimited" if place.available is None else number(place.available),
                place.beyond,
                place.reason,
            )
            for place in explanation.order[:ROWS_SHOWN]
        ],
        figures=frozenset({2}),
        wide=frozenset({3}),
        more=f"Only usable by their own entities: {only}." if only else "",
    )


def costs_table(explanation: Explanation) -> Table:
    return Table(
        key="costs",
        title="Credit costs",
        headings=("Feature", "Credits per unit"),
        rows=[cells(feature, number(cost)) for feature, cost in explanation.drawn_by],
        figures=frozenset({1}),
    )


def course_table(points: list[DailyFigures]) -> Table | None:
    """The days with a change, latest first."""
    changed = [
        point
        for before, point in zip([None, *points], points, strict=False)
        if before is None
        or (before.granted, before.usage, before.remaining) != (point.granted, point.usage, point.remaining)
    ]
    return Table(
        key="days",
        title="Days with changes",
        headings=("End of", "Granted", "Used", "Remaining"),
        rows=[
            cells(
                day(point.day),
                number(point.granted),
                number(point.usage),
                "Unlimited" if point.remaining is None else number(point.remaining),
            )
            for point in reversed(changed)
        ],
        figures=frozenset({1, 2, 3}),
    )


def ledger_table(lines: list[StatementLine], may_change: bool) -> Table:
    return Table(
        key="ledger",
        title="Ledger",
        headings=("When", "Entry", "By", "Change", "Remaining"),
        rows=[
            cells(
                when(line.posting.occurred_at),
                Cell(
                    text=line.posting.get_kind_display() + (", reversed" if line.reversed_by else ""),
                    detail=". ".join(
                        part
                        for part in (
                            line.posting.reason,
                            "Reverses an earlier entry" if line.posting.reverses_id else "",
                        )
                        if part
                    ),
                    acts=[("Reverse…", act_url("reverse-entry", line.posting))]
                    if may_change and not line.reversed_by and not line.posting.reverses_id
                    else [],
                ),
                line.posting.done_by,
                f"{'+' if line.change > 0 else ''}{number(line.change)}",
                "Unlimited" if line.remaining is None else number(line.remaining),
            )
            for line in lines
        ],
        figures=frozenset({3, 4}),
        wide=frozenset({2}),
        more=f"The last {LEDGER_SHOWN} entries." if len(lines) == LEDGER_SHOWN else "",
    )


def _named(name: str, owner: str) -> str:
    return f"{name} of {owner}" if owner else name


def _ends(resets_at: datetime | None, expires_at: datetime | None) -> str:
    parts = [f"Resets {moment(resets_at)}"] if resets_at else []
    if expires_at:
        parts.append(f"Expires {moment(expires_at)}")
    return ", ".join(parts) or "-"
