"""Entries grouped by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from crm.desk.timeline.entry import TimelineEntry
from customers.formats import day, local


@dataclass(frozen=True, slots=True)
class TimelineDay:
    words: str
    entries: Sequence[TimelineEntry]


def by_day(entries: Sequence[TimelineEntry]) -> list[TimelineDay]:
    """Sorted entries grouped by their day in the current time zone."""
    days: dict[date, list[TimelineEntry]] = {}
    for entry in entries:
        days.setdefault(local(entry.at).date(), []).append(entry)
    return [TimelineDay(f"{each:%A}, {day(each)}", found) for each, found in days.items()]
