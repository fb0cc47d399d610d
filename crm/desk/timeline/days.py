"""Entries under the days on which they happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.formats import date_format
from django.utils.timezone import localtime

from crm.desk.timeline.entry import TimelineEntry


@dataclass(frozen=True, slots=True)
class TimelineDay:
    """What happened on one day, with the day in words."""

    words: str
    entries: Sequence[TimelineEntry]


def by_day(entries: Sequence[TimelineEntry]) -> list[TimelineDay]:
    """The entries, which are in order, by day, in the time zone of the installation."""
    days: dict[date, list[TimelineEntry]] = {}
    for entry in entries:
        days.setdefault(localtime(entry.at).date(), []).append(entry)
    return [
        TimelineDay(f"{date_format(day, 'l')}, {date_format(day, 'DATE_FORMAT')}", found)
        for day, found in days.items()
    ]
