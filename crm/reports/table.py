"""The table of a report: each cell as it looks on the page and as it is in a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from billing.formats import money
from billing.rules.exact import EXACT
from billing.rules.money import from_minor
from crm.desk.spreadsheets.columns import Cell
from customers.formats import EMPTY, month, number

_HUNDRED = Decimal(100)
_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class ReportCell:
    """A cell: its text on the page, its value in a file, and whether it is a figure."""

    text: str
    value: Cell
    is_figure: bool = True


@dataclass(frozen=True, slots=True)
class ReportTable:
    """Headings with whether each is over figures, rows, and a row of totals if there is one."""

    headings: Sequence[tuple[str, bool]]
    rows: Sequence[Sequence[ReportCell]]
    total: Sequence[ReportCell] = field(default=())


def words(text: str) -> ReportCell:
    """A name or a label."""
    return ReportCell(text, text, is_figure=False)


def of_month(first: date) -> ReportCell:
    """A month; in a file its first day."""
    return ReportCell(month(first), first, is_figure=False)


def amount(minor: int, currency: str) -> ReportCell:
    """An amount of minor units; in a file in major units."""
    try:
        value: Cell = from_minor(minor, currency)
    except ValueError:
        value = minor
    return ReportCell(money(minor, currency), value)


def figure(value: Decimal | int) -> ReportCell:
    """A count or a quantity."""
    return ReportCell(number(value), value)


def share(value: Decimal | None) -> ReportCell:
    """A share as a percentage with one decimal; in a file too."""
    if value is None:
        return ReportCell(EMPTY, None)
    percentage = EXACT.multiply(value, _HUNDRED).quantize(_TENTH)
    return ReportCell(f"{percentage:,}%", percentage)


def ratio(part: int | Decimal, whole: int | Decimal) -> Decimal | None:
    """What share `part` is of `whole`; None if there is no whole."""
    return EXACT.divide(Decimal(part), Decimal(whole)) if whole else None
