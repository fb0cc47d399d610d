"""MRR movement, retention and churn: figures worked out by hand, filters, and what was known on an earlier day."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.models import ExchangeRate, Subscription
from crm.desk.home.movement import refresh_movements
from crm.models import RevenueChange
from crm.reports.report import Choices
from crm.reports.revenue import Retention, retention, revenue_by_month
from crm.reports.revenue_reports import churn_page, movement_page, retention_page
from crm.reports.scope import ReportScope
from customers import clock
from customers.models import Customer
from tests.crm.reports.rows import NOW, TODAY, at, subscribe
from tests.factories import make_customer, make_relationship, make_user

pytestmark = pytest.mark.django_db

FEBRUARY, MARCH, APRIL = date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)
ALL = ReportScope()


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    be(monkeypatch, NOW)


def be(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: now)


@pytest.fixture
def customers() -> list[Customer]:
    """At the start of March: 100, 80 and 60 USD. Then one rises to 250, one falls to 30, one leaves, one comes with 40."""
    grower, shrinker, leaver, newcomer = (make_customer() for _ in range(4))
    subscribe(grower, 100, at(1, 5), at(3, 10))
    subscribe(grower, 250, at(3, 10))
    subscribe(shrinker, 80, at(1, 5), at(4, 2))
    subscribe(shrinker, 30, at(4, 2))
    subscribe(leaver, 60, at(1, 20), at(3, 31))
    subscribe(newcomer, 40, at(3, 14))
    refresh_movements()
    return [grower, shrinker, leaver, newcomer]


def pages(**choices: Any) -> dict[str, str]:
    """The figures at the top of the three pages, by label."""
    chosen = Choices(**{"scope": ALL, "today": TODAY, **choices})
    facts = [*movement_page(chosen).facts, *retention_page(chosen).facts, *churn_page(chosen).facts]
    return {fact.label: fact.value for fact in facts}


def test_each_month_has_its_movement_and_retention(customers: list[Customer]) -> None:
    months = {each.month: each for each in revenue_by_month(ALL, APRIL)["USD"]}
    march, april = months[MARCH], months[APRIL]
    assert (march.start, march.new, march.expansion, march.churn, march.end) == (
        24000,
        4000,
        15000,
        6000,
        37000,
    )
    assert (march.customers_at_start, march.won, march.lost, march.customers) == (3, 1, 1, 3)
    # 240 + 150 - 60 = 330 of 240; without expansion 180 of 240.
    assert (march.net_retention, march.gross_retention) == (Decimal("1.375"), Decimal("0.75"))
    assert (april.contraction, april.end) == (5000, 32000)


def test_retention_of_a_period_is_of_the_customers_at_its_start(customers: list[Customer]) -> None:
    # From March to April: 100 → 250, 80 → 30, 60 → 0. The newcomer doesn't count.
    assert retention(ALL, "USD", MARCH, APRIL) == Retention(
        start=24000, end=28000, kept=13000, customers=3, lost=1
    )
    found = pages(months=2)
    assert found["Net revenue retention"] == "116.7%"
    assert found["Gross revenue retention"] == "54.2%"
    assert found["Customer churn"] == "33.3%"
    assert (found["MRR"], found["MRR lost"]) == ("$320.00", "$60.00")


def test_filters_choose_the_customers(customers: list[Customer]) -> None:
    owner, test_customer = make_user(), make_customer(env="sandbox")
    make_relationship(customer=customers[3], owner=owner)
    subscribe(test_customer, 500, at(2, 1))
    refresh_movements()
    of_owner = Customer.objects.filter(relationship__owner=owner)
    assert pages(scope=ReportScope(env="live"))["MRR"] == "$320.00"
    assert pages(scope=ReportScope(env="sandbox"))["MRR"] == "$500.00"
    assert pages(scope=ReportScope(customers=of_owner))["MRR"] == "$40.00"


def test_currencies_are_never_added_up(customers: list[Customer]) -> None:
    subscribe(customers[0], 7, at(2, 1), currency="EUR")
    refresh_movements()
    page = movement_page(Choices(scope=ALL, today=TODAY, currency="EUR"))
    assert (page.option, [code for code, _ in page.options]) == ("EUR", ["EUR", "USD"])
    assert page.facts[0].value == "€7.00"
    assert pages()["MRR"] == "$320.00"


def test_all_currencies_are_shown_in_one_at_the_rates_of_the_day(customers: list[Customer]) -> None:
    subscribe(customers[0], 10, at(2, 1), currency="EUR")
    subscribe(customers[1], 10, at(3, 5), currency="EUR")
    refresh_movements()
    assert pages()["MRR"] == "$320.00"
    ExchangeRate.objects.create(currency="EUR", to_currency="USD", rate=Decimal("1.5"), day=MARCH)
    page = movement_page(Choices(scope=ALL, today=TODAY))
    assert (page.option, page.options[0]) == ("all", ("all", "All in USD"))
    assert page.note == "Converted into USD at rates of Mar 1, 2026."
    # 320 + 20 at 1.5; at the start of March 240 + 10 at 1.5 of 4 customers, of which 280 + 15 are left.
    assert pages(months=2)["MRR"] == "$350.00"
    assert pages(months=2)["MRR at start"] == "$255.00"
    assert pages(months=2)["MRR of the same customers"] == "$295.00"
    assert pages(currency="EUR")["MRR"] == "€20.00"


def test_an_earlier_day_shows_what_was_known_then(
    customers: list[Customer], monkeypatch: pytest.MonkeyPatch
) -> None:
    be(monkeypatch, NOW + timedelta(days=2))
    # On the 17th it becomes known that the newcomer's subscription began and ended earlier.
    Subscription.objects.filter(customer=customers[3]).update(status="ended", expires_at=at(3, 20))
    refresh_movements()
    refresh_movements()
    assert pages(today=date(2026, 4, 17))["MRR"] == "$280.00"
    known = {
        day: pages(scope=ReportScope(as_of=date(2026, 4, day)), today=date(2026, 4, 17))["MRR"]
        for day in (15, 16)
    }
    assert known == {15: "$320.00", 16: "$320.00"}
    assert pages(scope=ReportScope(as_of=date(2026, 4, 14))).get("MRR") is None


def test_changes_of_one_day_leave_one_row(customers: list[Customer]) -> None:
    Subscription.objects.filter(customer=customers[3]).delete()
    refresh_movements()
    assert RevenueChange.objects.filter(account=customers[3]).count() == 0
    assert RevenueChange.objects.exclude(known_until=None).count() == 0


def test_the_history_goes_on_when_months_leave_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago, lost = make_customer(), make_customer()
    subscribe(long_ago, 100, datetime(2020, 1, 1, tzinfo=NOW.tzinfo))
    subscribe(lost, 30, datetime(2025, 3, 1, tzinfo=NOW.tzinfo), datetime(2025, 6, 15, tzinfo=NOW.tzinfo))
    refresh_movements()
    assert [each.customers for each in revenue_by_month(ALL, APRIL)["USD"]][:2] == [2, 1]
    be(monkeypatch, NOW + timedelta(days=120))
    refresh_movements()
    months = revenue_by_month(ALL, date(2026, 8, 1))["USD"]
    assert (months[0].month, months[0].start, months[-1].end) == (date(2025, 5, 1), 13000, 10000)
    assert sum(each.lost for each in months) == 1


def test_a_merge_leaves_the_sums(customers: list[Customer]) -> None:
    """Until the next refresh, the revenue of a merged customer is counted with its own account."""
    winner, loser = customers[0], customers[1]
    make_relationship(customer=winner, owner=make_user())
    loser.merged_into = winner
    Customer.objects.filter(pk=loser.pk).update(merged_into=winner)
    of_winner = Customer.objects.filter(pk=winner.pk)
    assert pages(scope=ReportScope(customers=of_winner))["MRR"] == "$280.00"
