"""Which moments are accepted: not before the open period, and at most `AHEAD` after the clock.

One rule for every verb, command, file and form. What is later is scheduled by the verbs that can schedule, and refused
by all others. What is earlier belongs to a period that was billed: it is refused, except usage that arrives within a
grace after the end of its period, which is billed with the next invoice.

Pure: no clock, no database. Moments are aware. Problems are sentences for a person, None if there is none.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

#: How far ahead of the clock a moment may be, because the clocks of two machines differ.
AHEAD = timedelta(minutes=5)
#: How far back a plan may begin: a contract may be entered late, but a wrong year must not bill decades.
FURTHEST_BACK = timedelta(days=5 * 365)


def is_ahead(at: datetime, now: datetime) -> bool:
    """Whether `at` is too far ahead of the clock to have happened."""
    return at - now > AHEAD


def is_before(at: datetime, start: datetime | None) -> bool:
    """Whether `at` is before something began at `start` (None: always there), as far as two clocks may differ."""
    return start is not None and start - at > AHEAD


def ahead_problem(at: datetime, now: datetime) -> str | None:
    """Why something that happened cannot have happened at `at`."""
    if not is_ahead(at, now):
        return None
    return (
        f"Enter a time that has passed. {shown(at)} is more than {_minutes(AHEAD)} ahead of the clock,"
        f" which shows {shown(now)}."
    )


def closed_problem(at: datetime, open_since: datetime | None) -> str | None:
    """Why nothing can change at `at` if the time before `open_since` was billed (None: none was)."""
    if open_since is None or at >= open_since:
        return None
    return f"Enter {shown(open_since)} or a later time. The time before it was billed, so nothing changes it."


def begin_problem(at: datetime, now: datetime) -> str | None:
    """Why a plan can't begin at `at`, although nothing of the customer was billed for that time."""
    furthest = now - FURTHEST_BACK
    if at >= furthest:
        return None
    return (
        f"Enter {shown(furthest)} or a later time. A plan begins at most five years back, because each of its periods since"
        " then is billed."
    )


def late_usage_problem(
    at: datetime, period_end: datetime, open_since: datetime, now: datetime, grace: timedelta
) -> str | None:
    """Why usage at `at` of a period that was billed is refused: it was recorded after the grace.

    `period_end` is the end of that period, `open_since` the start of the open one.
    """
    if now - period_end <= grace:
        return None
    accepted = f" Usage of it was accepted until {_minutes(grace)} after its end." if grace else ""
    return (
        f"The period of {shown(at)} ended on {shown(period_end)} and was billed.{accepted} Bill this usage with an"
        f" invoice of its own, or record it with a time from {shown(open_since)} on."
    )


def renewal_before_usage(
    at: datetime, due: datetime | None, now: datetime, grace: timedelta
) -> datetime | None:
    """Until when a customer must be renewed before usage at `at` is recorded; None if there is no need.

    `due` is when its next event falls due. Normally that is until `at`. But usage that arrives within the grace after
    the end of its period counts as late even if the renewal itself is late: so it does not matter for the invoices
    how soon after the end of a period a renewal runs.
    """
    if due is None:
        return None
    if due <= at:
        return at
    return now if due <= now and now - due <= grace else None


def shown(at: datetime) -> str:
    """A moment in UTC, to the minute or, where it has seconds, to the second."""
    there = at.astimezone(UTC)
    return (
        f"{there:%Y-%m-%d %H:%M:%S} UTC"
        if there.second or there.microsecond
        else f"{there:%Y-%m-%d %H:%M} UTC"
    )


def _minutes(span: timedelta) -> str:
    minutes = span // timedelta(minutes=1)
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
