"""When a job runs again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Protocol

from django.utils import timezone

from customers.formats import counted

_FIRST_WEEKEND_DAY = 5
_DAY = timedelta(days=1)


class Schedule(Protocol):
    """A rule for the next moment. Its text is what the page shows."""

    def after(self, moment: datetime) -> datetime:
        """The first run after `moment`, in UTC."""


@dataclass(frozen=True, slots=True)
class Every:
    """At every full multiple of some minutes, counted in UTC, so that clock changes neither skip nor repeat a run."""

    minutes: int

    def after(self, moment: datetime) -> datetime:
        """The next full multiple."""
        start = datetime(1970, 1, 1, tzinfo=UTC)
        step = timedelta(minutes=self.minutes)
        return start + ((moment - start) // step + 1) * step

    def __str__(self) -> str:
        if self.minutes == 60:
            return "Every hour"
        if self.minutes % 60 == 0:
            return f"Every {counted(self.minutes // 60, 'hour')}"
        return "Every minute" if self.minutes == 1 else f"Every {counted(self.minutes, 'minute')}"


@dataclass(frozen=True, slots=True)
class Daily:
    """Once a day at a time of the installation's time zone.

    On the day of a clock change it runs once too: a time that the clock skips counts as if it had not been changed, of
    a time that comes twice the first one counts.
    """

    at: time
    weekdays_only: bool = False

    def after(self, moment: datetime) -> datetime:
        """The next day on which the time is still to come."""
        zone = timezone.get_default_timezone()
        day = moment.astimezone(zone).date() - _DAY
        while True:
            run = datetime.combine(day, self.at, zone).astimezone(UTC)
            is_wanted = not self.weekdays_only or day.weekday() < _FIRST_WEEKEND_DAY
            if run > moment and is_wanted:
                return run
            day += _DAY

    def __str__(self) -> str:
        return f"{'Weekdays' if self.weekdays_only else 'Daily'}, {self.at:%H:%M}"
