"""Billing intervals: when something renews next.

Moments are aware, and results are in UTC, where a day always has 24 hours. Intervals are the names of the billing
document, from `minute` to `year`; `one_off` never repeats, nor does anything after the year 9999. A naive moment, an
unknown interval, a count below 1 or an anchor day outside 1 to 31 raises `ValueError`.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta

#: Intervals that never cause a reset: none, once, and `multiple`, which stands for several unknown ones in an aggregate.
NEVER_RESETS = ("", "one_off", "multiple")

_NEVER = "one_off"
_INSTANT = timedelta(microseconds=1)
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
    """`moment` plus `count` intervals, or None for never.

    Steps of months, quarters and years fall on the anchor day (None: the day of `moment`), or on the last day of a month
    that is too short for it.
    """
    _check(interval, count, anchor_day)
    return _moved(_utc(moment), interval, count, anchor_day)


def next_after(
    due: datetime, interval: str, count: int, now: datetime, anchor_day: int | None = None
) -> datetime | None:
    """The first moment after `now` that is a whole number of steps after `due`, or None for never.

    If `due` is after `now`, it is `due` itself. Takes the same time for any number of missed steps.
    """
    _check(interval, count, anchor_day)
    due, now = _utc(due), _utc(now)
    if interval == _NEVER or due > now:
        return None if interval == _NEVER else due
    if interval in _FIXED:
        passed = (now - due) // _FIXED[interval] // count
        return _moved(due, interval, (passed + 1) * count, anchor_day)
    months = (now.year - due.year) * 12 + now.month - due.month
    # Counted in whole months, this step may be before or after `now`. The step after it is always after `now`.
    begun = max(1, months // (_MONTHS[interval] * count))
    candidate = _moved(due, interval, begun * count, anchor_day)
    if candidate is not None and candidate <= now:
        return _moved(due, interval, (begun + 1) * count, anchor_day)
    return candidate


def last_by(
    due: datetime, interval: str, count: int, now: datetime, anchor_day: int | None = None
) -> datetime:
    """The last moment by `now` that is a whole number of steps after `due`; `due` itself if that is not before `now`."""
    due = _utc(due)
    following = next_after(due, interval, count, now, anchor_day)
    if following is None or following <= due:
        return due
    return _moved(following, interval, -count, anchor_day or due.day) or due


def first_after(
    boundary: datetime, interval: str, count: int, at: datetime, anchor_day: int | None = None
) -> datetime:
    """The first moment after `at` that is a whole number of steps before `boundary`, or `boundary` itself.

    That is the end of the period of `at`, if `boundary` is the end of a later one.
    """
    _check(interval, count, anchor_day)
    boundary, at = _utc(boundary), _utc(at)
    if interval == _NEVER or boundary <= at:
        return boundary
    if interval in _FIXED:
        return boundary - (boundary - at - _INSTANT) // (_FIXED[interval] * count) * (
            _FIXED[interval] * count
        )
    months = (boundary.year - at.year) * 12 + boundary.month - at.month
    steps = max(0, months // (_MONTHS[interval] * count) - 1)
    found = _moved(boundary, interval, -steps * count, anchor_day) if steps else boundary
    while found is not None:
        steps += 1
        earlier = _moved(boundary, interval, -steps * count, anchor_day)
        if earlier is None or earlier <= at:
            return found
        found = earlier
    return boundary


def around(
    anchor: datetime, interval: str, at: datetime, *, count: int = 1, anchor_day: int | None = None
) -> tuple[datetime, datetime]:
    """The start and end of the interval that contains `at`, of those that `anchor` begins or ends, without gaps.

    The start is part of it, the end is not. Raises `ValueError` for an interval that never repeats.
    """
    _check(interval, count, anchor_day)
    if interval == _NEVER:
        raise ValueError("An interval that never repeats has no start and end.")
    anchor, at = _utc(anchor), _utc(at)
    if interval in _FIXED:
        length = _FIXED[interval] * count
        begun = anchor + (at - anchor) // length * length
        return begun, begun + length
    size = _MONTHS[interval] * count
    steps = ((at.year - anchor.year) * 12 + at.month - anchor.month) // size
    # Counted in whole months, this interval may begin after `at`. The one before it never ends before `at`.
    start = _moved(anchor, interval, steps * count, anchor_day)
    if start is not None and start > at:
        steps -= 1
        start = _moved(anchor, interval, steps * count, anchor_day)
    end = _moved(anchor, interval, (steps + 1) * count, anchor_day)
    if start is None or end is None:
        raise ValueError("The interval reaches beyond the year 9999.")
    return start, end


def nominal_minutes(interval: str, count: int = 1) -> int | None:
    """The length of `count` intervals for comparisons, in minutes; None if they never reset.

    A month counts as 30 days, a quarter as 90, a half-year as 182 and a year as 365.
    """
    if interval in NEVER_RESETS:
        return None
    _check(interval, count, None)
    if interval in _FIXED:
        return _FIXED[interval] // timedelta(minutes=1) * count
    return _NOMINAL_DAYS[interval] * _MINUTES_A_DAY * count


def is_made_of_months(interval: str) -> bool:
    """Whether the interval consists of months, and so has an anchor day."""
    return interval in _MONTHS


def anchor_day(due: datetime, *days: int | None) -> int:
    """The anchor day of an event at `due`: the first of `days` that is possible, else the day of `due`.

    With the anchor day 31, an event can be on February 28, but not on March 12.
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
    if not MINYEAR <= year <= MAXYEAR:
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
        raise ValueError(f"{interval!r} is not an interval: expected one of {known}")
    if count < 1:
        raise ValueError(f"An interval count of {count} is not possible: expected 1 or more")
    if anchor_day is not None and not 1 <= anchor_day <= _LAST_DAY:
        raise ValueError(f"{anchor_day} is not a day of the month: expected 1 to {_LAST_DAY}")
