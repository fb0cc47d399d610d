"""How numbers, money and days are written in the language that a user chose, by CLDR.

Without a choice `customers.formats` and `billing.formats` write them in US English themselves. A choice counts within
`formats_of`, as a time zone counts within Django's override, so that no function needs a parameter for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, time
from decimal import Decimal

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_currency, format_decimal, format_percent

#: The languages to choose from, as CLDR names them. US English is the product's own and needs none.
LANGUAGES = (
    "cs",
    "da",
    "de",
    "de_AT",
    "de_CH",
    "en_AU",
    "en_CA",
    "en_GB",
    "en_IE",
    "en_IN",
    "es",
    "es_MX",
    "fi",
    "fr",
    "fr_CA",
    "fr_CH",
    "hu",
    "id",
    "it",
    "ja",
    "ko",
    "nb",
    "nl",
    "pl",
    "pt",
    "pt_PT",
    "ro",
    "sv",
    "tr",
    "uk",
    "vi",
    "zh_Hans",
    "zh_Hant",
)

_LETTER_BEFORE_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)")

_chosen: ContextVar[Locale | None] = ContextVar("local_formats", default=None)


@contextmanager
def formats_of(language: str) -> Iterator[None]:
    """Write numbers, money and days within as this language does. Blank or unknown: US English."""
    token = _chosen.set(Locale.parse(language) if language in LANGUAGES else None)
    try:
        yield
    finally:
        _chosen.reset(token)


def chosen() -> Locale | None:
    """The language chosen; None for US English."""
    return _chosen.get()


def name_of(language: str) -> str:
    """The language's name for itself, such as `Deutsch (Schweiz)`."""
    name = Locale.parse(language).get_display_name() or language
    return name[:1].upper() + name[1:]


def number(value: Decimal, locale: Locale) -> str:
    """Thousands grouped, every digit."""
    return format_decimal(value, locale=locale, decimal_quantization=False)


def percent(share: Decimal, locale: Locale) -> str:
    """A whole percent."""
    return format_percent(share, locale=locale)


def money(amount: Decimal, code: str, decimals: int, locale: Locale) -> str:
    """An amount with that many decimals and its currency's symbol, where the language puts it."""
    # CLDR puts a space between letters and digits, which Babel leaves out: `KWD 14.700`.
    pattern = str(locale.currency_formats["standard"].pattern)
    digits = "0" + ("." + "0" * decimals if decimals else "")
    text = format_currency(
        amount,
        code,
        format=re.sub(r"0\.00", digits, pattern),
        locale=locale,
        currency_digits=False,
        decimal_quantization=False,
    )
    return _LETTER_BEFORE_DIGIT.sub("\N{NO-BREAK SPACE}", text)


def day(at: date, locale: Locale, *, with_year: bool) -> str:
    """`29. Nov. 2026`, or without the year."""
    return format_skeleton("yMMMd" if with_year else "MMMd", at, locale=locale)


def month(of: date, locale: Locale) -> str:
    """`Nov. 2026`."""
    return format_skeleton("yMMM", of, locale=locale)


def weekday(at: date, locale: Locale) -> str:
    """`Freitag`."""
    return format_date(at, "EEEE", locale=locale)


def clock_time(at: time, locale: Locale) -> str:
    """`14:30`."""
    return format_time(at, "short", locale=locale)
