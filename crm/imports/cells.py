"""What the cells of tables mean: days, amounts, lists. Texts only; no database."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from customers.readings.currencies import CURRENCIES

#: What people write where they have no value.
_NOTHING = frozenset(
    {
        "",
        "-",
        "--",
        "\u2013",
        "\u2014",
        "n/a",
        "na",
        "#n/a",
        "none",
        "null",
        "nil",
        "k.a.",
        "(blank)",
        "#ref!",
    }
)

_NUMERIC_DAY = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?:[ T,].*)?")
_ISO_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T].*)?")
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_WORDED = ("%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y", "%d-%b-%Y", "%d-%b-%y", "%Y%m%d")
#: Serial dates of spreadsheets count from here; those of 1927 to 2119 are read.
_FIRST_DAY = date(1899, 12, 30)
_SERIALS = range(10_000, 80_001)
_CENTURY_ENDS = 69
_MONTHS = 12
_YEAR, _FIRST_YEAR = 4, 1000

_AMOUNT = re.compile(r"[+-]?[\d.,' \u00a0\u202f\u2019]*\d")
_SYMBOLS = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "₺": "TRY", "₽": "RUB", "US$": "USD"}
_BETWEEN = re.compile(r"\s*[;|\n]\s*")
_PHONE_LABEL = re.compile(r"\b(?:phone|mobile|fax|tel|telefon|work|home|main|other)\s*:", re.IGNORECASE)
_SHORTENED = re.compile(r"\d(?:[.,]\d+)?E\+\d\d", re.IGNORECASE)
_COMMA = re.compile(r"\s*,\s*")


def is_nothing(text: str) -> bool:
    """Whether a cell stands for no value, such as `n/a`."""
    return text.strip().casefold() in _NOTHING


def is_shortened(text: str) -> bool:
    """Whether a spreadsheet wrote a long number as `4.93E+11`, which lost its last digits."""
    return _SHORTENED.fullmatch(text.strip()) is not None


def day_order(text: str) -> str | None:
    """`dmy` or `mdy` if `text` is a day that can be read in one way only; None for others."""
    found = _NUMERIC_DAY.fullmatch(text.strip())
    if found is None:
        return None
    first, second = int(found[1]), int(found[3])
    if first > _MONTHS >= second > 0:
        return "dmy"
    return "mdy" if second > _MONTHS >= first > 0 else None


def looks_like_day(text: str) -> bool:
    """Whether `text` is a day in digits or words, but not a serial number."""
    bare = text.strip()
    return (
        _day_in_digits(bare, "dmy") is not None
        or _day_in_digits(bare, "mdy") is not None
        or (not bare.isdigit() and _day_in_words(bare) is not None)
    )


def read_day(text: str, order: str = "dmy") -> date | None:
    """The day in `text`; `order` says whether the day or the month comes first. None if it is no day."""
    bare = text.strip()
    if (found := _day_in_digits(bare, order)) is not None:
        return found
    if _SERIAL.fullmatch(bare) and int(float(bare)) in _SERIALS:
        return _FIRST_DAY + timedelta(days=int(float(bare)))
    return _day_in_words(bare)


def read_founding(text: str, order: str = "dmy") -> date | None:
    """The day in `text`, or the first day of the year in it. None if it is neither."""
    bare = text.strip().removesuffix(".0")
    if len(bare) == _YEAR and bare.isdecimal() and int(bare) >= _FIRST_YEAR:
        return date(int(bare), 1, 1)
    return read_day(text, order)


def _day_in_digits(text: str, order: str) -> date | None:
    if found := _ISO_DAY.fullmatch(text):
        return _date(int(found[1]), int(found[2]), int(found[3]))
    if not (found := _NUMERIC_DAY.fullmatch(text)):
        return None
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    if len(found[4]) == 2:
        year += 2000 if year < _CENTURY_ENDS else 1900
    day, month = (first, second) if order == "dmy" else (second, first)
    return _date(year, month, day)


def _day_in_words(text: str) -> date | None:
    plain = " ".join(text.replace(",", " ").replace(".", " ").split())
    for pattern in _WORDED:
        try:
            return datetime.strptime(plain, pattern).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def decimal_mark(text: str) -> str | None:
    """`,` or `.` if `text` is an amount that can be read in one way only; None for others."""
    bare, _ = _without_currency(text)
    if bare is None:
        return None
    marks = [character for character in bare if character in ".,"]
    if not marks:
        return None
    last = marks[-1]
    if len(set(marks)) > 1:
        return last
    if len(marks) > 1:
        return "." if last == "," else ","
    return None if len(bare.rpartition(last)[2]) == 3 else last


def read_amount(text: str, mark: str = ".") -> tuple[Decimal, str] | None:
    """The amount in `text` with the decimal mark `mark`, and its currency if it names one; None if it is none."""
    bare, currency = _without_currency(text)
    if bare is None:
        return None
    plain = bare.replace("," if mark == "." else ".", "").replace(mark, ".")
    try:
        return Decimal(plain), currency
    except InvalidOperation:
        return None


def _without_currency(text: str) -> tuple[str | None, str]:
    bare = text.strip()
    found = _AMOUNT.search(bare)
    if found is None:
        return None, ""
    around = bare[: found.start()] + bare[found.end() :]
    currency = around.strip(" \u00a0\u202f'()").upper()
    currency = _SYMBOLS.get(currency, currency)
    if currency and currency not in CURRENCIES:
        return None, ""
    plain = re.sub(r"[' \u00a0\u202f\u2019]", "", found[0])
    # So accountants write what is below zero, with the currency inside or outside. Some add a minus sign.
    is_negative = "(" in bare[: found.start()] and ")" in bare[found.end() :]
    return f"-{plain.lstrip('+-')}" if is_negative else plain, currency


def read_phone(text: str) -> str:
    """The first phone number in `text`, without a label such as `Work phone:`."""
    # An apostrophe is how spreadsheets keep a + or a zero at the beginning; with = a + is a formula.
    bare = text.removeprefix("'").removeprefix("=")
    parts = (part.strip() for part in _PHONE_LABEL.split(bare))
    return next((part for part in parts if any(character.isdigit() for character in part)), bare)


def read_list(text: str) -> list[str]:
    """The items of a cell: separated by semicolons, bars or lines, else by commas."""
    parts = _BETWEEN.split(text.strip())
    if len(parts) == 1:
        parts = _COMMA.split(parts[0])
    return [part for part in dict.fromkeys(part.strip() for part in parts) if part]
