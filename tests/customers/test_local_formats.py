"""Numbers, money and days in the language of a user. Expected texts are those of CLDR, written by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from billing.formats import money, unit_price
from customers.formats import counted, day, moment, month, number, percent, short_day, upcoming
from customers.local_formats import LANGUAGES, chosen, formats_of, name_of

AT = datetime(2026, 11, 29, 14, 30, tzinfo=UTC)
NBSP, NARROW = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"


def test_us_english_without_a_choice() -> None:
    for language in ("", "xx", "en_US"):
        with formats_of(language):
            assert (number(Decimal("1234.5")), day(AT), money(249995, "USD")) == (
                "1,234.5",
                "Nov 29, 2026",
                "$2,499.95",
            )


def test_german() -> None:
    with formats_of("de"):
        assert number(Decimal("1234567.125")) == "1.234.567,125"
        assert number(None) == "-"
        assert percent(Decimal("0.97")) == f"97{NBSP}%"
        assert counted(1066, "customer") == "1.066 customers"
        assert money(249995, "EUR") == f"2.499,95{NBSP}€"
        assert money(-14700, "KWD") == f"-14,700{NBSP}KWD"
        assert unit_price(Decimal("0.002"), "USD") == f"0,002{NBSP}$"
        assert day(AT) == "29. Nov. 2026"
        assert short_day(AT, AT) == "29. Nov."
        assert moment(AT) == "29. Nov. 2026, 14:30"
        assert month(date(2026, 3, 1)) == "März 2026"
        assert upcoming(datetime(2026, 12, 2, tzinfo=UTC), AT) == "Mittwoch"
    assert chosen() is None


def test_british_english_and_french() -> None:
    with formats_of("en_GB"):
        assert (day(AT), money(14700, "KWD"), money(5, "JPY")) == (
            "29 Nov 2026",
            f"KWD{NBSP}14.700",
            "JP¥5",
        )
    with formats_of("fr"):
        assert (day(AT), number(12345)) == ("29 nov. 2026", f"12{NARROW}345")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_a_name_and_writes_everything(language: str) -> None:
    assert name_of(language)
    with formats_of(language):
        texts = [number(Decimal("0.1")), day(AT), moment(AT), month(AT), money(100, "USD"), percent(1)]
        assert all(texts)
        assert day(date(1, 1, 1))
        assert money(10**18, "JPY")
