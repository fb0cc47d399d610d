from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.monthly_value import RecurringCharge, RecurringRevenue, annual, monthly, recurring_revenue

# How many months each takes, by the convention of 12 months, 52 weeks or 365 days a year.
MONTHS = {
    "minute": Fraction(12, 365 * 24 * 60),
    "hour": Fraction(12, 365 * 24),
    "day": Fraction(12, 365),
    "week": Fraction(12, 52),
    "month": Fraction(1),
    "quarter": Fraction(3),
    "semi_annual": Fraction(6),
    "year": Fraction(12),
}


@pytest.mark.parametrize(
    ("interval", "count", "month"),
    [
        ("month", 1, "1200"),
        ("month", 2, "600"),
        ("quarter", 1, "400"),
        ("semi_annual", 1, "200"),
        ("year", 1, "100"),
        ("year", 2, "50"),
        ("week", 1, "5200"),
        ("week", 4, "1300"),
        ("day", 1, "36500"),
        ("hour", 1, "876000"),
        ("minute", 1, "52560000"),
        ("one_off", 1, "0"),
    ],
)
def test_a_charge_of_1200_by_the_month(interval, count, month):
    assert monthly(Decimal(1200), interval, count) == Decimal(month)


@given(st.decimals(0, 10**9, places=10), st.sampled_from(sorted(MONTHS)), st.integers(1, 36))
def test_months_and_years_are_exact(amount, interval, count):
    month = Fraction(amount) / MONTHS[interval] / count
    assert abs(Fraction(monthly(amount, interval, count)) - month) < Fraction(1, 10**75)
    assert abs(Fraction(annual(amount, interval, count)) - 12 * month) < Fraction(1, 10**75)


@pytest.mark.parametrize(("interval", "count"), [("multiple", 1), ("", 1), ("month", 0), ("month", -1)])
def test_an_interval_that_nothing_is_charged_by_is_refused(interval, count):
    with pytest.raises(ValueError, match=r"is not an interval|is not possible"):
        monthly(Decimal(1), interval, count)


def test_revenue_is_rounded_once_from_the_sum():
    # Three times 10.00 a year: 2.50 a month, where each alone would be 0.83 and the three 2.49.
    yearly = RecurringCharge(currency="USD", amount=Decimal(10), interval="year")
    assert recurring_revenue([yearly] * 3) == {"USD": RecurringRevenue(mrr=250, arr=3000)}
    # 100 a year is 8.33 a month, and still 100 a year.
    assert recurring_revenue([RecurringCharge(currency="USD", amount=Decimal(100), interval="year")]) == {
        "USD": RecurringRevenue(mrr=833, arr=10_000)
    }


def test_revenue_keeps_currencies_apart():
    charges = [
        RecurringCharge(currency="usd", amount=Decimal("19.99"), interval="month"),
        RecurringCharge(currency="USD", amount=Decimal("0.01"), interval="month"),
        RecurringCharge(currency="JPY", amount=Decimal(1000), interval="week"),
        RecurringCharge(currency="KWD", amount=Decimal(1), interval="quarter", interval_count=2),
        RecurringCharge(currency="EUR", amount=Decimal(500), interval="one_off"),
    ]
    assert recurring_revenue(charges) == {
        "USD": RecurringRevenue(mrr=2000, arr=24_000),
        "JPY": RecurringRevenue(mrr=4333, arr=52_000),  # 52,000 / 12 = 4333.3
        "KWD": RecurringRevenue(mrr=167, arr=2000),  # 1/6 = 0.1667, and 2 a year
        "EUR": RecurringRevenue(mrr=0, arr=0),
    }
    assert recurring_revenue([]) == {}


@pytest.mark.parametrize(("year", "mrr"), [("0.06", 0), ("0.18", 2), ("0.30", 2), ("0.42", 4)])
def test_a_half_goes_to_the_even_neighbour(year, mrr):
    # 0.005, 0.015, 0.025 and 0.035 a month, also where they come in thirds that have no last digit.
    assert (
        recurring_revenue([RecurringCharge(currency="USD", amount=Decimal(year), interval="year")])["USD"].mrr
        == mrr
    )
    third = RecurringCharge(currency="USD", amount=Decimal(year), interval="year", interval_count=3)
    assert recurring_revenue([third] * 3)["USD"].mrr == mrr
    ninth = RecurringCharge(currency="USD", amount=Decimal(year), interval="year", interval_count=9)
    assert recurring_revenue([ninth] * 9)["USD"].mrr == mrr
