from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.invoice_totals import (
    BilledLine,
    DueDiscount,
    UnappliedDiscount,
    invoice_totals,
    is_discount_due,
)
from billing.rules.money import LARGEST_MINOR

DIGITS = {"JPY": 0, "USD": 2, "KWD": 3}


def line(amount, kind="base", subscription=None):
    return BilledLine(kind=kind, description=f"{kind} {amount}", amount=amount, subscription_id=subscription)


def per_cent(value, **facts):
    return DueDiscount(
        id=f"{value}%", name="Launch", type="percentage_discount", value=Decimal(value), **facts
    )


def fixed(value, currency="USD", **facts):
    return DueDiscount(
        id=f"{value} off",
        name="Voucher",
        type="fixed_discount",
        value=Decimal(value),
        currency=currency,
        **facts,
    )


def credits_of(value, currency="USD", **facts):
    return DueDiscount(
        id=f"{value} credit",
        name="Goodwill",
        type="invoice_credits",
        value=Decimal(value),
        currency=currency,
        **facts,
    )


def free(**facts):
    return DueDiscount(id="free", name="On the house", type="free_product", **facts)


def added(result):
    return [(each.kind, each.amount) for each in result.added]


def test_lines_alone():
    lines = [line(2000), line(1250, "prepaid"), line(75, "usage"), line(-300, "credit")]
    result = invoice_totals("usd", lines)
    assert result.currency == "USD"
    assert result.lines == tuple(lines)
    assert result.added == ()
    assert (result.subtotal, result.discount, result.tax, result.credit, result.total) == (
        3025,
        0,
        0,
        0,
        3025,
    )
    assert (result.used, result.not_applied) == ({}, ())


def test_nothing_billed_comes_to_nothing():
    result = invoice_totals("USD", [], [per_cent(10)], Decimal(19))
    assert (result.total, added(result)) == (0, [("tax", 0)])
    assert result.not_applied == (UnappliedDiscount("10%", "It applies to none of the billed lines."),)


@pytest.mark.parametrize(
    ("currency", "amount", "after", "tax", "total"),
    [
        # 10% off 999 yen is 99.9; 10% tax on 899 is 89.9.
        ("JPY", 999, 899, 90, 989),
        # 10% off 19.99 is 1.999; 10% on 17.99 is 1.799.
        ("USD", 1999, 1799, 180, 1979),
        # 10% off 0.125 is 0.0125, a half that goes to the even 0.012; 10% on 0.113 is 0.0113.
        ("KWD", 125, 113, 11, 124),
    ],
)
def test_a_percentage_then_tax_on_what_remains(currency, amount, after, tax, total):
    result = invoice_totals(currency, [line(amount)], [per_cent(10)], Decimal(10))
    assert (result.subtotal, result.subtotal + result.discount) == (amount, after)
    assert (result.tax, result.total) == (tax, total)
    assert result.used == {"10%": amount - after}


def test_the_lines_added_say_what_they_are():
    result = invoice_totals(
        "USD",
        [line(10_000)],
        [credits_of(5), fixed(20), per_cent("12.5000000000")],
        Decimal("7.7000000000"),
    )
    # 12.5% of 100 is 12.50; 20 more leave 67.50, whose tax of 5.1975 is 5.20; 5 of credit.
    assert [(each.kind, each.description, each.amount) for each in result.added] == [
        ("discount", "Launch (12.5%)", -1250),
        ("discount", "Voucher", -2000),
        ("tax", "Tax 7.7%", 520),
        ("credit", "Goodwill", -500),
    ]
    assert [each.discount_id for each in result.added] == ["12.5000000000%", "20 off", None, "5 credit"]
    assert (result.subtotal, result.discount, result.tax, result.credit) == (10_000, -3250, 520, -500)
    assert result.total == 6770


def test_percentages_take_from_what_is_left_in_the_order_given():
    # 10% of 100.00 is 10.00; 50% of 90.00 is 45.00. The other way round: 50.00, then 5.00.
    assert added(invoice_totals("USD", [line(10_000)], [per_cent(10), per_cent(50)])) == [
        ("discount", -1000),
        ("discount", -4500),
    ]
    assert added(invoice_totals("USD", [line(10_000)], [per_cent(50), per_cent(10)])) == [
        ("discount", -5000),
        ("discount", -500),
    ]


def test_fixed_amounts_never_go_below_zero():
    result = invoice_totals("USD", [line(2500)], [fixed(20), fixed(10), fixed(5)], Decimal(19))
    assert added(result) == [("discount", -2000), ("discount", -500), ("tax", 0)]
    assert result.used == {"20 off": 2000, "10 off": 500}
    assert result.not_applied == (UnappliedDiscount("5 off", "Nothing is left to discount."),)
    assert result.total == 0


def test_a_percentage_above_a_hundred_takes_all():
    assert invoice_totals("USD", [line(2500)], [per_cent(150)]).used == {"150%": 2500}
    assert invoice_totals("USD", [line(10**12)], [per_cent(10**15)]).total == 0


def test_a_fixed_amount_is_rounded_to_the_currency():
    assert invoice_totals("JPY", [line(1000)], [fixed("10.5", "JPY")]).used == {"10.5 off": 10}
    assert invoice_totals("KWD", [line(1000)], [fixed("0.1234", "KWD")]).used == {"0.1234 off": 123}


def test_a_free_product_takes_the_base_lines_of_its_subscription():
    lines = [
        line(3000, subscription="a"),
        line(700, "usage", "a"),
        line(1000, subscription="b"),
        line(400, "prepaid", "b"),
    ]
    assert invoice_totals("USD", lines, [free(subscription_id="a")]).used == {"free": 3000}
    result = invoice_totals("USD", lines, [per_cent(10), free()])
    # Free comes first: 30 and 10 off, then 10% of the 11 that are left.
    assert added(result) == [("discount", -4000), ("discount", -110)]
    assert result.total == 990


def test_a_discount_of_a_subscription_sees_its_lines_alone():
    lines = [line(3000, subscription="a"), line(700, "usage", "a"), line(1000, subscription="b")]
    assert invoice_totals("USD", lines, [per_cent(50, subscription_id="a")]).used == {"50%": 1850}
    assert invoice_totals("USD", lines, [fixed(20, subscription_id="b")]).used == {"20 off": 1000}
    assert invoice_totals("USD", lines, [per_cent(50, subscription_id="c")]).not_applied == (
        UnappliedDiscount("50%", "It applies to none of the billed lines of subscription c."),
    )
    # Free of a leaves 7 of it, of which 50% are 3.50; of the 13.50 then left, 20% are 2.70.
    both = [per_cent(50, subscription_id="a"), per_cent(20), free(subscription_id="a")]
    assert invoice_totals("USD", lines, both).used == {"free": 3000, "50%": 350, "20%": 270}


def test_a_discount_on_all_of_it_lowers_what_a_subscription_has_left():
    # 50% of 40.00 takes 15.00 of a and 5.00 of b, so 5.00 are all that is left of b.
    lines = [line(3000, subscription="a"), line(1000, subscription="b")]
    result = invoice_totals("USD", lines, [per_cent(50), fixed(8, subscription_id="b")])
    assert result.used == {"50%": 2000, "8 off": 500}
    assert result.total == 1500


def test_a_discount_on_all_of_it_is_not_taken_from_credits():
    # 50% of 120.00 takes 40.00 of a and 20.00 of c, by their 100 and 50, so 30.00 are left of c.
    lines = [line(10_000, subscription="a"), line(-3000, "credit", "b"), line(5000, subscription="c")]
    result = invoice_totals("USD", lines, [per_cent(50), fixed(99, subscription_id="c")])
    assert result.used == {"50%": 6000, "99 off": 3000}


def test_credits_for_unused_time_count_before_discounts():
    # 100 and -30 unused are 70; 10% of it; nothing makes the invoice negative.
    lines = [line(10_000, subscription="a"), line(-3000, "credit", "b")]
    assert invoice_totals("USD", lines, [per_cent(10)]).used == {"10%": 700}
    assert invoice_totals("USD", lines, [free()]).used == {"free": 7000}
    assert invoice_totals("USD", lines, [fixed(90, subscription_id="a")]).total == 0


def test_an_invoice_below_zero_has_no_discounts_and_gives_back_its_tax():
    lines = [line(2000), line(-5000, "credit")]
    all_kinds = [per_cent(10), fixed(5), free(), credits_of(5)]
    result = invoice_totals("USD", lines, all_kinds, Decimal(19))
    assert added(result) == [("tax", -570)]
    assert (result.subtotal, result.total, result.used) == (-3000, -3570, {})
    assert {each.discount_id for each in result.not_applied} == {each.id for each in all_kinds}
    assert {each.reason for each in result.not_applied} == {"Nothing is left to discount."}


def test_a_charge_and_its_credit_have_the_same_tax():
    charged = invoice_totals("USD", [line(1250)], [], Decimal("7.5"))
    credited = invoice_totals("USD", [line(-1250, "credit")], [], Decimal("7.5"))
    assert (charged.tax, credited.tax) == (94, -94)  # 0.9375


@pytest.mark.parametrize(("amount", "tax"), [(50, 2), (150, 8), (250, 12), (-50, -2), (-150, -8)])
def test_half_of_a_cent_of_tax_goes_to_the_even_cent(amount, tax):
    assert invoice_totals("USD", [line(amount, "usage")], [], Decimal(5)).tax == tax


def test_no_rate_makes_no_line_and_a_rate_of_zero_does():
    assert added(invoice_totals("USD", [line(100)])) == []
    assert added(invoice_totals("USD", [line(100)], [], Decimal(0))) == [("tax", 0)]


def test_credits_pay_of_the_total_with_its_tax():
    # 100.00 and 19.00 of tax.
    assert added(invoice_totals("USD", [line(10_000)], [credits_of(150)], Decimal(19))) == [
        ("tax", 1900),
        ("credit", -11_900),
    ]
    result = invoice_totals("USD", [line(10_000)], [credits_of(50), credits_of(150)], Decimal(19))
    assert result.used == {"50 credit": 5000, "150 credit": 6900}
    assert (result.credit, result.total) == (-11_900, 0)


def test_of_credits_only_what_is_not_spent_is_used():
    assert invoice_totals("USD", [line(10_000)], [credits_of(50, spent=Decimal("37.55"))]).used == {
        "50 credit": 1245
    }
    assert invoice_totals("USD", [line(10_000)], [credits_of(50, spent=Decimal(50))]).not_applied == (
        UnappliedDiscount("50 credit", "It rounds to nothing."),
    )


def test_credits_of_a_subscription_pay_its_lines_and_their_tax():
    lines = [line(3000, subscription="a"), line(1000, subscription="b")]
    result = invoice_totals("USD", lines, [credits_of(90, subscription_id="b")], Decimal(10))
    # 4.00 of tax in all, 1.00 of it on b.
    assert (result.tax, result.used, result.total) == (400, {"90 credit": 1100}, 3300)


def test_amounts_of_another_currency_do_not_apply():
    result = invoice_totals(
        "USD", [line(1000)], [fixed(5, "eur"), credits_of(5, "KWD"), fixed(3, None), fixed(1, "usd")]
    )
    assert result.used == {"1 off": 100}
    assert result.not_applied == (
        UnappliedDiscount("5 off", "It is in EUR, the invoice in USD."),
        UnappliedDiscount("3 off", "It has no currency."),
        UnappliedDiscount("5 credit", "It is in KWD, the invoice in USD."),
    )


def test_a_discount_that_comes_to_nothing_is_not_used():
    # 1% of 0.49 is 0.0049.
    result = invoice_totals("USD", [line(49)], [per_cent(1), fixed(0), fixed(-5)])
    assert (result.used, result.total) == ({}, 49)
    assert {each.reason for each in result.not_applied} == {"It rounds to nothing."}


@pytest.mark.parametrize("kind", ["discount", "tax"])
def test_only_what_bills_something_may_be_passed(kind):
    with pytest.raises(ValueError, match="Pass only the lines that bill something"):
        invoice_totals("USD", [line(100), line(-10, kind)])


def test_what_cannot_be_charged_is_refused():
    with pytest.raises(ValueError, match="tax rate of -1% cannot be charged"):
        invoice_totals("USD", [line(100)], [], Decimal(-1))
    with pytest.raises(ValueError, match="'ZZZ' is not a currency"):
        invoice_totals("ZZZ", [line(100)])
    with pytest.raises(ValueError, match="is too large"):
        invoice_totals("USD", [line(LARGEST_MINOR), line(1)])


some_lines = st.lists(
    st.builds(
        line,
        st.integers(-(10**7), 10**8) | st.integers(-50, 50),
        st.sampled_from(["base", "prepaid", "usage", "proration", "credit"]),
        st.sampled_from([None, "a", "b"]),
    ),
    max_size=6,
)
scopes = st.sampled_from([None, None, "a", "b"])
values = st.decimals(0, 10**5, places=4) | st.decimals(0, 100, places=2)


@st.composite
def some_discounts(draw_from, scopes=scopes):
    return [
        DueDiscount(
            id=str(number),
            name="Some",
            type=draw_from(
                st.sampled_from(["percentage_discount", "fixed_discount", "free_product", "invoice_credits"])
            ),
            value=draw_from(values),
            currency=draw_from(st.sampled_from([None, "JPY", "USD", "KWD"])),
            subscription_id=draw_from(scopes),
        )
        for number in range(draw_from(st.integers(0, 5)))
    ]


currencies = st.sampled_from(sorted(DIGITS))
rates = st.none() | st.decimals(0, 30, places=3)


@given(currencies, some_lines, some_discounts(), rates)
def test_the_total_is_the_sum_of_the_lines_whatever_they_are(currency, lines, discounts, rate):
    result = invoice_totals(currency, lines, discounts, rate)
    assert result.lines == (*lines, *result.added)
    assert result.total == sum(each.amount for each in result.lines)
    assert result.total == result.subtotal + result.discount + result.tax + result.credit
    assert result.subtotal == sum(each.amount for each in lines)
    taxed = Fraction(result.subtotal + result.discount)
    assert result.tax == (0 if rate is None else round(taxed * Fraction(rate) / 100))
    if result.subtotal > 0:
        assert result.total >= 0
        assert taxed >= 0
    else:
        assert (result.discount, result.credit, result.used) == (0, 0, {})


@given(currencies, some_lines, some_discounts(), rates)
def test_every_discount_is_used_or_says_why_not(currency, lines, discounts, rate):
    result = invoice_totals(currency, lines, discounts, rate)
    refused = [each.discount_id for each in result.not_applied]
    assert sorted([*refused, *result.used]) == sorted(each.id for each in discounts)
    assert {each.discount_id: -each.amount for each in result.added if each.discount_id} == result.used
    assert all(amount > 0 for amount in result.used.values())
    for each in discounts:
        used = result.used.get(each.id, 0)
        billed = [one for one in lines if each.subscription_id in (None, one.subscription_id)]
        if each.type == "free_product":
            billed = [one for one in billed if one.kind in ("base", "proration")]
        elif each.type != "percentage_discount":
            assert used <= round(Fraction(each.value) * 10 ** DIGITS[currency])
            assert used == 0 or each.currency == currency
        if each.type != "invoice_credits":
            assert used <= max(0, sum(one.amount for one in billed))


@given(currencies, some_lines, some_discounts(st.none()), rates)
def test_discounts_of_the_whole_invoice_in_fractions(currency, lines, discounts, rate):
    left = sum(each.amount for each in lines)
    base = sum(each.amount for each in lines if each.kind in ("base", "proration"))
    whole = 10 ** DIGITS[currency]

    def of(kind):
        return [each for each in discounts if each.type == kind]

    def amounts(kind):
        return [round(Fraction(each.value) * whole) for each in of(kind) if each.currency == currency]

    if of("free_product"):
        left -= max(0, min(base, left))
    for each in of("percentage_discount"):
        left -= max(0, round(left * min(Fraction(each.value) / 100, Fraction(1))))
    for amount in amounts("fixed_discount"):
        left -= max(0, min(amount, left))
    left += 0 if rate is None else round(left * Fraction(rate) / 100)
    for amount in amounts("invoice_credits"):
        left -= max(0, min(amount, left))
    assert invoice_totals(currency, lines, discounts, rate).total == left


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


JANUARY_31 = at("2026-01-31T09:00:00")


@pytest.mark.parametrize(
    ("months", "moment", "due"),
    [
        (1, "2026-01-31T08:59:59.999", False),
        (1, "2026-01-31T09:00:00", True),
        (1, "2026-02-28T08:59:59.999", True),
        (1, "2026-02-28T09:00:00", False),
        (3, "2026-04-30T08:59:59.999", True),
        (3, "2026-04-30T09:00:00", False),
        ("2.9", "2026-03-31T09:00:00", False),
        (0, "2026-01-31T09:00:00", False),
        ("0.5", "2026-01-31T09:00:00", False),
        (10**6, "9999-12-31T00:00:00", True),
    ],
)
def test_months_are_calendar_months_from_the_start(months, moment, due):
    assert is_discount_due("months", Decimal(months), JANUARY_31, None, at(moment), uses=7) is due


@pytest.mark.parametrize(
    ("kind", "months", "start", "end", "moment", "uses", "due"),
    [
        ("one_off", None, None, None, "2026-05-01", 0, True),
        ("one_off", None, None, None, "2026-05-01", 1, False),
        ("one_off", None, "2026-05-02", None, "2026-05-01", 0, False),
        ("one_off", None, None, "2026-05-01", "2026-05-01", 0, False),
        ("forever", None, None, None, "2026-05-01", 99, True),
        ("forever", None, "2026-05-01", "2026-06-01", "2026-05-01", 99, True),
        ("forever", None, "2026-05-01", "2026-06-01", "2026-06-01", 99, False),
        ("forever", None, "2026-05-02", None, "2026-05-01", 0, False),
        # What comes first ends it.
        ("months", 3, "2026-01-01", "2026-02-01", "2026-02-01", 1, False),
        ("months", 1, "2026-01-01", "2026-09-01", "2026-02-01", 1, False),
        # Its months are not known, or not from when.
        ("months", None, "2026-01-01", "2026-09-01", "2026-08-31", 8, True),
        ("months", 3, None, "2026-09-01", "2026-08-31", 8, True),
        ("months", None, "2026-01-01", None, "2026-01-02", 0, False),
        ("months", 3, None, None, "2026-01-02", 0, False),
    ],
)
def test_when_a_discount_is_due(kind, months, start, end, moment, uses, due):
    value = None if months is None else Decimal(months)
    begins, ends = (None if each is None else at(each) for each in (start, end))
    assert is_discount_due(kind, value, begins, ends, at(moment), uses) is due
