from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext

import pytest

from billing.rules.drawing import (
    DrawRefusal,
    DrawResult,
    LimitReached,
    RefundResult,
    draw,
    refund,
)
from billing.rules.drawing_order import (
    DrawableGrant,
    DrawableRollover,
    UsageCap,
    drawing_order,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
APRIL, MAY = (datetime(2026, month, 1, tzinfo=UTC) for month in (4, 5))


def row(row_id, included="0", usage="0", *, age=0, **more) -> DrawableGrant:
    """A row that holds `included` less `usage`, made `age` days before the start of the year."""
    for name in ("credit_cost", "max_purchase", "prepaid_grant"):
        if more.get(name) is not None:
            more[name] = Decimal(more[name])
    return DrawableGrant(
        id=row_id,
        included_grant=Decimal(included),
        usage=Decimal(usage),
        created_at=START - timedelta(days=age),
        **{"feature_id": "credits" if more.get("credit_cost") else "messages", **more},
    )


def rollover(rollover_id, balance, expires_at=None, **more) -> DrawableRollover:
    return DrawableRollover(id=rollover_id, balance=Decimal(balance), expires_at=expires_at, **more)


def drawn(rows, amount, rollovers=(), **more) -> list[tuple[object, ...]]:
    """What each part gave, of a use that fits: the id, the step, the units and what they charged."""
    answer = draw(rows, rollovers, Decimal(amount), **more)
    assert isinstance(answer, DrawResult), answer
    return parts_of(answer)


def parts_of(answer: DrawResult | RefundResult) -> list[tuple[object, ...]]:
    return [(part.id, part.step, part.units, part.charged) for part in answer.parts]


def refused(rows, amount, rollovers=(), **more) -> DrawRefusal:
    answer = draw(rows, rollovers, Decimal(amount), **more)
    assert isinstance(answer, DrawRefusal)
    return answer


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # Each pair differs in one term of the order, and all that comes later speaks for the second.
        (
            row("b", entity_id="seat", credit_cost="1", add_on=True),
            row("a", reset_interval="day", age=9),
        ),
        (
            row("b", add_on=True, overage_allowed=True),
            row("a", credit_cost="1", reset_interval="day", expires_at=APRIL, age=9),
        ),
        (row("b", reset_interval="year", add_on=True), row("a", expires_at=APRIL, age=9)),
        (row("b", reset_interval="year"), row("a", reset_interval="one_off", expires_at=APRIL, age=9)),
        (
            row("b", reset_interval="month", add_on=True),
            row("a", reset_interval="day", reset_interval_count=31, expires_at=APRIL, age=9),
        ),
        (
            row("b", reset_interval="semi_annual"),
            row("a", reset_interval="day", reset_interval_count=183, age=9),
        ),
        (row("b", expires_at=APRIL, add_on=True), row("a", expires_at=MAY, age=9)),
        (row("b", expires_at=MAY, add_on=True), row("a", age=9)),
        (row("b", overage_allowed=True), row("a", add_on=True, age=9)),
        (row("b"), row("a", overage_allowed=True, age=9)),
        (row("b", age=2), row("a", age=1)),
        (row("a"), row("b")),
    ],
)
def test_the_order_of_rows(first, second):
    for given_rows in ([first, second], [second, first]):
        assert drawing_order(given_rows, "seat") == [first, second]


@pytest.mark.parametrize(("interval", "days"), [("month", 30), ("quarter", 90), ("year", 365)])
def test_nominal_lengths_that_are_equal_leave_the_order_to_the_next_term(interval, days):
    rows = [
        row("made of days", reset_interval="day", reset_interval_count=days, age=1),
        row("made of months", reset_interval=interval, age=2),
    ]
    assert [each.id for each in drawing_order(rows)] == ["made of months", "made of days"]


def test_a_use_takes_from_one_row_after_the_other():
    """100 - 30 = 70 from the monthly one, the other 50 of 120 from the one for ever."""
    rows = [row("ever", "200"), row("monthly", "100", "30", reset_interval="month")]
    assert drawn(rows, "120") == [("monthly", "granted", 70, 70), ("ever", "granted", 50, 50)]


def test_prepaid_is_drawn_as_included_is():
    rows = [row("only", "10", "5", prepaid_grant="20")]
    assert drawn(rows, "25") == [("only", "granted", 25, 25)]


def test_nothing_is_asked_so_nothing_is_drawn():
    assert draw([], [], Decimal(0)) == DrawResult(())


def test_rollovers_come_first_the_soonest_to_expire_before_those_that_never_do():
    rows = [row("row", "100")]
    rollovers = [rollover("ever", "5"), rollover("may", "7", MAY), rollover("april", "3", APRIL)]
    answer = draw(rows, rollovers, Decimal(20))
    assert isinstance(answer, DrawResult)
    assert parts_of(answer) == [
        ("april", "rollover", 3, 3),
        ("may", "rollover", 7, 7),
        ("ever", "rollover", 5, 5),
        ("row", "granted", 5, 5),
    ]
    assert answer.rollover_changes == {"april": -3, "may": -7, "ever": -5}
    assert answer.usage_changes == {"row": 5}


def test_of_rollovers_that_expire_together_the_entitys_and_the_metered_come_first():
    rollovers = [
        rollover("a", "1", APRIL, credit_cost=Decimal(1)),
        rollover("c", "1", APRIL),
        rollover("b", "1", APRIL),
        rollover("d", "1", APRIL, entity_id="s1", credit_cost=Decimal(1)),
    ]
    for each in (rollovers, rollovers[::-1]):
        assert [part[0] for part in drawn([], "4", each, entity_id="s1")] == ["d", "b", "c", "a"]


def test_a_rollover_emptied_by_use_gives_nothing():
    assert drawn([row("row", "10")], "4", [rollover("empty", "0", APRIL)]) == [("row", "granted", 4, 4)]


def test_an_unlimited_row_takes_it_all_and_nothing_else_is_touched():
    rows = [row("monthly", "100", reset_interval="month"), row("endless", usage="7", unlimited=True)]
    assert drawn(rows, "1000000", [rollover("left", "50")]) == [("endless", "unlimited", 1000000, 1000000)]


def test_of_several_unlimited_rows_the_first_in_order_takes_it():
    rows = [row("ever", unlimited=True), row("monthly", unlimited=True, reset_interval="month")]
    assert drawn(rows, "9") == [("monthly", "unlimited", 9, 9)]


def test_a_use_without_an_entity_draws_the_customers_rows_only():
    rows = [row("seat 1", "50", entity_id="s1"), row("customer", "20")]
    rollovers = [rollover("of seat 1", "5", entity_id="s1")]
    assert drawn(rows, "20", rollovers) == [("customer", "granted", 20, 20)]
    assert refused(rows, "21", rollovers).missing == 1


def test_a_use_of_an_entity_draws_its_own_rows_then_the_customers():
    rows = [
        row("customer", "20"),
        row("seat 1", "50", entity_id="s1"),
        row("seat 2", "50", entity_id="s2", unlimited=True),
    ]
    rollovers = [rollover("of seat 1", "5", entity_id="s1"), rollover("of seat 2", "5", entity_id="s2")]
    assert drawn(rows, "60", rollovers, entity_id="s1") == [
        ("of seat 1", "rollover", 5, 5),
        ("seat 1", "granted", 50, 50),
        ("customer", "granted", 5, 5),
    ]


def test_an_entitys_row_may_be_of_a_credit_system_and_still_comes_before_the_customers():
    rows = [row("customer", "20"), row("seat credits", "10", entity_id="s1", credit_cost="2")]
    assert drawn(rows, "6", entity_id="s1") == [
        ("seat credits", "granted", 5, 10),
        ("customer", "granted", 1, 1),
    ]


def test_overage_begins_only_when_every_row_is_at_zero():
    """10 + 5 are there; the other 8 of 23 go below zero, in the first row that may."""
    rows = [
        row("first", "10", reset_interval="day", overage_allowed=True),
        row("second", "5", reset_interval="month"),
    ]
    answer = draw(rows, [], Decimal(23))
    assert isinstance(answer, DrawResult)
    assert parts_of(answer) == [
        ("first", "granted", 10, 10),
        ("second", "granted", 5, 5),
        ("first", "overage", 8, 8),
    ]
    assert answer.usage_changes == {"first": 18, "second": 5}


def test_overage_goes_down_to_max_purchase_then_to_the_next_row():
    """`a` holds -4 and may go to -10: 6 more. The other 14 of 20 go to `b`, which has no floor."""
    rows = [
        row("a", "10", "14", overage_allowed=True, max_purchase="10", age=2),
        row("b", overage_allowed=True, age=1),
    ]
    assert drawn(rows, "20") == [("a", "overage", 6, 6), ("b", "overage", 14, 14)]


def test_without_overage_what_does_not_fit_is_refused_whole():
    answer = refused([row("only", "100", "30")], "100", [rollover("left", "5")])
    assert answer == DrawRefusal(Decimal(100), Decimal(25), (LimitReached("no_overage"),))
    assert str(answer) == "25 of 100 can't be deducted: no grant allows overage"


def test_rows_that_share_a_max_purchase_are_overdrawn_up_to_it_together():
    """10 + 20 are held. A seat that this use does not reach is overdrawn by 4: of 10, 6 are left to both together."""
    shared = {"overage_allowed": True, "max_purchase": "10", "shares_max_purchase": True}
    rows = [
        row("a", "10", age=2, **shared),
        row("b", "20", age=1, **shared),
        row("seat", "1", "5", entity_id="s1", **shared),
    ]
    assert drawn(rows, "36") == [("a", "granted", 10, 10), ("b", "granted", 20, 20), ("a", "overage", 6, 6)]
    answer = refused(rows, "37")
    assert answer.missing == 1
    assert [stop.limit for stop in answer.stops] == ["max_purchase", "max_purchase"]


def test_max_purchase_refuses_and_says_what_is_missing():
    """100 + 20 of overage is 120: 5 of 125 are missing."""
    answer = refused([row("only", "100", overage_allowed=True, max_purchase="20")], "125")
    assert answer == DrawRefusal(
        Decimal(125), Decimal(5), (LimitReached("max_purchase", "only", Decimal(20)),)
    )
    assert str(answer) == "5 of 125 can't be deducted: only has reached its max_purchase of 20"


def test_a_row_beyond_its_floor_already_gives_nothing():
    """A floor that was lowered to 10 while the row was at -30."""
    rows = [row("only", usage="30", overage_allowed=True, max_purchase="10")]
    assert refused(rows, "1").missing == 1


def test_a_spend_limit_counts_the_overage_of_every_row_of_its_feature():
    """40 - 15 (own) - 5 (of the other seat) leaves 20: 10 + 20 fit, 3 of 33 are missing."""
    rows = [
        row("granted", "10"),
        row("over", usage="15", overage_allowed=True, max_purchase="1000"),
        row("seat", usage="5", entity_id="s1"),
    ]
    limits = {"messages": Decimal(40)}
    assert drawn(rows, "30", overage_limits=limits) == [
        ("granted", "granted", 10, 10),
        ("over", "overage", 20, 20),
    ]
    answer = refused(rows, "33", overage_limits=limits)
    assert answer == DrawRefusal(Decimal(33), Decimal(3), (LimitReached("spend_limit", "over", Decimal(40)),))
    assert str(answer) == "3 of 33 can't be deducted: over has reached its spend limit of 40"


def test_a_spend_limit_is_shared_by_the_rows_and_each_names_what_stopped_it():
    """`a` gives its 5; the limit of 12 leaves 7 to `b`; 1 of 13 is missing."""
    rows = [
        row("a", overage_allowed=True, max_purchase="5", age=2),
        row("b", overage_allowed=True, age=1),
    ]
    answer = refused(rows, "13", overage_limits={"messages": Decimal(12)})
    assert answer.missing == 1
    assert answer.stops == (
        LimitReached("max_purchase", "a", Decimal(5)),
        LimitReached("spend_limit", "b", Decimal(12)),
    )


def test_a_spend_limit_that_is_passed_already_gives_nothing():
    rows = [row("only", usage="30", overage_allowed=True)]
    assert refused(rows, "1", overage_limits={"messages": Decimal(10)}).missing == 1


def cap(limit, used="0", *, of="messages", own=True) -> UsageCap:
    return UsageCap(
        feature_id=of, limit=Decimal(limit), used=Decimal(used), interval="day", is_of_used_feature=own
    )


def test_a_usage_limit_bounds_everything_that_is_granted():
    """50 a day, 45 used: 5 of 8 fit into the grant of 100, or into what is unlimited."""
    for rows in ([row("granted", "100")], [row("all", unlimited=True)]):
        answer = refused(rows, "8", usage_caps=[cap("50", "45"), cap("60", "40")])
        assert answer.missing == 3
        assert answer.stops == (LimitReached("usage_limit", bound=Decimal(50), cap=cap("50", "45")),)
        assert str(answer) == "3 of 8 can't be deducted: the usage limit is 50 per day"
    assert drawn([row("granted", "100")], "5", usage_caps=[cap("50", "45")]) == [("granted", "granted", 5, 5)]


def test_a_usage_limit_of_credits_counts_rollovers_grants_and_overage_of_credits_alone():
    """10 messages of their own, then 3 credits each: 4 of the rollover, 8 of the grant, and no more than 12."""
    rows = [
        row("own", "10"),
        row("credits", "8", credit_cost="3", overage_allowed=True),
    ]
    carried = [rollover("carried", "4", credit_cost=Decimal(3), feature_id="credits")]
    answer = refused(rows, "15", carried, usage_caps=[cap("12", of="credits", own=False)])
    # 4 credits are 1.3333333333 messages, 10 messages are their own, 8 credits are 2.6666666667.
    assert answer.missing == 1
    assert answer.stops[0].limit == "usage_limit"
    assert drawn(rows, "14", carried, usage_caps=[cap("12", of="credits", own=False)])[-1][1] == "granted"


def test_a_usage_limit_that_is_passed_already_gives_nothing_and_no_other_reason():
    answer = refused([row("granted", "100")], "1", usage_caps=[cap("50", "70")])
    assert answer.missing == 1
    assert [stop.limit for stop in answer.stops] == ["usage_limit"]


def test_overage_that_is_turned_off_keeps_its_place_and_gives_nothing():
    rows = [row("over", "5", overage_allowed=True, overage_off=True), row("plain", "5")]
    answer = refused(rows, "11")
    assert answer.stops == (LimitReached("overage_off"),)
    assert drawn(rows, "10") == [("plain", "granted", 5, 5), ("over", "granted", 5, 5)]


def test_a_spend_limit_of_an_entity_replaces_the_customers_for_its_own_rows():
    """The customer's 5 are left to the shared row; the seat has 8 of its own, of which 3 are used."""
    rows = [
        row("seat", usage="3", entity_id="s1", overage_allowed=True),
        row("shared", overage_allowed=True),
    ]
    limits = {"messages": Decimal(5), ("messages", "s1"): Decimal(8)}
    assert drawn(rows, "10", overage_limits=limits, entity_id="s1") == [
        ("seat", "overage", 5, 5),
        ("shared", "overage", 5, 5),
    ]
    assert refused(rows, "11", overage_limits=limits, entity_id="s1").missing == 1


def test_a_spend_limit_of_another_feature_does_not_count():
    rows = [row("only", overage_allowed=True)]
    assert drawn(rows, "9", overage_limits={"storage": Decimal(1)}) == [("only", "overage", 9, 9)]


def test_where_nothing_is_granted_that_is_the_reason():
    answer = refused([row("seat", "10", entity_id="s1")], "1")
    assert answer.stops == (LimitReached("nothing_granted"),)
    assert str(answer) == "1 of 1 can't be deducted: nothing is granted"
    assert refused([], "2", [rollover("left", "1")]).stops == (LimitReached("no_overage"),)


def test_capped_it_takes_what_fits_and_says_what_it_dropped():
    answer = draw([row("only", "10", "4")], [rollover("left", "3")], Decimal(20), cap=True)
    assert isinstance(answer, DrawResult)
    assert answer.units == 9
    assert answer.dropped == 11
    assert answer.rollover_changes == {"left": -3}
    assert answer.usage_changes == {"only": 6}
    assert answer.stops == (LimitReached("no_overage"),)


def test_capped_with_room_enough_nothing_is_dropped():
    answer = draw([row("only", "10")], [], Decimal(10), cap=True)
    assert isinstance(answer, DrawResult)
    assert answer == DrawResult(answer.parts, Decimal(0), ())
    assert answer.units == 10


def test_credits_pay_for_what_the_metered_rows_do_not():
    """5 units from the metered row, the other 15 at 0.2 are 3 credits."""
    rows = [row("credits", "100", credit_cost="0.2", reset_interval="day"), row("metered", "5")]
    assert drawn(rows, "20") == [("metered", "granted", 5, 5), ("credits", "granted", 15, Decimal(3))]


def test_credit_systems_of_different_cost():
    """10 credits at 4 are 2.5 units; the other 7.5 of 10 at 2 are 15 credits."""
    rows = [row("dear", "10", credit_cost="4", age=2), row("cheap", "20", credit_cost="2", age=1)]
    assert drawn(rows, "10") == [
        ("dear", "granted", Decimal("2.5"), 10),
        ("cheap", "granted", Decimal("7.5"), 15),
    ]


def test_a_rollover_of_credits_is_charged_in_credits():
    rollovers = [rollover("credits", "6", APRIL, credit_cost=Decimal(3))]
    assert drawn([row("credits row", "30", credit_cost="3")], "5", rollovers) == [
        ("credits", "rollover", 2, 6),
        ("credits row", "granted", 3, 9),
    ]


def test_units_from_credits_round_half_even_once_at_ten_decimals():
    """1 credit at 3 is 0.3333333333 units; the rest of 1, 0.6666666667, costs 2.0000000001."""
    rows = [row("a", "1", credit_cost="3", age=2), row("b", "5", credit_cost="3", age=1)]
    assert drawn(rows, "1") == [
        ("a", "granted", Decimal("0.3333333333"), 1),
        ("b", "granted", Decimal("0.6666666667"), Decimal("2.0000000001")),
    ]


def test_credits_too_few_for_the_smallest_unit_stay():
    """0.000001 credits at 1,000,000 are 1e-12 units, which round to none."""
    rows = [
        row("crumb", "0.000001", credit_cost="1000000", age=2),
        row("rest", "2000000", credit_cost="1000000"),
    ]
    assert drawn(rows, "1") == [("rest", "granted", 1, 1000000)]


def test_credits_too_few_for_a_unit_are_used_before_overage_begins():
    """1 unit costs 1,000,000: 0.000001 are there, so the overage is 999,999.999999, all of the limit."""
    rows = [row("crumb", "0.000001", credit_cost="1000000", overage_allowed=True)]
    limits = {"credits": Decimal("999999.999999")}
    assert drawn(rows, "1", overage_limits=limits) == [("crumb", "overage", 1, 1000000)]


def test_max_purchase_and_spend_limit_of_a_credit_system_are_in_credits():
    """4 credits are there and 6 below zero: 10 at 2 are 5 units."""
    rows = [row("credits", "4", credit_cost="2", overage_allowed=True, max_purchase="6")]
    assert refused(rows, "7").missing == 2
    rows = [row("credits", "4", credit_cost="2", overage_allowed=True)]
    limits = {"credits": Decimal(6), "messages": Decimal(0)}
    assert refused(rows, "7", overage_limits=limits).missing == 2


def test_figures_of_any_size_stay_exact_whatever_the_callers_context():
    rows = [row("a", "0.0000000002", age=1), row("b", "999999999999999.9999999999")]
    with localcontext() as narrow:
        narrow.prec = 5
        answer = draw(rows, [], Decimal("123456789012345.1234567891"))
    assert isinstance(answer, DrawResult)
    assert answer.usage_changes == {"a": Decimal("0.0000000002"), "b": Decimal("123456789012345.1234567889")}
    with localcontext() as narrow:
        narrow.prec = 5
        assert answer.units == Decimal("123456789012345.1234567891")


@pytest.mark.parametrize("amount", ["-1", "NaN", "Infinity", "0.00000000001"])
def test_an_amount_that_is_none_raises(amount):
    with pytest.raises(ValueError, match="An amount of"):
        draw([row("only", "10")], [], Decimal(amount))
    with pytest.raises(ValueError, match="An amount of"):
        refund([row("only", "10", "5")], Decimal(amount))


def refunded(rows, amount, **more) -> tuple[object, object]:
    """What each part took of a refund, and what was dropped."""
    answer = refund(rows, Decimal(amount), **more)
    return parts_of(answer), answer.dropped


def test_a_refund_heals_what_is_below_zero_before_it_refills():
    """`b` is at -20, `a` has used 30 of 100: 20 heal `b`, 15 refill `a`, which comes first."""
    rows = [
        row("a", "100", "30", reset_interval="day"),
        row("b", "10", "30", reset_interval="month", overage_allowed=True),
    ]
    assert refunded(rows, "35") == ([("b", "healed", 20, 20), ("a", "refilled", 15, 15)], 0)


def test_a_refund_refills_up_to_the_grant_and_drops_the_rest():
    """-20 healed, then 30 and 10 refilled: 60 in all, so 40 of 100 are dropped."""
    rows = [
        row("a", "100", "30", reset_interval="day"),
        row("b", "10", "30", reset_interval="month", overage_allowed=True),
    ]
    assert refunded(rows, "100") == (
        [("b", "healed", 20, 20), ("a", "refilled", 30, 30), ("b", "refilled", 10, 10)],
        40,
    )
    assert refund(rows, Decimal(100)).usage_changes == {"a": -30, "b": -30}


def test_a_row_above_its_grant_or_granted_below_zero_takes_no_refund():
    rows = [row("above", "10", "-5"), row("below", "-10")]
    assert refunded(rows, "7") == ([], 7)


def test_a_refund_of_an_entity_reaches_its_rows_and_the_customers():
    rows = [row("seat", "5", "5", entity_id="s1"), row("customer", "5", "5")]
    assert refunded(rows, "7") == ([("customer", "refilled", 5, 5)], 2)
    assert refunded(rows, "7", entity_id="s1") == (
        [("seat", "refilled", 5, 5), ("customer", "refilled", 2, 2)],
        0,
    )


def test_a_refund_in_credits():
    """12 credits were used: at 3 they are 4 units."""
    assert refunded([row("credits", "30", "12", credit_cost="3")], "5") == (
        [("credits", "refilled", 4, 12)],
        1,
    )


def test_an_unlimited_row_takes_a_refund_first():
    rows = [row("limited", "10", "4"), row("endless", usage="9", unlimited=True)]
    assert refunded(rows, "20") == ([("endless", "unlimited", 9, 9), ("limited", "refilled", 4, 4)], 7)


def test_what_is_passed_in_stays_as_it_was():
    rows, rollovers = [row("a", "10", overage_allowed=True)], [rollover("left", "3")]
    before = list(rows), list(rollovers)
    draw(rows, rollovers, Decimal(50))
    refund(rows, Decimal(50))
    assert (rows, rollovers) == before
