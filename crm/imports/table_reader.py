"""Read the rows of a table, CSV or Excel, one after the other."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from crm.imports.cells import looks_like_day
from crm.imports.unpack import NotImportable
from crm.models import FileImport
from customers.formats import number
from customers.readings.emails import is_email

#: A longer line is none: the file has no line ends.
LONGEST_LINE = 4_000_000
MOST_COLUMNS = 1000
DELIMITERS = (",", ";", "\t", "|")
#: So many rows are looked at to find the delimiter and the headings.
_FIRST = 60
_HEADER_WITHIN = 20
#: Below so many empty rows, a line with one cell is no record of a table with so many columns.
_GAP = 2
_WIDE = 3
_MOST_BELOW = 20
#: No customer is called like these, so they are left out in the middle of a table too.
_SUBTOTALS = (
    "subtotal",
    "sub total",
    "grand total",
    "grand totals",
    "zwischensumme",
    "gesamtsumme",
    "sous-total",
)
_TOTALS = (
    *_SUBTOTALS,
    *("total", "totals", "sum", "summe", "gesamt", "somme", "totale"),
    *("average", "count", "durchschnitt", "mittelwert", "anzahl"),
)
_MADE_UP = re.compile(r"Column [A-Z]{1,3}")
#: A text that Excel is to leave as it is: `="01067"`.
_AS_TEXT = re.compile(r'="(.*)"', re.DOTALL)

Row = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a table below its headings; `left_out` says which rows are no records."""

    headings: Sequence[str]
    rows: Iterator[Row]


def find_layout(stream: BinaryIO, kind: str, layout: dict[str, Any]) -> dict[str, Any]:
    """`layout` completed: the delimiter or the sheet, and the row of the headings. Raises `NotImportable`."""
    found = dict(layout)
    if kind == FileImport.Kind.XLSX:
        workbook = _workbook(stream)
        found["sheets"] = workbook.sheet_names
        if found.get("sheet") not in workbook.sheet_names:
            found["sheet"] = _fullest_sheet(workbook)
    elif not found.get("delimiter"):
        found["delimiter"] = _delimiter(stream, found["encoding"])
    first = []
    for row in _raw_rows(stream, kind, found):
        first.append(row)
        if len(first) == _FIRST:
            break
    filled = sum(any(cell.strip() for cell in cells) for _, cells in first)
    if not filled:
        raise NotImportable("The table is empty.")
    found.setdefault("header", _header_row(first))
    if found["header"] and filled == 1:
        raise NotImportable("The table has no rows below its headings.")
    return found


def open_table(stream: BinaryIO, kind: str, layout: dict[str, Any]) -> Table:
    """The table, without empty rows and without a row of totals at its end. Raises `NotImportable`."""
    rows = _raw_rows(stream, kind, layout)
    header = layout["header"]
    if header:
        for at, cells in rows:
            if at >= header:
                headings = _unique(cells)
                break
        else:
            raise NotImportable("The table has no row with that number.")
        return Table(headings, _records(rows, len(headings)))
    first = next(rows, None)
    if first is None:
        raise NotImportable("The table is empty.")
    headings = _unique([""] * len(first[1]))
    return Table(headings, _records(_with(first, rows), len(headings)))


def is_total(cells: Sequence[str], words: Sequence[str] = _TOTALS) -> bool:
    """Whether a row looks like the sum of those above it."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return bool(filled) and filled[0].rstrip(":").casefold() in words and len(filled) < max(3, len(cells))


def _with(first: Row, rest: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from rest


def _records(rows: Iterator[Row], width: int) -> Iterator[Row]:
    """The rows that are records. Sums, and the lines that a report adds about itself below the table, are left out."""
    below: list[Row] = []
    gap = 0
    for at, cells in rows:
        filled = sum(1 for cell in cells if cell.strip())
        if not filled:
            gap += 1
            continue
        row = (at, (cells + [""] * width)[:width])
        is_alone = filled == 1 and width >= _WIDE
        may_be_below = is_total(cells) or (is_alone and (bool(below) or gap >= _GAP))
        gap = 0
        if may_be_below and len(below) < _MOST_BELOW:
            below.append(row)
            continue
        # Rows follow, so these lines weren't the end of the table.
        yield from (each for each in below if not is_total(each[1], _SUBTOTALS))
        below = []
        yield row


def _unique(cells: Sequence[str]) -> list[str]:
    """Headings that differ: "Email (2)" for the second "Email", "Column C" for an empty one."""
    while cells and not cells[-1].strip() and any(cell.strip() for cell in cells):
        cells = cells[:-1]
    seen: Counter[str] = Counter()
    found = []
    for place, cell in enumerate(cells):
        name = " ".join(cell.split())[:200] or f"Column {_letters(place)}"
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def is_made_up(heading: str) -> bool:
    """Whether a column has no heading of its own."""
    return _MADE_UP.fullmatch(heading) is not None


def _letters(place: int) -> str:
    """The letters of a column in spreadsheets, from 0: A, B, … Z, AA."""
    text = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        text = chr(65 + rest) + text
    return text


def _header_row(rows: Sequence[Row]) -> int:
    """The number of the row with the headings; 0 if the first row is data already."""
    width = max(sum(1 for cell in cells if cell.strip()) for _, cells in rows)
    for at, cells in rows[:_HEADER_WITHIN]:
        filled = [cell.strip() for cell in cells if cell.strip()]
        if len(filled) < max(1, width * 0.6):
            continue
        is_data = any(is_email(cell) or looks_like_day(cell) or _is_figure(cell) for cell in filled)
        return 0 if is_data else at
    return 0


def _is_figure(text: str) -> bool:
    return text.replace(".", "").replace(",", "").replace("+", "").replace(" ", "").isdigit()


def _raw_rows(stream: BinaryIO, kind: str, layout: dict[str, Any]) -> Iterator[Row]:
    stream.seek(0)
    if kind == FileImport.Kind.XLSX:
        yield from _sheet_rows(stream, layout["sheet"])
    else:
        yield from _csv_rows(stream, layout["encoding"], layout["delimiter"])


def _csv_rows(stream: BinaryIO, encoding: str, delimiter: str) -> Iterator[Row]:
    text = io.TextIOWrapper(_Unclosed(stream), encoding=encoding, errors="replace", newline="")
    reader = csv.reader(_lines(text), delimiter=delimiter)
    try:
        for at, cells in enumerate(reader, start=1):
            if at == 1 and len(cells) <= 2 and cells and cells[0].casefold().startswith("sep="):
                continue
            if len(cells) > MOST_COLUMNS:
                raise NotImportable(f"Row {number(at)} has more than {number(MOST_COLUMNS)} columns.")
            yield at, [_plain(cell) for cell in cells]
    except csv.Error as problem:
        where = f"Row {number(reader.line_num)}"
        raise NotImportable(
            f"{where} can't be read ({problem}). Check that each quotation mark is closed."
        ) from None


def _plain(cell: str) -> str:
    text = cell.replace("\0", "").strip()
    found = _AS_TEXT.fullmatch(text) if text.startswith('="') else None
    return found[1].strip('"').strip() if found else text


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """The lines, none of them longer than `LONGEST_LINE`."""
    while line := text.readline(LONGEST_LINE):
        if len(line) >= LONGEST_LINE:
            raise NotImportable(
                f"A line is longer than {number(LONGEST_LINE)} characters. Check that the file has line ends."
            )
        yield line


class _Unclosed(io.BufferedReader):
    """A stream that stays open when its text wrapper goes."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(_Borrowed(stream), 1 << 16)


class _Borrowed(io.RawIOBase):
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer)) or b""
        buffer[: len(data)] = data
        return len(data)


def _delimiter(stream: BinaryIO, encoding: str) -> str:
    """The delimiter with which most rows have the same number of cells, and of those the one with the most cells."""
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        widths: list[int] = []
        stream.seek(0)
        try:
            for _, cells in _csv_rows(stream, encoding, delimiter):
                if any(cells):
                    widths.append(len(cells))
                if len(widths) == _FIRST:
                    break
        except NotImportable:
            if not widths:
                raise
        if not widths:
            continue
        width, count = (
            Counter(each for each in widths if each > 1).most_common(1)[0] if max(widths) > 1 else (1, 0)
        )
        score = (round(count / len(widths), 1), width)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _workbook(stream: BinaryIO) -> CalamineWorkbook:
    stream.seek(0)
    try:
        return CalamineWorkbook.from_filelike(stream)
    except PasswordError:
        raise NotImportable(
            "This workbook is password-protected. Remove the password in Excel, and upload it again."
        ) from None
    except (CalamineError, OSError, ValueError):
        raise NotImportable("The workbook is damaged. Open it in Excel, and save it again.") from None


def _fullest_sheet(workbook: CalamineWorkbook) -> str:
    """The first sheet with more than a few cells, else the fullest one."""
    sizes = {}
    for name in workbook.sheet_names:
        try:
            sheet = workbook.get_sheet_by_name(name)
        except CalamineError:
            continue
        sizes[name] = sheet.height * sheet.width
        if sheet.height > 1 and sheet.width > 1:
            return name
    if not sizes or not max(sizes.values()):
        raise NotImportable("All sheets of the workbook are empty.")
    return max(sizes, key=lambda name: sizes[name])


def _sheet_rows(stream: BinaryIO, name: str) -> Iterator[Row]:
    workbook = _workbook(stream)
    try:
        sheet = workbook.get_sheet_by_name(name)
    except CalamineError:
        raise NotImportable(
            f"The sheet “{name}” can't be read. Open the workbook in Excel, and save it again."
        ) from None
    start = sheet.start
    if start is None:
        return
    if sheet.width > MOST_COLUMNS:
        raise NotImportable(f"The sheet has more than {number(MOST_COLUMNS)} columns.")
    for at, cells in enumerate(sheet.iter_rows(), start=start[0] + 1):
        yield at, [_cell_text(cell) for cell in cells]


def _cell_text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, date | time | timedelta):
        return str(cell)
    return "" if cell is None else str(cell)
