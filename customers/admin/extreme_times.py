"""Times in the years 1 and 9999, which cannot be converted to every time zone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import MAXYEAR, MINYEAR, datetime, tzinfo
from typing import Self

from django.db.models import DateTimeField, Model


class ExtremeTime(datetime):
    """A time that stays in UTC if its conversion to another time zone would leave the years 1 to 9999."""

    def astimezone(self, tz: tzinfo | None = None) -> Self:
        try:
            return super().astimezone(tz)
        except (OverflowError, ValueError):
            return self


def keep_extreme_times(rows: Iterable[Model]) -> None:
    """Turn the times of `rows` in the years 1 and 9999 into `ExtremeTime`, because Django can't convert them."""
    for row in rows:
        for field in row._meta.concrete_fields:
            # Deferred columns are not loaded for this.
            value = row.__dict__.get(field.attname) if isinstance(field, DateTimeField) else None
            if isinstance(value, datetime) and value.year in (MINYEAR, MAXYEAR):
                row.__dict__[field.attname] = ExtremeTime.fromisoformat(value.isoformat())
