"""Times at either end of the calendar, which some time zones do not have."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import MAXYEAR, MINYEAR, datetime, tzinfo
from typing import Self

from django.db.models import DateTimeField, Model


class ExtremeTime(datetime):
    """A time that stays in UTC where the time zone asked for has no such time."""

    def astimezone(self, tz: tzinfo | None = None) -> Self:
        try:
            return super().astimezone(tz)
        except (OverflowError, ValueError):
            return self


def keep_extreme_times(rows: Iterable[Model]) -> None:
    """Let Django show the times of `rows` in any time zone: its own conversion fails in the years 1 and 9999."""
    for row in rows:
        for field in row._meta.concrete_fields:
            # Columns that were not loaded stay so.
            value = row.__dict__.get(field.attname) if isinstance(field, DateTimeField) else None
            if isinstance(value, datetime) and value.year in (MINYEAR, MAXYEAR):
                row.__dict__[field.attname] = ExtremeTime.fromisoformat(value.isoformat())
