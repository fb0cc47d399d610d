"""Stepping through time by a billing interval: when something renews next.

Moments are aware and come back in UTC, where a day always has 24 hours. Intervals are the names of the billing
document, from `minute` to `year`; `one_off` never comes again. What would fall after the year 9999 never comes.
A naive moment, an unknown interval, a count below 1 or an anchor day outside 1 to 31 raises `ValueError`.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import MAXYEAR, UTC, datetime, timedelta

#: What no reset comes of by itself: no interval, once, and the several intervals behind an aggregate, which nobody
#: can tell apart.
NEVER_RESETS = ("", "one_off", "multiple")

_NEVER = "one_off"
_FIXED = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_MONTHS = {"month": 1, "quarter": 3, "semi_annual": 6, "year": 12}
_NOMINAL_DAYS = {"month": 30, "quarter": 90, "semi_annual": 182, "year": 365}
_MINUTES_A_DAY = 24 * 60
_LAST_DAY = 31


def step(moment: datetime, interval: str, count: int = 1, anchor_day: int | None = None) -> datetime | None:
    """`moment` moved on by `count` intervals, or None if that never comes.

    Months, and what is made of them, fall on the anchor day (if None, the day of `moment`) or on the last day
    of a month that is too short for it.
    """
    _check(interval, count, anchor_day)
    return _moved(_utc(moment), interval, count, anchor_day)


def next_after(
    due: datetime, interval: str, count: int, now: datetime, anchor_day: int | None = None
) -> datetime | None:
    """The first moment after `now` that is a whole number of steps from `due`, or None if none ever comes.

    That is `due` itself while it still lies ahead. However many steps were missed, the cost is the same.
    """
    _check(interval, count, anchor_day)
    due, now = _utc(due), _utc(now)
    if interval == _NEVER or due > now:
        return None if interval == _NEVER else due
    if interval in _FIXED:
        passed = (now - due) // _FIXED[interval] // count
        return _moved(due, interval, (passed + 1) * count, anchor_day)
    months = (now.year - due.year) * 12 + now.month - due.month
    # The last step whose month has begun may lie on either side of `now`; the one after it is always ahead.
    begun = max(1, months // (_MONTHS[interval] * count))
    candidate = _moved(due, interval, begun * count, anchor_day)
    if candidate is not None and candidate <= now:
        return _moved(due, interval, (begun + 1) * count, anchor_day)
    return candidate


def nominal_minutes(interval: str, count: int = 1) -> int | None:
    """How long `count` intervals are taken to be when lengths are compared; None for what never resets.

    A month is 30 days, a quarter 90, a half-year 182, a year 365.
    """
    if interval in NEVER_RESETS:
        return None
    _check(interval, count, None)
    if interval in _FIXED:
        return _FIXED[interval] // timedelta(minutes=1) * count
    return _NOMINAL_DAYS[interval] * _MINUTES_A_DAY * count


def is_made_of_months(interval: str) -> bool:
    """Whether the interval steps by months and so has an anchor day."""
    return interval in _MONTHS


def anchor_day(due: datetime, *days: int | None) -> int:
    """The day of the month that steps of months keep: the first of `days` that may lead to `due`.

    On 28 February what keeps to the 31st may be due; on 12 March it may not.
    """
    last = monthrange(due.year, due.month)[1]
    return next((day for day in days if day is not None and min(day, last) == due.day), due.day)


def _moved(moment: datetime, interval: str, intervals: int, anchor_day: int | None) -> datetime | None:
    if interval == _NEVER:
        return None
    if interval in _FIXED:
        try:
            return moment + _FIXED[interval] * intervals
        except OverflowError:
            return None
    years, month = divmod(moment.month - 1 + _MONTHS[interval] * intervals, 12)
    year = moment.year + years
    if year > MAXYEAR:
        return None
    day = min(anchor_day or moment.day, monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def _utc(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} has no time zone: pass an aware moment")
    return moment.astimezone(UTC)


def _check(interval: str, count: int, anchor_day: int | None) -> None:
    if interval != _NEVER and interval not in _FIXED and interval not in _MONTHS:
        known = ", ".join([_NEVER, *_FIXED, *_MONTHS])
        raise ValueError(f"{interval!r} is not an interval to step by: expected one of {known}")
    if count < 1:
        raise ValueError(f"An interval count of {count} leads nowhere: expected 1 or more")
    if anchor_day is not None and not 1 <= anchor_day <= _LAST_DAY:
        raise ValueError(f"{anchor_day} is not a day of the month: expected 1 to {_LAST_DAY}")
