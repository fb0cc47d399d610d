from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.money import from_minor, round_to_minor
from billing.rules.prices import Price, PriceTier, base_cost, cost_of, prepaid_cost, proration

CURRENCIES = ["JPY", "USD", "KWD"]

# Units 1-40 at 0.25, 41-200 at 0.10, the rest at 0.04.
THREE = (
    PriceTier(Decimal(40), Decimal("0.25")),
    PriceTier(Decimal(200), Decimal("0.10")),
    PriceTier(None, Decimal("0.04")),
)


def graduated(*tiers, units=1):
    return Price(tiers=tiers, billing_units=Decimal(units))


def volume(*tiers, units=1):
    return Price(tiers=tiers, tier_behavior="volume", billing_units=Decimal(units))


@pytest.mark.parametrize(
    ("quantity", "cost"),
    [("0", 0), ("0.01", 7), ("1", 7), ("30", 7), ("30.0000000001", 14), ("31", 14), ("90", 21)],
)
def test_a_part_of_a_pack_costs_a_whole_one(quantity, cost):
    seven_for_30 = Price(amount=Decimal(7), billing_units=Decimal(30))
    assert cost_of(seven_for_30, Decimal(quantity)) == cost
    assert prepaid_cost(seven_for_30, Decimal(quantity)) == cost


def test_packs_may_be_of_a_fraction_of_a_unit():
    # 1 hour in packs of 0.3 hours: 4 packs.
    assert cost_of(Price(amount=Decimal(2), billing_units=Decimal("0.3")), Decimal(1)) == 8


@pytest.mark.parametrize(
    ("quantity", "cost"),
    [
        (0, "0"),
        (1, "0.25"),
        (40, "10"),
        (41, "10.10"),  # 40 x 0.25 + 1 x 0.10
        (120, "18"),  # 40 x 0.25 + 80 x 0.10
        (200, "26"),  # 40 x 0.25 + 160 x 0.10
        (500, "38"),  # 40 x 0.25 + 160 x 0.10 + 300 x 0.04
    ],
)
def test_graduated_tiers_charge_each_part_in_its_own_tier(quantity, cost):
    assert cost_of(graduated(*THREE), Decimal(quantity)) == Decimal(cost)


@pytest.mark.parametrize(
    ("quantity", "cost"), [(0, "0"), (1, "0.25"), (40, "10"), (41, "4.10"), (200, "20"), (201, "8.04")]
)
def test_volume_tiers_charge_all_of_it_in_the_tier_that_is_reached(quantity, cost):
    assert cost_of(volume(*THREE), Decimal(quantity)) == Decimal(cost)


FLAT = (
    PriceTier(Decimal(10), Decimal(1), Decimal(5)),
    PriceTier(Decimal(20), Decimal(2), Decimal(7)),
    PriceTier(None, Decimal(0), Decimal(11)),
)


@pytest.mark.parametrize(
    ("quantity", "in_parts", "as_one"),
    [
        (0, 0, 0),
        (1, 6, 6),
        (10, 15, 15),
        (11, 24, 29),  # 10 + 2 + flats 5 and 7; 22 + flat 7
        (20, 42, 47),  # 10 + 20 + flats 5 and 7; 40 + flat 7
        (21, 53, 11),  # 30 + 0 + flats 5, 7 and 11; flat 11
    ],
)
def test_flat_amounts_of_the_tiers_entered_or_of_the_one_reached(quantity, in_parts, as_one):
    assert cost_of(graduated(*FLAT), Decimal(quantity)) == in_parts
    assert cost_of(volume(*FLAT), Decimal(quantity)) == as_one


def test_bounds_count_units_and_amounts_are_for_packs():
    # 1 for 10 units up to 100 units, then 0.5. 101 units are 11 packs: 10 at 1, one at 0.5; as one, 11 at 0.5.
    tiers = (PriceTier(Decimal(100), Decimal(1)), PriceTier(None, Decimal("0.5")))
    assert cost_of(graduated(*tiers, units=10), Decimal(101)) == Decimal("10.5")
    assert cost_of(volume(*tiers, units=10), Decimal(101)) == Decimal("5.5")


def test_whole_packs_decide_which_tier_is_reached():
    # 95 units are one pack of 100, which is past the bound of 99.
    tiers = (PriceTier(Decimal(99), Decimal(10)), PriceTier(None, Decimal(4)))
    assert cost_of(volume(*tiers, units=100), Decimal(95)) == 4
    # 99 parts of a hundred at 10, one at 4.
    assert cost_of(graduated(*tiers, units=100), Decimal(95)) == Decimal("9.94")


def test_a_pack_that_a_bound_cuts_into_thirds_is_rounded_once():
    # 1 unit of 3 at 1.00, 2 of 3 at 1.01: 1/3 + 2.02/3 = 3.02/3, which is 1.00666... and so 1.01.
    price = graduated(PriceTier(Decimal(1), Decimal("1.00")), PriceTier(None, Decimal("1.01")), units=3)
    cost = cost_of(price, Decimal(3))
    assert abs(Fraction(cost) - Fraction(302, 300)) < Fraction(1, 10**90)
    assert round_to_minor(cost, "USD") == 101


def test_the_last_tier_goes_on_past_its_bound():
    tiers = (PriceTier(Decimal(10), Decimal(2)), PriceTier(Decimal(20), Decimal(1)))
    assert cost_of(graduated(*tiers), Decimal(30)) == 40
    assert cost_of(volume(*tiers), Decimal(30)) == 30


def test_bounds_count_the_included_units():
    # 20 are included, so 100 more are units 21 to 120: 20 at 0.25 and 80 at 0.10.
    assert cost_of(graduated(*THREE), Decimal(100), Decimal(20)) == 13
    # The 120th unit is in the tier of 0.10, and only the 100 are charged.
    assert cost_of(volume(*THREE), Decimal(100), Decimal(20)) == 10
    # The first tier is used up by what is included, its flat amount too.
    assert cost_of(graduated(*FLAT), Decimal(5), Decimal(10)) == 17


def test_bought_ahead_a_volume_price_charges_the_included_units_too():
    # 120 at 0.10.
    assert prepaid_cost(volume(*THREE), Decimal(100), Decimal(20)) == 12
    # 50 and 60 are 110 units, 2 packs of 100, and so in the second tier.
    packs = volume(PriceTier(Decimal(100), Decimal(9)), PriceTier(None, Decimal(7)), units=100)
    assert prepaid_cost(packs, Decimal(60), Decimal(50)) == 14
    assert prepaid_cost(volume(*FLAT), Decimal(0), Decimal(15)) == 0


def test_bought_ahead_other_prices_charge_what_is_bought():
    assert prepaid_cost(graduated(*THREE), Decimal(100), Decimal(20)) == 13
    assert prepaid_cost(Price(amount=Decimal(3)), Decimal(2), Decimal(50)) == 6


def test_base_price_times_quantity_keeps_every_digit():
    assert base_cost(Decimal("19.99"), 3) == Decimal("59.97")
    # A hundred million times it, less once.
    amount = "123456789012345.0123456789"
    assert base_cost(Decimal(amount), 99_999_999) == Decimal("12345678777777712222222.8776543211")


small = st.decimals(0, 20, places=3)


@st.composite
def some_tiers(draw_from):
    bounds = sorted(draw_from(st.sets(st.integers(1, 40), max_size=4)))
    return tuple(PriceTier(to, draw_from(small), draw_from(small)) for to in [*map(Decimal, bounds), None])


def tier_of(tiers, unit):
    return next(tier for tier in tiers if tier.to is None or unit <= tier.to)


@given(some_tiers(), st.integers(0, 60), st.integers(0, 30), st.integers(1, 7))
def test_graduated_is_what_the_units_cost_one_by_one(tiers, quantity, included, pack):
    charged = range(included + 1, included + ceil(Fraction(quantity, pack)) * pack + 1)
    entered = {tier_of(tiers, unit) for unit in charged}
    expected = sum(Fraction(tier_of(tiers, unit).amount) / pack for unit in charged) + sum(
        Fraction(tier.flat_amount) for tier in entered
    )
    cost = cost_of(graduated(*tiers, units=pack), Decimal(quantity), Decimal(included))
    assert abs(Fraction(cost) - expected) < Fraction(1, 10**90)


@given(some_tiers(), st.integers(1, 60), st.integers(0, 30), st.integers(1, 7))
def test_volume_is_what_the_packs_cost_in_the_tier_reached(tiers, quantity, included, pack):
    packs = ceil(Fraction(quantity, pack))
    reached = tier_of(tiers, included + packs * pack)
    price = volume(*tiers, units=pack)
    assert (
        cost_of(price, Decimal(quantity), Decimal(included)) == packs * reached.amount + reached.flat_amount
    )
    packs = ceil(Fraction(quantity + included, pack))
    reached = tier_of(tiers, packs * pack)
    bought = prepaid_cost(price, Decimal(quantity), Decimal(included))
    assert bought == packs * reached.amount + reached.flat_amount


def test_a_stored_price_is_read_as_the_catalog_writes_it():
    stored = [{"to": "100", "amount": "0.10", "flat_amount": "5"}, {"to": "inf", "amount": "0.05"}]
    assert Price.from_stored(None, stored, "volume", Decimal(10)) == Price(
        tiers=(PriceTier(Decimal(100), Decimal("0.10"), Decimal(5)), PriceTier(None, Decimal("0.05"))),
        tier_behavior="volume",
        billing_units=Decimal(10),
    )
    assert Price.from_stored(Decimal(3), None, "", None) == Price(amount=Decimal(3))


def test_a_stored_price_is_read_as_a_person_writes_it():
    stored = [{"to": 100.5, "amount": 0.1, "flat_amount": None}, {"to": None, "flat_amount": 7}]
    assert Price.from_stored(Decimal(3), stored, "graduated", Decimal(1)) == Price(
        amount=Decimal(3),
        tiers=(PriceTier(Decimal("100.5"), Decimal("0.1")), PriceTier(None, Decimal(0), Decimal(7))),
    )


def test_tiers_win_over_an_amount():
    assert cost_of(Price(amount=Decimal(3), tiers=THREE), Decimal(10)) == Decimal("2.50")


@pytest.mark.parametrize(
    ("amount", "tiers", "behavior", "units", "message"),
    [
        (None, None, "", None, "Enter an amount or tiers"),
        (None, [], "graduated", None, "Enter an amount or tiers"),
        (Decimal(1), None, "", Decimal(0), "for 0 units: expected more than 0"),
        (Decimal(1), None, "stairs", None, "'stairs' is not a tier behavior"),
        (None, {"to": 1}, "", None, "not a list of objects"),
        (None, ["100"], "", None, "not a list of objects"),
        (None, [{"to": "inf"}, {"to": "inf"}], "", None, "tier 1 has no end"),
        (None, [{"to": 5}, {"to": 5}], "", None, "tier 2 ends at 5: expected more than 5"),
        (None, [{"to": 5}, {"to": 4}], "", None, "tier 2 ends at 4: expected more than 5"),
        (None, [{"to": -1}], "", None, "tier 1 has -1 as its to"),
        (None, [{"to": 5}, {"to": "inf", "amount": "much"}], "", None, "tier 2 has 'much' as its amount"),
        (None, [{"to": 5, "flat_amount": "NaN"}], "", None, "tier 1 has 'NaN' as its flat_amount"),
        (None, [{"to": 5, "amount": True}], "", None, "tier 1 has True as its amount"),
        (None, [{"to": 5, "amount": "inf"}], "", None, "tier 1 has 'inf' as its amount"),
    ],
)
def test_a_price_that_makes_no_sense_is_refused(amount, tiers, behavior, units, message):
    with pytest.raises(ValueError, match=message):
        Price.from_stored(amount, tiers, behavior, units)


def test_a_quantity_below_zero_is_refused():
    with pytest.raises(ValueError, match="A quantity of -1 has no price"):
        cost_of(Price(amount=Decimal(1)), Decimal(-1))
    with pytest.raises(ValueError, match="A quantity of -1 has no price"):
        prepaid_cost(volume(*THREE), Decimal(-1), Decimal(5))


def at(text, zone=UTC):
    return datetime.fromisoformat(text).replace(tzinfo=zone)


JANUARY, FEBRUARY = at("2026-01-01"), at("2026-02-01")


@pytest.mark.parametrize(
    ("begins", "ends", "cents"),
    [
        ("2026-01-01", "2026-02-01", 3100),
        ("2026-01-01", "2026-01-11", 1000),
        ("2026-01-11", "2026-02-01", 2100),
        ("2026-01-31T12:00:00", "2026-02-01", 50),
        ("2026-01-05", "2026-01-05", 0),
        # A second is 3100 / 2,678,400 cents, and 432 of them are a half: 0 is even.
        ("2026-01-01", "2026-01-01T00:07:11", 0),
        ("2026-01-01", "2026-01-01T00:07:12", 0),
        ("2026-01-01", "2026-01-01T00:07:12.001", 1),
        # 1296 seconds are 1.5 cents: 2 is even.
        ("2026-01-01", "2026-01-01T00:21:36", 2),
    ],
)
def test_a_part_of_a_period_costs_its_part_to_the_millisecond(begins, ends, cents):
    part = proration(Decimal(31), JANUARY, FEBRUARY, at(begins), at(ends))
    assert round_to_minor(part, "USD") == cents


def test_a_day_of_23_hours_costs_less_than_one_of_24():
    # Berlin skips an hour on 29 March 2026: the two days of the period have 47 hours.
    berlin = ZoneInfo("Europe/Berlin")
    start, middle, end = (at(f"2026-03-{day}", berlin) for day in (28, 29, 30))
    assert proration(Decimal(47), start, end, start, middle) == 24
    assert proration(Decimal(47), start, end, middle, end) == 23


@pytest.mark.parametrize(
    ("begins", "ends"),
    [("2025-12-31", "2026-01-05"), ("2026-01-05", "2026-02-02"), ("2026-01-06", "2026-01-05")],
)
def test_what_is_no_part_of_the_period_is_refused(begins, ends):
    with pytest.raises(ValueError, match="isn't within the period 2026-01-01T00:00:00"):
        proration(Decimal(31), JANUARY, FEBRUARY, at(begins), at(ends))


def test_an_empty_period_and_a_naive_moment_are_refused():
    with pytest.raises(ValueError, match="isn't within the period"):
        proration(Decimal(31), JANUARY, JANUARY, JANUARY, JANUARY)
    with pytest.raises(ValueError, match="has no time zone"):
        proration(Decimal(31), JANUARY, FEBRUARY, JANUARY, FEBRUARY.replace(tzinfo=None))


@given(
    st.sampled_from(CURRENCIES),
    st.decimals(0, 10**9, places=10),
    st.integers(1, 366 * 86_400_000),
    st.lists(st.integers(0, 10**6), min_size=3, max_size=3),
)
def test_parts_of_a_period_add_up_to_within_one_minor_unit(currency, amount, length, millionths):
    end = JANUARY + timedelta(milliseconds=length)
    moments = [JANUARY + timedelta(milliseconds=length * each // 10**6) for each in sorted(millionths)]

    def charge(begins, ends):
        exact = Fraction(amount) * Fraction((ends - begins) // timedelta(milliseconds=1), length)
        minor = round_to_minor(proration(amount, JANUARY, end, begins, ends), currency)
        assert minor == round(exact * 10 ** {"JPY": 0, "USD": 2, "KWD": 3}[currency])
        return minor

    first, middle, last = moments
    assert abs(charge(first, middle) + charge(middle, last) - charge(first, last)) <= 1
    assert proration(amount, JANUARY, end, JANUARY, end) == amount


@given(st.sampled_from(CURRENCIES), st.integers(0, 10**15))
def test_a_whole_period_gives_back_what_was_charged(currency, minor):
    amount = from_minor(minor, currency)
    assert round_to_minor(proration(amount, JANUARY, FEBRUARY, JANUARY, FEBRUARY), currency) == minor
