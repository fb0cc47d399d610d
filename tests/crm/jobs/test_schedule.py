"""When jobs run again: a table worked out by hand, across clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from django.test import override_settings

from crm.jobs.schedule import Daily, Every, Schedule


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "moment", "runs", "words"),
    [
        (Every(5), "2026-11-30 09:32", ["2026-11-30 09:35", "2026-11-30 09:40"], "Every 5 minutes"),
        (Every(5), "2026-11-30 09:35", ["2026-11-30 09:40"], "Every 5 minutes"),
        # Berlin's clocks go back at 01:00 UTC: the hour comes twice on the wall, but not for this rule.
        (
            Every(60),
            "2026-10-24 23:30",
            ["2026-10-25 00:00", "2026-10-25 01:00", "2026-10-25 02:00"],
            "Every hour",
        ),
        (Every(120), "2026-11-30 09:32", ["2026-11-30 10:00"], "Every 2 hours"),
        (Daily(time(6)), "2026-11-30 04:59", ["2026-11-30 05:00", "2026-12-01 05:00"], "Daily, 06:00"),
        (Daily(time(6)), "2026-11-30 05:00", ["2026-12-01 05:00"], "Daily, 06:00"),
        # 02:30 comes twice on 25 October: at 00:30 and at 01:30 UTC.
        (
            Daily(time(2, 30)),
            "2026-10-24 12:00",
            ["2026-10-25 00:30", "2026-10-26 01:30"],
            "Daily, 02:30",
        ),
        # 02:30 doesn't exist on 28 March: it would have been 01:30 UTC.
        (
            Daily(time(2, 30)),
            "2027-03-27 12:00",
            ["2027-03-28 01:30", "2027-03-29 00:30"],
            "Daily, 02:30",
        ),
        # 27 November 2026 is a Friday.
        (
            Daily(time(8), weekdays_only=True),
            "2026-11-27 06:00",
            ["2026-11-27 07:00", "2026-11-30 07:00"],
            "Weekdays, 08:00",
        ),
    ],
)
@override_settings(TIME_ZONE="Europe/Berlin")
def test_the_next_runs(schedule: Schedule, moment: str, runs: list[str], words: str) -> None:
    found, at = [], utc(moment)
    for _ in runs:
        at = schedule.after(at)
        found.append(at)
    assert found == [utc(run) for run in runs]
    assert str(schedule) == words
