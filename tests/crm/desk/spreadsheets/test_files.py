"""The two formats, read back by programs that are not ours."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook  # type: ignore[import-untyped]

from crm.desk.spreadsheets import csv_file, xlsx_file
from crm.desk.spreadsheets.columns import Cell
from crm.desk.spreadsheets.csv_safety import from_cell
from crm.desk.spreadsheets.exports import assembled

DANGEROUS = [
    "=1+1",
    "+1 555 0100",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "'quoted",
    "  =1",
    '=HYPERLINK("https://example.com","x")',
]


def sheet(rows: Sequence[Sequence[Cell]], headings: Sequence[str]) -> Any:
    data = b"".join(assembled("xlsx", headings, [xlsx_file.body([row]) for row in rows]))
    return load_workbook(io.BytesIO(data)).active


def lines(rows: Sequence[Sequence[Cell]], headings: Sequence[str]) -> list[list[str]]:
    data = b"".join(assembled("csv", headings, [csv_file.body([row]) for row in rows]))
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("text", DANGEROUS)
def test_csv_runs_nothing_and_gives_the_text_back(text: str) -> None:
    [_, [cell]] = lines([[text]], ["Name"])
    assert cell.startswith("'")
    assert from_cell(cell) == text


@pytest.mark.parametrize(
    "text", [*DANGEROUS, "plain", "a\nb", "<&>\"'", "\x01\x0b", "_x0041_", "  spaces  ", "Ü 🙂"]
)
def test_a_sheet_runs_nothing_and_holds_the_text_as_it_is(text: str) -> None:
    cell = sheet([[text]], ["Name"])["A2"]
    assert cell.data_type == "s"
    assert (
        cell.value.replace("_x0001_", "\x01")
        .replace("_x000B_", "\x0b")
        .replace("_x000D_", "\r")
        .replace("_x005F_", "_")
        == text
    )


def test_numbers_days_and_moments_are_such_in_a_sheet() -> None:
    at = datetime(2026, 3, 1, 1, 30, 15, 250_000, tzinfo=timezone(timedelta(hours=2)))
    found = sheet([["x", 7, Decimal("1234.50"), date(2026, 2, 28), at, None, ""]], list("ABCDEFG"))
    values = [cell.value for cell in found[2]]
    assert values[:3] == ["x", 7, 1234.5]
    assert values[3].isoformat() == "2026-02-28T00:00:00"
    assert values[4].isoformat(timespec="seconds") == "2026-02-28T23:30:15"
    assert values[5:] == [None, None]
    assert [found[f"{column}2"].is_date for column in "ABCDE"] == [False, False, False, True, True]
    assert found["A1"].font.b
    assert found.freeze_panes == "A2"


def test_numbers_days_and_moments_in_csv() -> None:
    at = datetime(2026, 3, 1, 1, 30, tzinfo=UTC)
    [head, row] = lines(
        [[7, Decimal("-1234.50"), date(2026, 2, 28), at, None, 'a "b", c\nd']], list("ABCDEF")
    )
    assert head == list("ABCDEF")
    assert row == ["7", "-1234.50", "2026-02-28", "2026-03-01T01:30:00.000Z", "", 'a "b", c\nd']


def test_a_file_without_rows_has_its_headings() -> None:
    assert lines([], ["Id", "Name"]) == [["Id", "Name"]]
    assert [cell.value for cell in sheet([], ["Id", "Name"])[1]] == ["Id", "Name"]
