"""Rows as CSV, in UTF-8 with a byte order mark so that spreadsheets recognize it, and safe against formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

from crm.desk.spreadsheets.columns import Cell
from crm.desk.spreadsheets.csv_safety import plain_cell
from customers.json_types import to_iso

_MARK = "\ufeff"


def head(headings: Sequence[str]) -> bytes:
    """The byte order mark and the headings."""
    return (_MARK + _lines([[plain_cell(each) for each in headings]])).encode()


def body(rows: Iterable[Sequence[Cell]]) -> bytes:
    """One line per row: numbers without commas, days and moments in ISO 8601."""
    return _lines([_text(cell) for cell in row] for row in rows).encode()


def _lines(rows: Iterable[Sequence[str]]) -> str:
    lines = io.StringIO()
    csv.writer(lines).writerows(rows)
    return lines.getvalue()


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return plain_cell(cell)
    if isinstance(cell, datetime):
        return to_iso(cell)
    return cell.isoformat() if isinstance(cell, date) else _number(cell)


def _number(cell: int | Decimal) -> str:
    return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)
