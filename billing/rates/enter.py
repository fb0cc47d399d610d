"""Enter exchange rates: one, or a file of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from io import StringIO
from typing import Any

from django.db import transaction

from billing.models import ExchangeRate
from billing.rules.money import is_known
from customers import clock
from customers.formats import local
from customers.signals import rates_entered

#: Rates have at most this many decimals, and are less than `_TOO_LARGE`.
DECIMALS = 10
_TOO_LARGE = Decimal(10) ** 10
_COLUMNS = ("currency", "rate", "day")
_OPTIONAL = ("to", "source")
_LONGEST_SOURCE = 100


class BadRate(Exception):
    """The rate can't be entered. The message tells the user what to enter."""


@dataclass(frozen=True, slots=True)
class NewRate:
    """One unit of `currency` was worth `rate` units of `to` on `day`."""

    currency: str
    to: str
    day: date
    rate: Decimal
    source: str = ""


@dataclass(frozen=True, slots=True)
class Entered:
    """How many rates are new, replace another one of the same day, and were there already."""

    new: int
    replaced: int
    same: int


def read_rate(currency: str, rate: str, day: str, *, to: str, source: str = "") -> NewRate:
    """A rate from texts: a decimal point, no signs and no groups; the day as 2026-11-30. Raises `BadRate`."""
    codes = [code.strip().upper() for code in (currency, to)]
    for code in codes:
        if not is_known(code):
            raise BadRate(f"Enter the ISO 4217 code of a currency, such as USD, instead of “{code[:10]}”.")
    if codes[0] == codes[1]:
        raise BadRate("Enter two different currencies.")
    return NewRate(
        codes[0], codes[1], _day(day.strip()), _rate(rate.strip()), source.strip()[:_LONGEST_SOURCE]
    )


def read_file(text: str, to: str) -> tuple[list[NewRate], list[str]]:
    """The rates of a CSV file with a header, and what is wrong with it, line by line.

    Columns are `currency`, `rate` and `day`, and if wanted `to` (by default the currency `to`) and `source`. They are
    separated by commas or semicolons.
    """
    header = text.partition("\n")[0]
    rows = csv.DictReader(StringIO(text, newline=""), delimiter=";" if ";" in header else ",", strict=True)
    names = [name.strip().lower() for name in rows.fieldnames or ()]
    rows.fieldnames = names
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        return [], [f"Line 1: the column {', '.join(missing)} is missing. The first line names the columns."]
    found: dict[tuple[str, str, date], NewRate] = {}
    problems = []
    try:
        for row in rows:
            try:
                new = _of_row(row, to)
                if (new.currency, new.to, new.day) in found:
                    raise BadRate("Remove one: the file has this currency and day twice.")
                found[new.currency, new.to, new.day] = new
            except BadRate as problem:
                problems.append(f"Line {rows.line_num}: {problem}")
    except csv.Error as problem:
        problems.append(f"Line {rows.line_num}: {problem}.")
    return list(found.values()), problems


@transaction.atomic
def enter_rates(rates: Iterable[NewRate], by: Any = None) -> Entered:
    """Enter rates. A rate of the same currencies and day is replaced."""
    counts = {"new": 0, "replaced": 0, "same": 0}
    for new in rates:
        row, is_new = ExchangeRate.objects.select_for_update().get_or_create(
            currency=new.currency,
            to_currency=new.to,
            day=new.day,
            defaults={"rate": new.rate, "source": new.source, "entered_by": by},
        )
        if is_new:
            counts["new"] += 1
        elif (row.rate, row.source) == (new.rate, new.source):
            counts["same"] += 1
        else:
            row.rate, row.source, row.entered_by, row.entered_at = new.rate, new.source, by, clock.now()
            row._history_user = by  # type: ignore[attr-defined]
            row.save()
            counts["replaced"] += 1
    if counts["new"] or counts["replaced"]:
        rates_entered.send(sender=ExchangeRate)
    return Entered(**counts)


def _of_row(row: dict[str | Any, Any], to: str) -> NewRate:
    if None in row or None in row.values():
        raise BadRate("Enter as many values as the first line names columns.")
    return read_rate(
        row["currency"],
        row["rate"],
        row["day"],
        to=row.get("to", "").strip() or to,
        source=row.get("source", ""),
    )


def _rate(text: str) -> Decimal:
    plain = text.isascii() and text.replace(".", "", 1).isdigit() and len(text) <= 40
    try:
        rate = Decimal(text) if plain else Decimal(0)
    except InvalidOperation:
        rate = Decimal(0)
    exponent = rate.normalize().as_tuple().exponent
    if not 0 < rate < _TOO_LARGE or (isinstance(exponent, int) and -exponent > DECIMALS):
        raise BadRate(f"Enter a rate above 0 with at most {DECIMALS} decimals, such as 1.0825.")
    return rate


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadRate("Enter a day such as 2026-11-30.") from None
    if day > local(clock.now()).date():
        raise BadRate("Enter a day that isn't in the future.")
    return day
