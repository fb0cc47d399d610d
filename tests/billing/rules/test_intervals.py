from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.intervals import (
    around,
    first_after,
    is_made_of_months,
    last_by,
    next_after,
    nominal_minutes,
    step,
)

INTERVALS = ["minute", "hour", "day", "week", "month", "quarter", "semi_annual", "year"]
MONTHS = {"month": 1, "quarter": 3, "semi_annual": 6, "year": 12}


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "interval", "count", "stepped"),
    [
        ("2026-03-10T23:59:30", "minute", 1, "2026-03-11T00:00:30"),
        ("2026-03-10T22:15:00", "hour", 3, "2026-03-11T01:15:00"),
        ("2028-02-28T08:00:00", "day", 1, "2028-02-29T08:00:00"),
        ("2026-02-28T08:00:00", "day", 1, "2026-03-01T08:00:00"),
        ("2026-12-28T08:00:00", "week", 2, "2027-01-11T08:00:00"),
        ("2026-01-15T08:00:00", "month", 1, "2026-02-15T08:00:00"),
        ("2026-11-15T08:00:00", "month", 2, "2027-01-15T08:00:00"),
        ("2026-12-15T08:00:00", "month", 12, "2027-12-15T08:00:00"),
        ("2026-01-31T08:00:00", "month", 1, "2026-02-28T08:00:00"),
        ("2028-01-31T08:00:00", "month", 1, "2028-02-29T08:00:00"),
        ("2026-01-31T08:00:00", "quarter", 1, "2026-04-30T08:00:00"),
        ("2026-08-31T08:00:00", "semi_annual", 1, "2027-02-28T08:00:00"),
        ("2028-02-29T08:00:00", "year", 1, "2029-02-28T08:00:00"),
        ("2028-02-29T08:00:00", "year", 4, "2032-02-29T08:00:00"),
    ],
)
def test_a_step(moment, interval, count, stepped):
    assert step(day(moment), interval, count) == day(stepped)


@pytest.mark.parametrize(
    ("interval", "moments"),
    [
        ("month", ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
        ("month", ["2028-01-31", "2028-02-29", "2028-03-31"]),
        ("quarter", ["2026-08-31", "2026-11-30", "2027-02-28", "2027-05-31"]),
    ],
)
def test_step_by_step_the_anchor_day_returns(interval, moments):
    taken = [day(moments[0])]
    while len(taken) < len(moments):
        stepped = step(taken[-1], interval, 1, anchor_day=31)
        assert stepped is not None
        taken.append(stepped)
    assert taken == [day(moment) for moment in moments]


def test_a_leap_day_returns_every_fourth_year():
    assert step(day("2031-02-28"), "year", 1, anchor_day=29) == day("2032-02-29")
    assert step(day("2032-02-29"), "year", 1, anchor_day=29) == day("2033-02-28")


@pytest.mark.parametrize(
    ("due", "interval", "count", "now", "anchor", "expected"),
    [
        # Six days are missed: 10, 11 … 15 March. The one at the very moment has come.
        ("2026-03-10", "day", 1, "2026-03-15", None, "2026-03-16"),
        ("2026-03-10", "day", 1, "2026-03-14T23:59:59", None, "2026-03-15"),
        # Every 36 hours from midnight: 11 March 12:00, 13 March 0:00, 14 March 12:00.
        ("2026-03-10", "hour", 36, "2026-03-13T01:00", None, "2026-03-14T12:00"),
        # 525,600 minutes of 2026 are missed, and one more.
        ("2026-01-01", "minute", 1, "2027-01-01", None, "2027-01-01T00:01"),
        ("2026-01-31", "month", 1, "2026-01-31", 31, "2026-02-28"),
        ("2026-01-31", "month", 1, "2026-02-28", 31, "2026-03-31"),
        ("2026-02-28", "month", 1, "2026-02-28", 31, "2026-03-31"),
        ("2026-02-28", "month", 1, "2026-02-28", None, "2026-03-28"),
        ("2026-01-31", "month", 1, "2028-02-28T23:59", 31, "2028-02-29"),
        # Every five months from 31 January: 30 June, 30 November, 30 April.
        ("2026-01-31", "month", 5, "2026-11-30", 31, "2027-04-30"),
        ("2026-01-31", "quarter", 1, "2026-07-15", 31, "2026-07-31"),
        ("2026-02-28", "semi_annual", 1, "2027-01-01", 28, "2027-02-28"),
        ("2028-02-29", "year", 1, "2031-12-31", 29, "2032-02-29"),
        # A due date off its anchor: the first step is to the anchor day of the month after.
        ("2026-03-15", "month", 1, "2026-03-20", 31, "2026-04-30"),
        # Not missed at all.
        ("2026-03-15", "month", 1, "2026-03-14T23:59:59", 15, "2026-03-15"),
    ],
)
def test_the_next_one_after_those_that_were_missed(due, interval, count, now, anchor, expected):
    assert next_after(day(due), interval, count, day(now), anchor) == day(expected)


def test_once_never_comes_again():
    assert step(day("2026-01-01"), "one_off") is None
    assert next_after(day("2026-01-01"), "one_off", 1, day("2027-01-01")) is None
    assert next_after(day("2028-01-01"), "one_off", 1, day("2027-01-01")) is None
    assert nominal_minutes("one_off") is None


@pytest.mark.parametrize(
    ("interval", "count"), [("year", 8000), ("month", 2**31 - 1), ("week", 2**31 - 1), ("minute", 2**62)]
)
def test_what_lies_beyond_the_calendar_never_comes(interval, count):
    assert step(day("2026-01-01"), interval, count) is None
    assert next_after(day("2026-01-01"), interval, count, day("2026-01-01")) is None


@pytest.mark.parametrize(
    ("interval", "count", "days"),
    [
        ("day", 1, 1),
        ("week", 2, 14),
        ("month", 1, 30),
        ("month", 3, 90),
        ("quarter", 1, 90),
        ("semi_annual", 1, 182),
        ("year", 1, 365),
        ("year", 2**31 - 1, 365 * (2**31 - 1)),
    ],
)
def test_nominal_lengths(interval, count, days):
    assert nominal_minutes(interval, count) == days * 1440


def test_minutes_and_hours_are_what_they_are():
    assert (nominal_minutes("minute", 5), nominal_minutes("hour", 2)) == (5, 120)


def test_what_is_made_of_months():
    assert [name for name in ["one_off", *INTERVALS] if is_made_of_months(name)] == list(MONTHS)


def test_clocks_that_change_do_not_matter():
    """In Berlin the clock springs forward on 29 March 2026: the day has 23 hours there, 24 here."""
    saturday_noon = datetime(2026, 3, 28, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    stepped = step(saturday_noon, "day")
    assert stepped == datetime(2026, 3, 29, 11, tzinfo=UTC)
    assert stepped.tzinfo is UTC


def test_the_day_of_the_month_is_that_in_utc():
    """31 January 23:30 in UTC is 1 February in Nairobi."""
    nairobi = datetime(2026, 2, 1, 2, 30, tzinfo=timezone(timedelta(hours=3)))
    assert step(nairobi, "month") == datetime(2026, 2, 28, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((datetime(2026, 1, 1), "day", 1, None), "no time zone"),  # noqa: DTZ001
        ((day("2026-01-01"), "multiple", 1, None), "'multiple' is not an interval"),
        ((day("2026-01-01"), "", 1, None), "is not an interval"),
        ((day("2026-01-01"), "day", 0, None), "count of 0"),
        ((day("2026-01-01"), "month", 1, 0), "0 is not a day of the month"),
        ((day("2026-01-01"), "month", 1, 32), "32 is not a day of the month"),
    ],
)
def test_refuses_what_makes_no_sense(arguments, said):
    with pytest.raises(ValueError, match=said):
        step(*arguments)


def test_a_naive_now_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        next_after(day("2026-01-01"), "day", 1, datetime(2026, 2, 1))  # noqa: DTZ001


moments = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
intervals = st.sampled_from(INTERVALS)
counts = st.integers(1, 50)


@given(moments, intervals, counts, moments, st.integers(1, 31) | st.none())
def test_the_next_one_lies_ahead_and_the_one_before_does_not(due, interval, count, now, anchor):
    found = next_after(due, interval, count, now, anchor)
    assert found is not None
    assert found > now
    if due > now:
        assert found == due
    elif interval in MONTHS:
        apart = (found.year - due.year) * 12 + found.month - due.month
        steps, rest = divmod(apart, MONTHS[interval] * count)
        assert (rest, steps >= 1) == (0, True)
        assert found == step(due, interval, steps * count, anchor)
        assert steps == 1 or step(due, interval, (steps - 1) * count, anchor) <= now
    else:
        length = step(due, interval, count) - due
        assert (found - due) % length == timedelta(0)
        assert found - length <= now


@given(moments, intervals, st.integers(1, 6), st.integers(0, 12))
def test_missing_some_or_none_leads_to_the_same_moment(due, interval, count, steps):
    anchor = due.day
    walked = due
    for _ in range(steps):
        walked = step(walked, interval, count, anchor)
    assert next_after(due, interval, count, walked, anchor) == step(walked, interval, count, anchor)


@given(moments, intervals, counts, st.integers(-12, 14))
def test_the_zone_a_moment_is_written_in_does_not_matter(moment, interval, count, hours):
    elsewhere = moment.astimezone(timezone(timedelta(hours=hours)))
    assert step(elsewhere, interval, count) == step(moment, interval, count)


@pytest.mark.parametrize(
    ("boundary", "interval", "count", "anchor", "at", "expected"),
    [
        ("2026-05-01T00:00", "month", 1, None, "2026-04-30T23:59", "2026-05-01T00:00"),
        ("2026-05-01T00:00", "month", 1, None, "2026-04-01T00:00", "2026-05-01T00:00"),
        ("2026-05-01T00:00", "month", 1, None, "2026-03-31T23:59", "2026-04-01T00:00"),
        ("2026-05-31T10:00", "month", 1, 31, "2026-02-01T00:00", "2026-02-28T10:00"),
        ("2026-05-31T10:00", "month", 1, 31, "2026-02-28T10:00", "2026-03-31T10:00"),
        ("2026-12-01T00:00", "quarter", 1, None, "2024-02-29T00:00", "2024-03-01T00:00"),
        ("2026-12-01T00:00", "year", 2, None, "2021-01-01T00:00", "2022-12-01T00:00"),
        ("2026-05-01T00:00", "hour", 6, None, "2026-04-30T18:00", "2026-05-01T00:00"),
        ("2026-05-01T00:00", "hour", 6, None, "2026-04-30T17:59", "2026-04-30T18:00"),
        ("2026-05-01T00:00", "day", 1, None, "2026-05-01T00:00", "2026-05-01T00:00"),
        ("0001-02-01T00:00", "month", 1, None, "0001-01-01T00:00", "0001-02-01T00:00"),
        ("2026-05-01T00:00", "one_off", 1, None, "2026-01-01T00:00", "2026-05-01T00:00"),
    ],
)
def test_the_end_of_an_earlier_period(
    boundary: str, interval: str, count: int, anchor: int | None, at: str, expected: str
) -> None:
    assert first_after(day(boundary), interval, count, day(at), anchor) == day(expected)


@pytest.mark.parametrize(
    ("due", "interval", "now", "expected"),
    [
        ("2026-01-31T10:00", "month", "2026-01-31T10:00", "2026-01-31T10:00"),
        ("2026-01-31T10:00", "month", "2026-02-28T09:59", "2026-01-31T10:00"),
        ("2026-01-31T10:00", "month", "2026-05-02T00:00", "2026-04-30T10:00"),
        ("2026-01-01T00:00", "day", "2026-05-02T00:00", "2026-05-02T00:00"),
        ("2026-01-01T00:00", "day", "2025-05-02T00:00", "2026-01-01T00:00"),
        ("9999-12-01T00:00", "month", "9999-12-31T00:00", "9999-12-01T00:00"),
    ],
)
def test_the_start_of_the_open_period(due: str, interval: str, now: str, expected: str) -> None:
    assert last_by(day(due), interval, 1, day(now), day(due).day) == day(expected)


@pytest.mark.parametrize(
    ("anchor", "interval", "at", "expected", "count", "anchored"),
    [
        ("2026-01-10T12:00", "day", "2026-01-11T11:59", ("2026-01-10T12:00", "2026-01-11T12:00"), 1, None),
        ("2026-01-10T12:00", "day", "2026-01-05T12:00", ("2026-01-05T12:00", "2026-01-06T12:00"), 1, None),
        ("2026-01-10T12:00", "month", "2026-01-10T11:59", ("2025-12-10T12:00", "2026-01-10T12:00"), 1, None),
        ("2026-01-31T00:00", "month", "2026-03-01T00:00", ("2026-02-28T00:00", "2026-03-31T00:00"), 1, 31),
        ("2026-02-28T00:00", "month", "2026-01-31T00:00", ("2026-01-31T00:00", "2026-02-28T00:00"), 1, 31),
        ("2026-02-28T00:00", "year", "2024-02-29T00:00", ("2024-02-28T00:00", "2025-02-28T00:00"), 1, None),
        ("2026-05-15T00:00", "month", "2026-02-14T00:00", ("2025-11-15T00:00", "2026-02-15T00:00"), 3, None),
        ("2024-01-01T00:00", "week", "2026-11-29T23:59", ("2026-11-23T00:00", "2026-11-30T00:00"), 1, None),
    ],
)
def test_the_interval_around_a_moment(anchor, interval, at, expected, count, anchored):
    start, end = around(day(anchor), interval, day(at), count=count, anchor_day=anchored)
    assert (start, end) == tuple(map(day, expected))
