"""Months, each written as its first day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time

from django.utils.timezone import make_aware


def first_of(day: date) -> date:
    """The month of a day."""
    return day.replace(day=1)


def shifted(month: date, by: int) -> date:
    """The month that lies `by` months later, or earlier."""
    index = month.year * 12 + month.month - 1 + by
    return month.replace(year=index // 12, month=index % 12 + 1)


def months_between(first: date, last: date) -> Sequence[date]:
    """All months from `first` to `last`."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [shifted(first, by) for by in range(count)]


def start_of(month: date) -> datetime:
    """Midnight at the start of a month, in the current time zone."""
    return make_aware(datetime.combine(month, time.min))
