"""The columns that hold figures: quantities and unit prices, exact to ten decimals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q

#: Above every figure that is taken in. PostgreSQL's NaN is greater than any number, so this bound refuses it.
UPPER_BOUND = Decimal("1e15")


def figure(**options: Any) -> models.DecimalField[Any, Any]:
    """A column for a quantity or a unit price: 15 digits before the point, 10 after it."""
    return models.DecimalField(max_digits=25, decimal_places=10, **options)


def bounded(name: str, *fields: str, at_least: int | None = 0) -> models.CheckConstraint:
    """A constraint that keeps `fields` finite and, unless `at_least` is None, not below it; NULL passes."""
    condition = Q()
    for field in fields:
        inside = Q(**{f"{field}__lte": UPPER_BOUND})
        if at_least is None:
            inside &= Q(**{f"{field}__gte": -UPPER_BOUND})
        else:
            inside &= Q(**{f"{field}__gte": at_least})
        condition &= inside | Q(**{f"{field}__isnull": True})
    return models.CheckConstraint(
        condition=condition,
        name=name,
        violation_error_message="A figure is out of range: it has at most 15 digits before the point"
        + ("." if at_least is None else f" and is not below {at_least}."),
    )


class Interval(models.TextChoices):
    """How often something renews."""

    ONE_OFF = "one_off", "Once"
    MINUTE = "minute", "Minute"
    HOUR = "hour", "Hour"
    DAY = "day", "Day"
    WEEK = "week", "Week"
    MONTH = "month", "Month"
    QUARTER = "quarter", "Quarter"
    SEMI_ANNUAL = "semi_annual", "Half-year"
    YEAR = "year", "Year"
    MULTIPLE = "multiple", "Several intervals"


class TierBehavior(models.TextChoices):
    """How tiers price a quantity: each part in its own tier, or the whole in the tier it reaches."""

    GRADUATED = "graduated", "Graduated"
    VOLUME = "volume", "Volume"


class BillingMethod(models.TextChoices):
    """Whether a quantity is bought ahead or billed after use."""

    PREPAID = "prepaid", "Prepaid"
    USAGE_BASED = "usage_based", "Usage-based"
