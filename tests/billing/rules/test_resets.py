from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.drawing_order import DrawableGrant, DrawableRollover
from billing.rules.resets import NewRollover, ResetResult, RolloverRule, RolloverTrim, reset

JANUARY, FEBRUARY, MARCH, APRIL, MAY, JUNE = (datetime(2026, month, 1, tzinfo=UTC) for month in range(1, 7))


def row(included="100", usage="0", resets_at=MARCH, **more) -> DrawableGrant:
    return DrawableGrant(
        id="row",
        included_grant=Decimal(included),
        usage=Decimal(usage),
        resets_at=resets_at,
        **{"feature_id": "messages", "created_at": JANUARY, "reset_interval": "month", **more},
    )


def rollover(rollover_id, balance, expires_at=None, usage="0") -> DrawableRollover:
    return DrawableRollover(
        id=rollover_id, balance=Decimal(balance), usage=Decimal(usage), expires_at=expires_at
    )


def renewed(given_row, now=MARCH, rule=None, rollovers=(), included="100", **more) -> ResetResult:
    answer = reset(given_row, rollovers, now, rule, included=Decimal(included), **more)
    assert answer is not None
    return answer


def carrying(maximum=None, months=None) -> RolloverRule:
    return RolloverRule(maximum=None if maximum is None else Decimal(maximum), months=months)


def test_usage_returns_to_zero_and_the_date_moves_on():
    assert renewed(row(usage="30")) == ResetResult(
        row_id="row",
        due_at=MARCH,
        last_reset_at=MARCH,
        next_reset_at=APRIL,
        usage_change=Decimal(-30),
        included_change=Decimal(0),
        billable_overage=Decimal(0),
        forgiven_overage=Decimal(0),
    )


def test_it_is_due_at_its_very_moment_and_not_before():
    moment_before = MARCH - timedelta(milliseconds=1)
    assert reset(row(), [], moment_before, None, included=Decimal(100)) is None
    assert renewed(row(), MARCH).due_at == MARCH


@pytest.mark.parametrize(
    "never",
    [row(resets_at=None), row(reset_interval="one_off"), row(reset_interval="")],
    ids=["no date", "one_off", "no interval"],
)
def test_what_never_resets(never):
    assert reset(never, [], JUNE, None, included=Decimal(100)) is None


def test_adjustments_go_and_what_the_item_grants_returns():
    """100 of the item and an adjustment of 25, then one of -40."""
    assert renewed(row("125", "30")).included_change == -25
    assert renewed(row("60", "30")).included_change == 40


def test_prepaid_stays_and_counts_as_leftover():
    """100 + 50 - 30 = 120 are left; 150 are there again."""
    answer = renewed(row("100", "30", prepaid_grant=Decimal(50)), rule=carrying())
    assert answer.usage_change == -30
    assert answer.included_change == 0
    assert answer.rollover == NewRollover(Decimal(120), None)


def test_a_negative_usage_returns_to_zero_too():
    answer = renewed(row("100", "-5"), rule=carrying())
    assert answer.usage_change == 5
    assert answer.rollover == NewRollover(Decimal(105), None)


def test_overage_is_forgiven_unless_it_is_billed():
    over = row("100", "130")
    forgiven, billed = renewed(over), renewed(over, usage_based=True)
    assert forgiven.billable_overage == 0
    assert forgiven.forgiven_overage == 30
    assert billed.billable_overage == 30
    assert billed.forgiven_overage == 0
    assert forgiven.usage_change == billed.usage_change == -130


def test_an_unlimited_row_owes_and_carries_over_nothing():
    over = renewed(row("0", "500", unlimited=True), rule=carrying(), included="0", usage_based=True)
    assert over.usage_change == -500
    assert over.billable_overage == 0
    answer = renewed(row("600", "500", unlimited=True), rule=carrying(), included="600")
    assert answer.rollover is None


def test_several_missed_periods_give_one_refill_and_one_rollover():
    """Due on 1 March; the resets of April and May are missed as well."""
    answer = renewed(row(usage="30"), MAY + timedelta(days=10), carrying(months=6))
    assert (answer.due_at, answer.next_reset_at) == (MARCH, JUNE)
    assert answer.last_reset_at == MAY
    assert answer.usage_change == -30
    assert answer.included_change == 0
    assert answer.rollover == NewRollover(Decimal(70), datetime(2026, 9, 1, tzinfo=UTC))


def test_months_keep_their_anchor_day():
    february = datetime(2026, 2, 28, 9, tzinfo=UTC)
    answer = renewed(row(resets_at=february), february, carrying(months=1), anchor_day=31)
    assert answer.next_reset_at == datetime(2026, 3, 31, 9, tzinfo=UTC)
    assert answer.rollover is not None
    assert answer.rollover.expires_at == answer.next_reset_at


def test_a_rollover_of_a_weekly_row_expires_by_the_day_its_reset_was_due():
    monday = datetime(2026, 2, 9, tzinfo=UTC)
    weekly = row(resets_at=monday, reset_interval="week")
    answer = renewed(weekly, monday, carrying(months=2), anchor_day=31)
    assert answer.rollover is not None
    assert answer.rollover.expires_at == datetime(2026, 4, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("interval", "count", "following"),
    [
        ("day", 3, datetime(2026, 3, 4, tzinfo=UTC)),
        ("month", 2, MAY),
        ("quarter", 1, JUNE),
        ("semi_annual", 1, datetime(2026, 9, 1, tzinfo=UTC)),
        ("year", 1, datetime(2027, 3, 1, tzinfo=UTC)),
    ],
)
def test_every_interval_and_its_count(interval, count, following):
    stepping = row(reset_interval=interval, reset_interval_count=count)
    assert renewed(stepping).next_reset_at == following


def test_a_past_due_subscription_does_not_reset_unless_told():
    assert reset(row(), [], MARCH, None, included=Decimal(100), past_due=True) is None
    assert renewed(row(usage="1"), past_due=True, reset_past_due=True).usage_change == -1


def test_nothing_is_carried_over_without_a_rule_or_a_leftover():
    assert renewed(row(usage="30")).rollover is None
    assert renewed(row(usage="100"), rule=carrying()).rollover is None
    assert renewed(row(usage="130"), rule=carrying()).rollover is None


def test_a_leftover_is_carried_over_whole_for_the_months_given():
    earlier = [rollover("earlier", "500", APRIL)]
    answer = renewed(row(usage="30"), rule=carrying(months=3), rollovers=earlier)
    assert answer.rollover == NewRollover(Decimal(70), JUNE)
    assert answer.trims == ()


def test_what_would_have_expired_by_now_is_not_carried_over():
    """Due on 1 March for one month: on 1 April it is gone, and takes nothing from the others."""
    earlier = [rollover("earlier", "100")]
    late = renewed(row(), APRIL, carrying("100", months=1), earlier)
    assert (late.rollover, late.trims, late.next_reset_at) == (None, (), MAY)
    in_time = renewed(row(), APRIL - timedelta(milliseconds=1), carrying(months=1), earlier)
    assert in_time.rollover == NewRollover(Decimal(100), APRIL)


def test_no_months_at_all_carry_nothing_over():
    assert renewed(row(), rule=carrying(months=0)).rollover is None


def test_the_cap_trims_the_soonest_to_expire_first():
    """40 + 50 + 30 + the new 70 are 190: of the 90 above 100, 40, then all of the next 50."""
    earlier = [
        rollover("ever", "30"),
        rollover("april", "40", APRIL),
        rollover("may", "50", MAY),
    ]
    answer = renewed(row(usage="30"), rule=carrying("100", months=3), rollovers=earlier)
    assert answer.trims == (
        RolloverTrim("april", Decimal(40), emptied=True),
        RolloverTrim("may", Decimal(50), emptied=True),
    )
    assert answer.rollover == NewRollover(Decimal(70), JUNE)


def test_the_cap_trims_the_new_one_when_it_expires_first():
    """30 + 70 are 100: 20 above 80 go from the new one, which expires in April."""
    answer = renewed(row(usage="30"), rule=carrying("80", months=1), rollovers=[rollover("ever", "30")])
    assert (answer.rollover, answer.trims) == (NewRollover(Decimal(50), APRIL), ())


def test_the_cap_may_leave_nothing_of_the_new_one():
    """90 + 70 are 160: 110 above 50 take all 70, then 40 of those that never expire."""
    answer = renewed(row(usage="30"), rule=carrying("50", months=1), rollovers=[rollover("ever", "90")])
    assert answer.rollover is None
    assert answer.trims == (RolloverTrim("ever", Decimal(40), emptied=False),)


def test_of_those_that_expire_together_the_new_one_is_trimmed_last():
    answer = renewed(
        row(usage="30"), rule=carrying("75", months=1), rollovers=[rollover("april", "10", APRIL)]
    )
    assert answer.trims == (RolloverTrim("april", Decimal(5), emptied=False),)
    assert answer.rollover == NewRollover(Decimal(70), APRIL)


def test_a_cap_of_zero_carries_nothing_over():
    answer = renewed(row(), rule=carrying("0"), rollovers=[rollover("earlier", "5", APRIL)])
    assert (answer.rollover, answer.trims) == (None, (RolloverTrim("earlier", Decimal(5), emptied=True),))


def test_one_emptied_by_use_stays_and_one_partly_used_counts_what_is_left():
    """0 + 20 + 70 are 90: 10 above 80 go from the 20 that are left of 60."""
    earlier = [rollover("used up", "0", APRIL, usage="60"), rollover("begun", "20", MAY, usage="40")]
    answer = renewed(row(usage="30"), rule=carrying("80", months=6), rollovers=earlier)
    assert answer.trims == (RolloverTrim("begun", Decimal(10), emptied=False),)


def test_rollovers_that_have_expired_do_not_count_towards_the_cap():
    """70 are below 80, whatever the one that expired at the reset still held."""
    earlier = [rollover("expired", "50", MARCH)]
    answer = renewed(row(usage="30"), rule=carrying("80"), rollovers=earlier)
    assert (answer.rollover, answer.trims) == (NewRollover(Decimal(70), None), ())


figures = st.decimals(0, 1000, places=2)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
rules = st.none() | st.builds(
    RolloverRule, maximum=st.none() | figures, months=st.none() | st.integers(0, 12)
)
some_rows = st.builds(
    row,
    included=figures,
    usage=figures,
    resets_at=moments,
    prepaid_grant=figures,
    reset_interval=st.sampled_from(
        ["minute", "hour", "day", "week", "month", "quarter", "semi_annual", "year"]
    ),
    reset_interval_count=st.integers(1, 5),
)
some_rollovers = st.lists(st.tuples(figures, st.none() | moments, figures), max_size=4).map(
    lambda facts: [rollover(f"rollover {number}", *each) for number, each in enumerate(facts)]
)


@given(some_rows, some_rollovers, moments, rules, figures, st.integers(1, 31), st.booleans())
def test_after_a_reset_the_row_holds_what_is_granted_and_none_is_due(
    before, rollovers, now, rule, included, anchor_day, usage_based
):
    def again(given_row):
        return reset(
            given_row,
            rollovers,
            now,
            rule,
            included=included,
            anchor_day=anchor_day,
            usage_based=usage_based,
        )

    answer = again(before)
    if answer is None:
        assert before.resets_at > now
        return
    after = replace(
        before,
        usage=before.usage + answer.usage_change,
        included_grant=before.included_grant + answer.included_change,
        resets_at=answer.next_reset_at,
    )
    assert after.balance == included + before.prepaid_grant
    assert answer.next_reset_at > now
    assert again(after) is None
    assert answer.billable_overage + answer.forgiven_overage == before.overage
    assert answer.forgiven_overage == 0 or not usage_based


@given(st.data(), some_rows, some_rollovers, moments, rules)
def test_the_cap_holds_and_only_the_excess_is_trimmed(data, before, rollovers, now, rule):
    answer = reset(before, rollovers, now, rule, included=Decimal(0))
    shuffled = data.draw(st.permutations(rollovers))
    assert answer == reset(before, shuffled, now, rule, included=Decimal(0))
    if answer is None:
        return
    if answer.rollover is None and not answer.trims:
        return
    living = {each.id: each.balance for each in rollovers if each.expires_at is None or each.expires_at > now}
    there = sum(living.values()) + before.remaining
    for trim in answer.trims:
        living[trim.rollover_id] -= trim.amount
        assert living[trim.rollover_id] >= 0
        assert trim.emptied == (living[trim.rollover_id] == 0)
    kept = sum(living.values()) + (answer.rollover.balance if answer.rollover else 0)
    assert rule is not None
    assert kept == (there if rule.maximum is None else min(there, rule.maximum))
    if answer.rollover:
        assert answer.rollover.balance > 0
        assert answer.rollover.expires_at is None or answer.rollover.expires_at > now
