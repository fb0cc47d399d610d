"""Exchange rates: conversion worked out by hand, the file, the command and the page."""

from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.models import ExchangeRate
from billing.rates.convert import Converted, Rates, in_reporting_currency
from billing.rates.enter import NewRate, enter_rates, read_file
from tests.factories import make_plan, make_user

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 2)


def enter(*rates: tuple[str, str, str, date]) -> None:
    enter_rates([NewRate(code, to, day, Decimal(rate)) for code, to, rate, day in rates])


class TestConversion:
    def test_each_amount_is_converted_and_the_total_rounded_once(self) -> None:
        # 10.05 EUR x 1.1 = 11.055; 1,005 JPY x 0.01 = 10.05; 0.30 USD: 21.405, half-even 21.40.
        enter(("EUR", "USD", "1.1", DAY), ("JPY", "USD", "0.01", DAY))
        found = in_reporting_currency({"EUR": 1005, "JPY": 1005, "USD": 30}, DAY)
        assert found == Converted(2140, "USD", DAY)

    def test_the_last_rate_by_the_day_counts_and_the_oldest_day_is_told(self) -> None:
        enter(("EUR", "USD", "1.5", date(2026, 3, 1)), ("EUR", "USD", "2", date(2026, 3, 9)))
        enter(("GBP", "USD", "3", date(2026, 2, 1)))
        assert in_reporting_currency({"EUR": 100, "GBP": 100}, DAY) == Converted(450, "USD", date(2026, 2, 1))
        assert in_reporting_currency({"EUR": 100}, date(2026, 3, 9)).minor == 200

    def test_currencies_without_a_rate_are_named_and_left_out(self) -> None:
        enter(("EUR", "USD", "2", date(2026, 3, 3)))
        found = in_reporting_currency({"USD": 500, "EUR": 100, "???": 7, "CHF": 0}, DAY)
        assert found == Converted(500, "USD", None, ("???", "EUR"))

    def test_rates_lead_back_and_through_a_third_currency(self) -> None:
        enter(("EUR", "USD", "1.25", DAY), ("KWD", "USD", "3.25", date(2026, 3, 1)))
        assert Rates(DAY, "EUR").convert({"USD": 100}) == Converted(80, "EUR", DAY)
        # 1.000 KWD = 3.25 USD = 2.60 EUR
        assert Rates(DAY, "EUR").convert({"KWD": 1000}) == Converted(260, "EUR", date(2026, 3, 1))

    def test_many_totals_take_one_query(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        enter(("EUR", "USD", "1.25", DAY))
        rates = Rates(DAY, "USD")
        with django_assert_num_queries(1):
            assert [rates.convert({"EUR": each}).minor for each in (100, 200)] == [125, 250]
        with django_assert_num_queries(0):
            assert in_reporting_currency({"USD": 0}, DAY) == Converted(0, "USD")

    def test_the_reporting_currency_is_a_setting(self, settings: Any) -> None:
        settings.DEFAULT_CURRENCY = "EUR"
        assert in_reporting_currency({"EUR": 1}, DAY).currency == "EUR"
        settings.REPORTING_CURRENCY = "GBP"
        assert in_reporting_currency({}, DAY).currency == "GBP"


@pytest.mark.parametrize("rate", ["0", "-1"])
def test_the_database_refuses_what_is_no_rate(rate: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        enter(("EUR", "USD", rate, DAY))


class TestFile:
    def test_columns_in_any_order_and_either_separator(self) -> None:
        text = "Day;Currency;Rate;To\r\n2026-03-02;eur;1.0825;\r\n2026-03-02;USD;0.9;gbp\r\n"
        rates, problems = read_file(text, "USD")
        assert problems == []
        assert rates == [
            NewRate("EUR", "USD", DAY, Decimal("1.0825")),
            NewRate("USD", "GBP", DAY, Decimal("0.9")),
        ]

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("EURO,1.1,2026-03-02", "Enter the ISO 4217 code"),
            ("USD,1.1,2026-03-02", "two different currencies"),
            ("EUR,0,2026-03-02", "a rate above 0"),
            ('EUR,"1,1",2026-03-02', "a rate above 0"),
            ("EUR,1e5,2026-03-02", "a rate above 0"),
            ("EUR,NaN,2026-03-02", "a rate above 0"),
            ("EUR,1.00000000001,2026-03-02", "at most 10 decimals"),
            ("EUR,1.1,02/03/2026", "a day such as"),
            ("EUR,1.1,9999-01-01", "in the future"),
            ("EUR,1.1", "as many values"),
            ("EUR,1.1,2026-03-02,x", "as many values"),
        ],
    )
    def test_an_error_names_its_line(self, line: str, words: str) -> None:
        _, problems = read_file(f"currency,rate,day\nGBP,1.3,2026-03-02\n{line}\n", "USD")
        assert len(problems) == 1
        assert problems[0].startswith("Line 3: ")
        assert words in problems[0]

    @pytest.mark.parametrize("text", ["", "EUR,1.1,2026-03-02\n", "currency,rate\n"])
    def test_a_header_is_needed(self, text: str) -> None:
        _, problems = read_file(text, "USD")
        assert problems[0].startswith("Line 1: the column ")


@pytest.mark.once
class TestCommand:
    def load(self, file: Path, text: str, **options: Any) -> str:
        file.write_text(text, encoding="utf-8-sig")
        out = StringIO()
        call_command("load_rates", str(file), stdout=out, **options)
        return out.getvalue()

    def test_rates_are_entered_once_and_replaced(self, tmp_path: Path) -> None:
        file, text = tmp_path / "rates.csv", "currency,rate,day\nEUR,1.1,2026-03-02\nGBP,1.3,2026-03-02\n"
        assert "2 new rates, 0 replaced, 0 unchanged." in self.load(file, text, dry_run=True)
        assert ExchangeRate.objects.count() == 0
        assert "2 new rates, 0 replaced, 0 unchanged." in self.load(file, text)
        assert "0 new rates, 1 replaced, 1 unchanged." in self.load(file, text.replace("1.3", "1.4"))
        assert sorted(ExchangeRate.objects.values_list("rate", flat=True)) == [Decimal("1.1"), Decimal("1.4")]

    def test_nothing_is_entered_if_a_line_is_wrong(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match=r"Line 3: Enter a rate above 0"):
            self.load(tmp_path / "f", "currency,rate,day\nEUR,1.1,2026-03-02\nGBP,x,2026-03-02\n")
        with pytest.raises(CommandError, match="can't be read"):
            call_command("load_rates", str(tmp_path / "none"))
        assert ExchangeRate.objects.count() == 0


@pytest.mark.once
def test_the_page_enters_a_rate_and_names_what_is_missing(admin_client: Client) -> None:
    make_plan(currency="EUR")
    assert "No rate for EUR." in admin_client.get("/admin/rates/").content.decode()
    new = {"currency": "EUR", "rate": "1.0825", "day": "2026-03-02"}
    assert "Enter a rate above 0" in admin_client.post("/admin/rates/", {**new, "rate": "x"}).content.decode()
    page = admin_client.post("/admin/rates/", new, follow=True).content.decode()
    assert "Entered the rate of EUR for Mar 2, 2026." in page
    assert "1.0825 USD" in page
    assert "No rate for" not in page
    assert "1.0825 USD" in admin_client.get("/admin/rates/?currency=EUR").content.decode()
    client = Client()
    client.force_login(make_user(role="Viewer"))
    assert "Enter rate" not in client.get("/admin/rates/").content.decode()
    assert client.post("/admin/rates/", new).status_code == 403
