from datetime import UTC, datetime
from decimal import Decimal, localcontext

import pytest

from billing.rules.figures import (
    Figures,
    GrantFigures,
    RolloverFigures,
    amount_problem,
    credits_for,
    figures_of,
    included_grant,
    prepaid_grant,
    units_for,
)

MARCH, APRIL, MAY = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4, 5))


def row(included="0", prepaid="0", usage="0", *, unlimited=False, resets_at=None) -> GrantFigures:
    return GrantFigures(
        included_grant=Decimal(included),
        prepaid_grant=Decimal(prepaid),
        usage=Decimal(usage),
        unlimited=unlimited,
        resets_at=resets_at,
    )


def rollover(balance, usage="0") -> RolloverFigures:
    return RolloverFigures(balance=Decimal(balance), usage=Decimal(usage))


def numbers(figures: Figures) -> dict[str, Decimal]:
    names = ("granted", "remaining", "usage", "billable_overage", "displayed_overage")
    return {name: getattr(figures, name) for name in names}


@pytest.mark.parametrize(
    ("given", "balance", "remaining", "overage"),
    [
        (row("1000", "500", "300"), 1200, 1200, 0),
        (row("100", "0", "100"), 0, 0, 0),
        (row("100", "20", "150"), -30, 0, 30),
        (row("100", "0", "-25"), 125, 125, 0),
        (row("-10", "0", "0"), -10, 0, 10),
        (row(usage="42", unlimited=True), -42, 0, 0),
        (row("0.1", "0.2", "0.3"), 0, 0, 0),
    ],
)
def test_a_row(given, balance, remaining, overage):
    assert (given.balance, given.remaining, given.overage) == (balance, remaining, overage)


def test_nothing_gives_nothing():
    assert figures_of([]) == Figures(
        granted=Decimal(0),
        remaining=Decimal(0),
        usage=Decimal(0),
        unlimited=False,
        next_reset_at=None,
        billable_overage=Decimal(0),
        displayed_overage=Decimal(0),
    )


def test_rows_add_up():
    # 1000 + 0 and 50 + 200; 400 and 30 used; 600 and 220 left.
    figures = figures_of([row("1000", "0", "400"), row("50", "200", "30")])
    assert numbers(figures) == {
        "granted": 1250,
        "remaining": 820,
        "usage": 430,
        "billable_overage": 0,
        "displayed_overage": 0,
    }


def test_what_remains_is_not_what_is_granted_less_what_is_used():
    # The first is 50 over; the second has 80 left. 300 - 270 would be 30.
    figures = figures_of([row("200", "0", "250"), row("100", "0", "20")])
    assert numbers(figures) == {
        "granted": 300,
        "remaining": 80,
        "usage": 270,
        "billable_overage": 50,
        "displayed_overage": 0,
    }


def test_the_two_overages_differ():
    # Over by 50 and by 10, with 20 left in a third: 60 are owed, and all usage exceeds all grants by 40.
    figures = figures_of([row("100", "0", "150"), row("0", "0", "10"), row("20", "0", "0")])
    assert figures.billable_overage == 60
    assert figures.displayed_overage == 40
    assert figures.remaining == 20


def test_rollovers_count_in_every_figure_but_owe_nothing():
    # Row: 100 granted, 130 used, 30 over. Rollovers: 25 of 40 left, and 10 of 10.
    figures = figures_of([row("100", "0", "130")], [rollover("25", "15"), rollover("10")])
    assert numbers(figures) == {
        "granted": 150,
        "remaining": 35,
        "usage": 145,
        "billable_overage": 30,
        "displayed_overage": 0,
    }


def test_a_used_up_rollover_still_counts_as_granted_and_used():
    figures = figures_of([row("100")], [rollover("0", "40")])
    assert figures.granted == 140
    assert figures.usage == 40
    assert figures.remaining == 100


def test_usage_below_zero_adds_to_what_remains():
    figures = figures_of([row("100", "0", "-5"), row("10", "0", "4")])
    assert figures.granted == 110
    assert figures.usage == -1
    assert figures.remaining == 111


def test_an_unlimited_row_makes_the_feature_unlimited():
    # Only the unlimited rows' usage is shown; the limited row's overage of 20 is still owed.
    figures = figures_of(
        [
            row("100", "0", "120", resets_at=APRIL),
            row(usage="70", unlimited=True),
            row(usage="5", unlimited=True),
        ],
        [rollover("10", "3")],
    )
    assert figures == Figures(
        granted=Decimal(0),
        remaining=Decimal(0),
        usage=Decimal(75),
        unlimited=True,
        next_reset_at=APRIL,
        billable_overage=Decimal(20),
        displayed_overage=Decimal(0),
    )


def test_the_earliest_row_resets_next():
    rows = [row(resets_at=MAY), row(), row(resets_at=MARCH), row(resets_at=APRIL)]
    assert figures_of(rows).next_reset_at == MARCH
    assert figures_of([row()]).next_reset_at is None


def test_an_entity_has_the_customers_rows_and_its_own():
    customers, first, second = [row("1000", "0", "100")], [row("50", "0", "60")], [row("50", "0", "5")]

    of_first = figures_of(customers + first)
    assert of_first.granted == 1050
    assert of_first.usage == 160
    assert of_first.remaining == 900
    assert of_first.billable_overage == 10

    of_customer = figures_of(customers + first + second)
    assert of_customer.granted == 1100
    assert of_customer.usage == 165
    assert of_customer.remaining == 945


def test_figures_are_exact_to_ten_decimals():
    # Ten thousand times a ten-thousand-millionth, beside a number of fifteen digits.
    rows = [row("0.0000000001")] * 10_000 + [row("999999999999999", usage="0.9999999999")]
    figures = figures_of(rows)
    assert figures.granted == Decimal("999999999999999.000001")
    assert figures.remaining == Decimal("999999999999998.0000010001")


def test_the_callers_precision_changes_nothing():
    with localcontext() as narrow:
        narrow.prec = 3
        figures = figures_of([row("12345.6789", "0.0000000001", "0.1")], [rollover("1000000", "0.5")])
        assert str(figures.granted) == "1012346.1789000001"
        assert str(figures.remaining) == "1012345.5789000001"


def test_what_a_plan_includes_follows_its_quantity():
    assert included_grant(Decimal(1000), Decimal(3)) == 3000
    assert included_grant(Decimal("0.5"), Decimal(3), Decimal("-0.25")) == Decimal("1.25")
    assert prepaid_grant(Decimal(4), Decimal(250)) == 1000


@pytest.mark.parametrize(
    ("available", "cost", "units"),
    [
        ("10", "2.5", "4"),
        ("10", "3", "3.3333333333"),
        ("20", "3", "6.6666666667"),
        # 0.00000000005 and 0.00000000015 lie half-way: to the even neighbour.
        ("0.0000000001", "2", "0"),
        ("0.0000000003", "2", "0.0000000002"),
        ("0.0000000005", "2", "0.0000000002"),
        ("-0.0000000003", "2", "-0.0000000002"),
        # A hair above the half.
        ("0.00000000010000000001", "2", "0.0000000001"),
    ],
)
def test_credits_pay_for_units(available, cost, units):
    assert units_for(Decimal(available), Decimal(cost)) == Decimal(units)


def test_units_cost_credits():
    assert credits_for(Decimal(7), Decimal("2.5")) == Decimal("17.5")
    assert credits_for(Decimal("0.0000000003"), Decimal("0.5")) == Decimal("0.0000000002")


@pytest.mark.parametrize(
    ("amount", "problem"),
    [
        ("999999999999999.9999999999", None),
        ("-999999999999999.9999999999", None),
        ("1.5000000000000000", None),
        ("0e-99", None),
        ("1e15", "15 digits before"),
        ("-1e999999999", "15 digits before"),
        ("NaN", "15 digits before"),
        ("sNaN", "15 digits before"),
        ("-Infinity", "15 digits before"),
        ("0.00000000001", "10 decimals"),
        ("1e-999999999", "10 decimals"),
    ],
)
def test_amounts_that_do_not_fit_into_a_figure(amount, problem):
    found = amount_problem(Decimal(amount))
    assert found is None if problem is None else problem in str(found)
