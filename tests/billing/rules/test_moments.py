"""Which moments are accepted."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from billing.rules.moments import (
    ahead_problem,
    closed_problem,
    is_ahead,
    late_usage_problem,
    renewal_before_usage,
    shown,
)

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
INSTANT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (timedelta(days=-3650), False),
        (timedelta(0), False),
        (timedelta(minutes=5), False),
        (timedelta(minutes=5) + INSTANT, True),
        (timedelta(days=730), True),
    ],
)
def test_five_minutes_ahead_of_the_clock_are_allowed(ahead: timedelta, *, expected: bool) -> None:
    assert is_ahead(NOW + ahead, NOW) is expected
    assert (ahead_problem(NOW + ahead, NOW) is not None) is expected


def test_the_sentence_about_a_time_ahead() -> None:
    east = timezone(timedelta(hours=2))
    assert ahead_problem(datetime(2028, 1, 1, 2, tzinfo=east), NOW) == (
        "Enter a time that has passed. 2028-01-01 00:00 UTC is more than 5 minutes ahead of the clock, which shows"
        " 2026-02-01 12:00 UTC."
    )


def test_what_was_billed_stays() -> None:
    assert closed_problem(NOW, NOW) is None
    assert closed_problem(NOW, None) is None
    assert closed_problem(NOW - INSTANT, NOW) == (
        "Enter 2026-02-01 12:00 UTC or a later time. The time before it was billed, so nothing changes it."
    )


def test_late_usage_is_accepted_within_the_grace() -> None:
    end = NOW - HOUR
    late = end - timedelta(minutes=3)
    assert late_usage_problem(late, end, end, NOW, HOUR) is None
    assert late_usage_problem(late, end, NOW, NOW + INSTANT, HOUR) == (
        "The period of 2026-02-01 10:57 UTC ended on 2026-02-01 11:00 UTC and was billed. Usage of it was accepted"
        " until 60 minutes after its end. Bill this usage with an invoice of its own, or record it with a time from"
        " 2026-02-01 12:00 UTC on."
    )
    without = late_usage_problem(late, end, NOW, NOW, timedelta(0))
    assert without is not None
    assert "accepted" not in without


@pytest.mark.parametrize(
    ("at", "due", "expected"),
    [
        (NOW, None, None),
        (NOW, NOW, NOW),
        (NOW, NOW + INSTANT, None),
        # Due between the usage and the clock: within the grace the period is closed first, later it stays open.
        (NOW - 2 * HOUR, NOW - HOUR, NOW),
        (NOW - 2 * HOUR, NOW - HOUR - INSTANT, None),
        # Two periods late: the first one is due before the usage.
        (NOW - 2 * HOUR, NOW - 3 * HOUR, NOW - 2 * HOUR),
    ],
)
def test_what_must_be_renewed_first(at: datetime, due: datetime | None, expected: datetime | None) -> None:
    assert renewal_before_usage(at, due, NOW, HOUR) == expected


def test_moments_are_shown_in_utc() -> None:
    assert shown(datetime(2026, 1, 1, 1, tzinfo=timezone(HOUR))) == "2026-01-01 00:00 UTC"
    assert shown(NOW + timedelta(seconds=7)) == "2026-02-01 12:00:07 UTC"
