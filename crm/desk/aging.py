"""The age of what is past due, in groups."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db.models import Case, CharField, Value, When

#: Days past due at which an older group begins.
_STEPS = (1, 31, 61, 91)
NOT_DUE, UNDATED = "Not due yet", "No due date"
#: The groups, the youngest first.
AGES = ("1 to 30 days", "31 to 60 days", "61 to 90 days", "Over 90 days")


def age_of(due_on: str, today: date) -> Any:
    """The group of a row on `today`, by its column with the due date."""
    bounds = [today - timedelta(days=step) for step in _STEPS]
    return Case(
        When(**{due_on: None}, then=Value(UNDATED)),
        When(**{f"{due_on}__gt": bounds[0]}, then=Value(NOT_DUE)),
        *(
            When(**{f"{due_on}__gt": bound}, then=Value(age))
            for age, bound in zip(AGES[:-1], bounds[1:], strict=True)
        ),
        default=Value(AGES[-1]),
        output_field=CharField(),
    )
