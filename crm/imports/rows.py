"""Make records out of the rows of a table: by the mapping of its columns, with rows of one key together."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from crm.custom_fields.types import BadFieldValue
from crm.imports.cells import (
    is_nothing,
    is_shortened,
    read_amount,
    read_day,
    read_founding,
    read_list,
    read_phone,
)
from crm.imports.fields import CUSTOM, FIELDS, IGNORE, KEY, OWN, Field
from crm.imports.table_reader import Row
from customers.ingest.reader import BadRecord, Record, read_value
from customers.readings.emails import is_email, received_email
from customers.readings.folding import folded
from customers.readings.mailboxes import read_host

Values = dict[str, Any]

#: The fields that can identify a customer: the first that is filled in counts.
_IDENTIFIERS = (KEY, "stripe_id", "external_id")
_TELLING_APART = frozenset({*_IDENTIFIERS, "business.tax_identifier", "business.company_number"})
#: Most digits that a figure of a document has before and after its point.
_LARGEST = Decimal(10) ** 15
_YES = {
    "active": "active",
    "aktiv": "active",
    "inactive": "inactive",
    "inaktiv": "inactive",
    "suspended": "suspended",
}


class BadCell(Exception):
    """A cell can't be read as its field; the text says what to enter."""

    def __init__(self, heading: str, reason: str) -> None:
        super().__init__(reason)
        self.heading = heading
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """How the columns of a table are read."""

    headings: Sequence[str]
    fields: Mapping[str, str]
    order: str = "dmy"
    mark: str = "."
    known: Mapping[str, Field] = field(default_factory=lambda: FIELDS)
    #: Cells that the user corrected: by the number of their row, then by heading.
    mends: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def records_of(rows: Iterable[Row], mapping: ColumnMapping) -> Iterator[Record | BadRecord]:
    """The records of the rows, numbered by their first row, in order.

    Rows with one key are one record: the first value of each field, and all people, tags, domains, notes and tasks. Memory is
    bounded: drafts wait in a temporary database.
    """
    with closing(sqlite3.connect("")) as drafts:
        drafts.execute("CREATE TABLE draft (key TEXT, number INTEGER PRIMARY KEY, text TEXT, bad INTEGER)")
        drafts.executemany("INSERT INTO draft VALUES (?, ?, ?, ?)", _drafts(rows, mapping))
        drafts.execute("CREATE INDEX by_key ON draft (key, number)")
        found = drafts.execute(
            "SELECT draft.number, text, bad, draft.key FROM draft JOIN"
            " (SELECT key, MIN(number) AS first FROM draft GROUP BY key) AS groups USING (key)"
            " ORDER BY groups.first, draft.number"
        )
        together: Values = {}
        first, key = 0, None
        for number, text, bad, own_key in found:
            if key is not None and own_key != key:
                yield _record(first, together)
                key = None
            if bad:
                refused = json.loads(text)
                yield BadRecord(
                    number,
                    refused["heading"],
                    refused["reason"],
                    json.dumps(refused["cells"], ensure_ascii=False),
                )
                continue
            values = json.loads(text)
            if key is None:
                first, key, together = number, own_key, values
            else:
                _add(together, values)
        if key is not None:
            yield _record(first, together)


def _drafts(rows: Iterable[Row], mapping: ColumnMapping) -> Iterator[tuple[str, int, str, int]]:
    for at, received in rows:
        cells = _mended(received, mapping.headings, mapping.mends.get(str(at), {}))
        try:
            values = read_row(cells, mapping)
        except BadCell as bad:
            shown = {heading: cell for heading, cell in zip(mapping.headings, cells, strict=False) if cell}
            text = json.dumps(
                {"heading": bad.heading, "reason": bad.reason, "cells": shown}, ensure_ascii=False
            )
            yield f"\0{at}", at, text, 1
        else:
            yield values["id"], at, json.dumps(values, ensure_ascii=False), 0


def _mended(cells: Sequence[str], headings: Sequence[str], mends: Mapping[str, str]) -> Sequence[str]:
    if not mends:
        return cells
    return [mends.get(heading, cell) for heading, cell in zip(headings, cells, strict=False)]


def _record(number: int, values: Values) -> Record:
    text = json.dumps(values, ensure_ascii=False)
    return Record(number, text, read_value(text))


def _add(together: Values, values: Values) -> None:
    """Add the values of another row of the same record."""
    for name, value in values.items():
        if name not in together:
            together[name] = value
        elif isinstance(value, dict):
            _add(together[name], value)
        elif isinstance(value, list):
            together[name] += [each for each in value if each not in together[name]]


def read_row(cells: Sequence[str], mapping: ColumnMapping) -> Values:
    """What a row says, as a value of `FileCustomer`. Raises `BadCell`."""
    found: dict[str, Any] = {}
    custom: dict[str, Any] = {}
    for heading, cell in zip(mapping.headings, cells, strict=False):
        name = mapping.fields.get(heading, IGNORE)
        if not name or is_nothing(cell):
            continue
        if name == CUSTOM:
            custom[heading] = {"display_label": heading, "string_value": cell}
        elif name not in found and name in mapping.known:
            _check_digits(heading, cell, mapping.known[name])
            found[name] = _read(heading, cell, mapping.known[name], mapping)
    key = _key(found, mapping)
    payments, crm = _payments(found), _crm(found, custom, key)
    values: Values = {"id": key, "payments": payments, "crm": crm}
    values |= {name: found[name] for name in ("stripe_id", "external_id", "owner", "tags") if name in found}
    for name in ("note", "task"):
        if name in found:
            values[f"{name}s"] = [found[name]]
    if own := {name.removeprefix(OWN): text for name, text in found.items() if name.startswith(OWN)}:
        values["fields"] = own
    return values


def _check_digits(heading: str, cell: str, wanted: Field) -> None:
    """Two numbers that a spreadsheet shortened can look the same, so that they would be taken for one customer's."""
    if is_shortened(cell) and (wanted.name in _TELLING_APART or wanted.holds == "phone"):
        raise BadCell(
            heading, f"“{cell[:80]}” is a number that a spreadsheet shortened. Enter it with all its digits."
        )


def _read(heading: str, cell: str, wanted: Field, mapping: ColumnMapping) -> Any:
    if wanted.stored is None:
        return _read_as(heading, cell, wanted.holds, mapping)
    try:
        return wanted.stored(str(_read_as(heading, cell, wanted.holds, mapping)))
    except BadFieldValue as problem:
        raise BadCell(heading, f"“{cell[:80]}” doesn't fit {wanted.label}. {problem}") from None


def _read_as(heading: str, cell: str, holds: str, mapping: ColumnMapping) -> Any:
    if holds == "email":
        address = received_email(cell)[0]
        if not is_email(address):
            raise BadCell(heading, f"“{cell[:80]}” is no email address. Enter one such as name@example.com.")
        return address
    if holds in ("day", "founding"):
        day = (read_day if holds == "day" else read_founding)(cell, mapping.order)
        if day is None:
            raise BadCell(heading, f"“{cell[:80]}” is no date. Enter one such as {date(2026, 10, 31)}.")
        return day.isoformat()
    if holds in ("amount", "integer"):
        return _figure(heading, cell, holds, mapping)
    if holds == "number":
        amount = read_amount(cell, mapping.mark)
        return cell if amount is None else format(amount[0], "f")
    if holds == "list":
        return read_list(cell)
    if holds == "link":
        return cell if "://" in cell else f"https://{cell}"
    if holds == "phone":
        return read_phone(cell)
    if holds == "status":
        return _YES.get(cell.casefold(), cell)
    return cell


def _figure(heading: str, cell: str, holds: str, mapping: ColumnMapping) -> int | float:
    # Of a range such as 51-200 the lower end counts.
    parts = cell.replace("\u2013", "-").split("-")
    text = parts[0] if holds == "integer" and parts[0].strip() else cell
    found = read_amount(text.rstrip("+ "), mapping.mark)
    if found is None or abs(found[0]) > _LARGEST or found[0] < 0:
        raise BadCell(heading, f"“{cell[:80]}” is no amount. Enter one such as 1234{mapping.mark}56.")
    amount = found[0]
    return int(amount) if holds == "integer" or amount == int(amount) else float(amount)


def _key(found: Mapping[str, Any], mapping: ColumnMapping) -> str:
    for name in _IDENTIFIERS:
        if name in found:
            return str(found[name])
    company = found.get("company.name") or found.get("name")
    if company and folded(company):
        return f"name:{folded(company)}"[:255]
    for name in ("email", "person.email"):
        if name in found:
            return f"email:{found[name].casefold()}"
    if found.get("domains"):
        return f"domain:{found['domains'][0].casefold()}"[:255]
    person = _person_name(found)
    if person:
        return f"name:{folded(person)}"[:255]
    raise BadCell("", "The row names no customer. Enter a name, a company or an email address.")


def _person_name(found: Mapping[str, Any]) -> str:
    parts = (found.get("person.first_name"), found.get("person.last_name"))
    return found.get("person.name") or " ".join(filter(None, parts))


def _under(found: Mapping[str, Any], group: str) -> Values:
    return {name.partition(".")[2]: value for name, value in found.items() if name.startswith(f"{group}.")}


def _payments(found: Mapping[str, Any]) -> Values:
    values = {name: found[name] for name in ("name", "email", "phone", "status") if name in found}
    company = found.get("company.name")
    if "name" not in values and (name := company or _person_name(found)):
        values["name"] = name
    if not company:
        # Without a company the person is the customer.
        for name in ("email", "phone"):
            if f"person.{name}" in found:
                values.setdefault(name, found[f"person.{name}"])
    if address := _under(found, "address"):
        values["address"] = address
    if business := _under(found, "business"):
        name = company or found.get("name")
        values["businesses"] = [{**({"name": name} if name else {}), **business}]
    return values


def _crm(found: Mapping[str, Any], custom: Values, key: str) -> Values:
    company = _under(found, "company")
    if website := company.pop("website", None):
        company["website_urls"] = [website]
    if "employees" in company:
        company["number_of_employees"] = company.pop("employees")
    domains = list(found.get("domains", ()))
    if website and (host := read_host(website)) and host not in domains:
        domains.append(host)
    company.setdefault("name", "")
    values: Values = {"id": key, "company": company}
    if domains:
        values["domains"] = domains
    person = _under(found, "person")
    if found.get("company.name") and set(person) == {"phone"}:
        # The row names no person, so the phone is the company's.
        company.setdefault("phone", person.pop("phone"))
    if person and (name := _person_name(found) or person.get("email")):
        person.pop("name", None)
        own = person.get("email", "").casefold() or folded(name)
        values["poc"] = [{"name": name, "obfuscated_id": own[:255], "metadata": person}]
    if custom:
        values["metadata"] = {"custom_data": custom}
    values |= {name: found[name] for name in ("start_date", "contract_annual_revenue") if name in found}
    return values
