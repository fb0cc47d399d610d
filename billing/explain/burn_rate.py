"""The burn rate of a balance, when the balance runs out at that rate, and what expires unused.

Pure arithmetic on values: no clock, no database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from billing.explain.types import Pace, Wasted
from billing.rules.exact import EXACT
from billing.rules.figures import Figures
from billing.rules.intervals import step
from customers.formats import day, moment, number
from customers.json_types import DECIMALS

#: The shortest time from which a burn rate is computed. Usage in less time predicts nothing.
SHORTEST = timedelta(hours=1)

_ZERO = Decimal(0)
_SECONDS_A_DAY = 24 * 60 * 60
_LONGEST = timedelta(days=36525)
_MOST_EVENTS = 1000
_SHOWN = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """A grant or rollover with `left` units remaining until it expires or is reset.

    A reset refills it to `refill` units, and carries over at most `carries` of what is left (None: all of it).
    """

    id: str
    name: str
    left: Decimal
    ends_at: datetime | None = None
    how: Literal["expires", "is reset"] = "expires"
    refill: Decimal = _ZERO
    interval: str = ""
    interval_count: int = 1
    carries: Decimal | None = _ZERO


def pace_of(
    figures: Figures, sources: Sequence[Supply], used: Decimal, since: datetime, until: datetime
) -> Pace:
    """The burn rate of a balance from which `used` units were deducted between `since` and `until`.

    `sources` are its grants and rollovers in drawing order. The rate is 0 if the time is shorter than `SHORTEST`.
    """
    has_rate = used > 0 and until - since >= SHORTEST
    rate = EXACT.divide(used, _seconds(until - since)) if has_rate else _ZERO
    per_day = EXACT.multiply(rate, Decimal(_SECONDS_A_DAY)).quantize(DECIMALS, context=EXACT)
    runs_out_at = None if figures.unlimited else _runs_out_at(figures.remaining, rate, until)
    return Pace(
        used=used,
        since=since,
        until=until,
        per_day=per_day,
        runs_out_at=runs_out_at,
        next_reset_at=figures.next_reset_at,
        words=_in_words(figures, used, since, until, per_day, runs_out_at),
        wasted=() if figures.unlimited else tuple(wasted(sources, rate, until)),
    )


def wasted(sources: Sequence[Supply], rate: Decimal, start: datetime) -> list[Wasted]:
    """What each source loses the next time it expires or resets, if `rate` units per second are deducted in order."""
    found: list[Wasted] = []
    living = list(sources)
    waiting = {source.id for source in living if source.ends_at is not None}
    now = start
    for _ in range(_MOST_EVENTS):
        ends = [source.ends_at for source in living if source.ends_at is not None]
        if not waiting or not ends:
            break
        due = max(now, min(ends))
        living = _drawn(living, EXACT.multiply(rate, _seconds(due - now)))
        now = due
        for source in [each for each in living if each.ends_at is not None and each.ends_at <= now]:
            if source.id in waiting:
                waiting.discard(source.id)
                kept = source.left if source.carries is None else min(source.left, source.carries)
                amount = EXACT.subtract(source.left, kept).quantize(DECIMALS, context=EXACT)
                if amount:
                    found.append(
                        Wasted(
                            row_id=source.id,
                            name=source.name,
                            how=source.how,
                            at=now,
                            amount=amount,
                            carried_over=kept.quantize(DECIMALS, context=EXACT),
                        )
                    )
            living = _after_its_end(living, source, now)
    return found


def _after_its_end(living: list[Supply], source: Supply, now: datetime) -> list[Supply]:
    if source.how == "expires":
        return [each for each in living if each is not source]
    following = step(max(now, source.ends_at or now), source.interval, source.interval_count)
    renewed = replace(source, left=source.refill, ends_at=following)
    return [renewed if each is source else each for each in living]


def _drawn(sources: list[Supply], amount: Decimal) -> list[Supply]:
    drawn = []
    for source in sources:
        taken = min(amount, source.left)
        amount = EXACT.subtract(amount, taken)
        drawn.append(replace(source, left=EXACT.subtract(source.left, taken)))
    return drawn


def _runs_out_at(remaining: Decimal, rate: Decimal, now: datetime) -> datetime | None:
    if not rate or not remaining:
        return None
    seconds = EXACT.divide(remaining, rate)
    if seconds > _seconds(_LONGEST):
        return None
    return now + timedelta(seconds=int(seconds))


def _in_words(
    figures: Figures,
    used: Decimal,
    since: datetime,
    until: datetime,
    per_day: Decimal,
    runs_out_at: datetime | None,
) -> str:
    if until <= since:
        return "The balance is new, so there is no burn rate yet."
    measured = f"in the {_long(until - since)} since {moment(since)}"
    if until - since < SHORTEST:
        return f"{number(used)} used {measured}, which is too short a time for a burn rate."
    if used <= 0:
        return f"Nothing was used {measured}. At this rate it never runs out."
    rate = f"{number(used)} used {measured}, {estimate(per_day)} per day"
    if figures.unlimited:
        return f"{rate}. It is unlimited and never runs out."
    if not figures.remaining:
        return f"{rate}. Nothing is left{_until_reset(figures.next_reset_at)}."
    if runs_out_at is None:
        return f"{rate}. At this rate it lasts more than 100 years."
    if figures.next_reset_at is not None and figures.next_reset_at <= runs_out_at:
        return (
            f"{rate}. At this rate it lasts until {day(runs_out_at)}, after the next reset on"
            f" {day(figures.next_reset_at)}."
        )
    if figures.next_reset_at is not None:
        gap = _long(figures.next_reset_at - runs_out_at)
        return (
            f"{rate}. At this rate it runs out on {day(runs_out_at)}, {gap} before the next reset on"
            f" {day(figures.next_reset_at)}."
        )
    return f"{rate}. At this rate it runs out on {day(runs_out_at)}, and it never resets."


def estimate(value: Decimal) -> str:
    """`about 3.33`: a figure computed from a rate. It is rounded to two decimals if it is 1 or more."""
    shown = value if value < 1 else value.quantize(_SHOWN, context=EXACT)
    return f"{'' if shown == value else 'about '}{number(shown)}"


def lost_words(lost: Wasted) -> str:
    """A sentence about what is lost unused."""
    kept = f" and {estimate(lost.carried_over)} carried over" if lost.carried_over else ""
    return (
        f"{lost.name} {lost.how} on {day(lost.at)}, when {estimate(lost.amount)} unused will be lost{kept}."
    )


def _until_reset(next_reset_at: datetime | None) -> str:
    return f" until the next reset on {day(next_reset_at)}" if next_reset_at else ", and it never resets"


def _long(length: timedelta) -> str:
    """`30 days`, `1 day`, `5 hours`, `3 minutes`: rounded down."""
    for unit, seconds in (("day", _SECONDS_A_DAY), ("hour", 3600)):
        count = int(length.total_seconds()) // seconds
        if count:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    count = int(length.total_seconds()) // 60
    return f"{count} minute{'' if count == 1 else 's'}"


def _seconds(length: timedelta) -> Decimal:
    return Decimal(length // timedelta(microseconds=1)).scaleb(-6, context=EXACT)
