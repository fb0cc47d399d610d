"""What is found in each column of a table, the field that it becomes by that, and why: shown to the user to correct."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.utils.text import capfirst

from crm.imports.cells import (
    day_order,
    decimal_mark,
    is_nothing,
    looks_like_day,
    read_amount,
    read_day,
    read_founding,
)
from crm.imports.fields import CUSTOM, FIELDS, KEY, Field, guess_by_headings
from crm.imports.presets import fields_of, recognize
from crm.imports.table_reader import Row, is_made_up
from customers.formats import counted, number
from customers.readings.countries import country
from customers.readings.emails import is_email

#: Each cell of so many rows is looked at; of later ones only those that decide how days and amounts are read.
LOOKED_AT = 5000
_SAMPLES = 3
_FEW = 12
_MOST_UNIQUE = 1_000_000
_MOSTLY = 0.8
_LONGEST_SAMPLE = 60


@dataclass(slots=True)
class Column:
    """What a column holds; kept as JSON with the import."""

    heading: str
    samples: list[str] = field(default_factory=list)
    filled: int = 0
    looked_at: int = 0
    emails: int = 0
    days: int = 0
    countries: int = 0
    is_unique: bool = True
    #: `dmy` or `mdy` if a day can be read in one way only, with the row and the cell that show it.
    order: str = ""
    order_row: int = 0
    order_cell: str = ""
    #: The same for amounts: `,` or `.`.
    mark: str = ""
    mark_row: int = 0
    mark_cell: str = ""
    values: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def look_at(headings: Sequence[str], rows: Iterator[Row]) -> tuple[list[Column], int]:
    """What the columns hold, and how many rows there are."""
    columns = [Column(heading) for heading in headings]
    seen: list[set[int]] = [set() for _ in columns]
    total = 0
    for at, cells in rows:
        total += 1
        for column, cell, before in zip(columns, cells, seen, strict=False):
            if not cell or is_nothing(cell):
                continue
            column.filled += 1
            if column.is_unique:
                token = hash(cell)
                column.is_unique = token not in before and len(before) < _MOST_UNIQUE
                before.add(token)
            if total <= LOOKED_AT:
                _look(column, cell)
            if not column.order and (order := day_order(cell)):
                column.order, column.order_row, column.order_cell = order, at, cell[:_LONGEST_SAMPLE]
            if not column.mark and (mark := decimal_mark(cell)):
                column.mark, column.mark_row, column.mark_cell = mark, at, cell[:_LONGEST_SAMPLE]
    for column in columns:
        column.is_unique = column.is_unique and column.filled > 0
    return columns, total


def _look(column: Column, cell: str) -> None:
    column.looked_at += 1
    column.emails += "@" in cell and is_email(cell)
    column.days += cell[:1].isalnum() and looks_like_day(cell)
    if len(column.values) <= _FEW and cell not in column.values:
        column.values.append(cell[:_LONGEST_SAMPLE])
    if len(column.samples) < _SAMPLES and cell[:_LONGEST_SAMPLE] not in column.samples:
        column.samples.append(cell[:_LONGEST_SAMPLE])


def guess(columns: Sequence[Column]) -> tuple[dict[str, str], str]:
    """The field of each column, by its heading, and the title of the preset that told it (empty without one).

    By a known export, else by the headings, and what is left by what the cells hold.
    """
    headings = [column.heading for column in columns]
    preset = recognize(headings)
    if preset is not None:
        return fields_of(preset, headings), preset.title
    found = guess_by_headings(headings)
    for column in columns:
        by_content = _by_content(column)
        if column.heading not in found and by_content and by_content not in found.values():
            found[column.heading] = by_content
    naming = {"name", "company.name", "person.name", "person.last_name"}
    # Where the columns are called by letters, a column of texts that has no field yet is that of the names.
    if not set(found.values()) & (naming if all(map(is_made_up, headings)) else naming | {"email"}):
        text = next((each for each in columns if each.heading not in found and _is_wordy(each)), None)
        if text is not None:
            found[text.heading] = "name"
    if KEY in found.values():
        _drop_bad_key(columns, found)
    return found, ""


def _by_content(column: Column) -> str:
    if not column.looked_at:
        return ""
    if column.emails >= column.looked_at * _MOSTLY:
        return "email"
    known = [country(value)[0] for value in column.values]
    if (
        len(column.values) > 1
        and all(len(code) == 2 and code.isalpha() for code in known)
        and all(value.isalpha() and (len(value) != 2 or value.isupper()) for value in column.values)
    ):
        return "address.country"
    return ""


def _is_wordy(column: Column) -> bool:
    return bool(column.samples) and all(any(map(str.isalpha, sample)) for sample in column.samples)


def _drop_bad_key(columns: Sequence[Column], found: dict[str, str]) -> None:
    """A key names one record each time: "No" with three values is none."""
    for column in columns:
        if found.get(column.heading) == KEY and not column.is_unique:
            del found[column.heading]


def options_of(columns: Sequence[Column], fields: Mapping[str, str]) -> dict[str, Any]:
    """How days and amounts of the file are read, by what its columns show."""
    days = [each for each in columns if each.order and _holds(fields, each) in ("day", "founding", "text")]
    amounts = [each for each in columns if each.mark and _holds(fields, each) == "amount"]
    return {
        "order": days[0].order if days else "",
        "mark": amounts[0].mark if amounts else "",
    }


def _holds(fields: Mapping[str, str], column: Column) -> str:
    name = fields.get(column.heading, "")
    return FIELDS[name].holds if name in FIELDS else "text"


def explain(
    column: Column, name: str, options: Mapping[str, Any], known: Mapping[str, Field] = FIELDS
) -> tuple[str, bool]:
    """Why a column becomes its field, or what is wrong with that, and whether it is wrong."""
    if not column.filled:
        return "Empty", False
    if not name:
        return _values(column), False
    if name == CUSTOM:
        return f"Custom data “{column.heading}”", False
    if name == KEY:
        if column.is_unique:
            return f"{counted(column.filled, 'unique value')}", False
        return "Rows with the same value become one record", False
    holds = known[name].holds if name in known else "text"
    if holds == "email":
        bad = column.looked_at - column.emails
        return (
            f"{number(column.emails)} valid, {number(bad)} refused" if bad else "All valid",
            bad > column.emails,
        )
    if holds in ("day", "founding"):
        return _explain_days(column, holds, str(options.get("order") or ""))
    if holds == "amount":
        return _explain_amounts(column, str(options.get("mark") or ""))
    if holds == "country":
        unknown = [value for value in column.values if len(country(value)[0]) != 2]
        if unknown:
            return f"Unknown: {unknown[0]}", len(unknown) == len(column.values)
        return counted(len(column.values), "spelling") + " matched", False
    return "", False


def _values(column: Column) -> str:
    if len(column.values) <= _FEW:
        return f"{counted(len(column.values), 'value')}, not imported"
    return "Not imported"


def _explain_days(column: Column, holds: str, order: str) -> tuple[str, bool]:
    read = read_day if holds == "day" else read_founding
    unread = next((each for each in column.samples if read(each, order or "dmy") is None), None)
    if unread is not None:
        return f"“{unread}” is no date", True
    words = {"dmy": "Day first", "mdy": "Month first"}
    if column.order:
        return f"{words[column.order]}: row {number(column.order_row)} has {column.order_cell}", (
            bool(order) and order != column.order
        )
    if column.samples and column.samples[0][:4].isdigit():
        return "Year first", False
    return f"{words.get(order, 'Day first')}, as no row shows otherwise", False


def _explain_amounts(column: Column, mark: str) -> tuple[str, bool]:
    words = {",": "decimal comma", ".": "decimal point"}
    found = [read_amount(sample, mark or ".") for sample in column.samples]
    unread = next((text for text, value in zip(column.samples, found, strict=True) if value is None), None)
    if unread is not None:
        return f"“{unread}” is no amount", True
    currencies = sorted({value[1] for value in found if value and value[1]})
    parts = [", ".join(currencies)] if currencies else []
    if column.mark:
        parts.append(f"{words[column.mark]}: row {number(column.mark_row)} has {column.mark_cell}")
    else:
        parts.append(words.get(mark, "decimal point"))
    return capfirst(", ".join(parts)), bool(column.mark and mark and column.mark != mark)
