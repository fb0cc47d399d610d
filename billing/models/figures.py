"""Columns for figures: quantities and unit prices, exact to ten decimals."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    LessThan,
    LessThanOrEqual,
    Lookup,
)

from billing.rules.figures import UPPER_BOUND

if TYPE_CHECKING:
    _DecimalField = models.DecimalField[Any, Any]
else:
    _DecimalField = models.DecimalField


class FigureField(_DecimalField):
    """A decimal column that keeps every digit on both databases.

    SQLite stores a decimal as a double, which has only 15 digits. There the column is text, compared as a number,
    and sums that must be exact are added in Python.
    """

    description = "Figure: 15 digits before the decimal point, 10 after it"

    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        super().__init__(verbose_name, **{"max_digits": 25, "decimal_places": 10, **options})

    def get_internal_type(self) -> str:
        return "FigureField"

    def db_type(self, connection: Any) -> str:
        return (
            "text" if connection.vendor == "sqlite" else f"numeric({self.max_digits}, {self.decimal_places})"
        )

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Decimal | None:
        if value is None or isinstance(value, Decimal):
            return value
        return Decimal(str(value))


def _as_numbers(lookup: type[Lookup[Any]]) -> type[Lookup[Any]]:
    """`lookup` that compares as numbers on SQLite, where figures are stored as text."""

    def as_sqlite(self: Any, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        comparison = connection.operators[self.lookup_name] % f"CAST({right} AS REAL)"
        return f"CAST({left} AS REAL) {comparison}", [*left_params, *right_params]

    return type(f"Figure{lookup.__name__}", (lookup,), {"as_sqlite": as_sqlite})


for _lookup in (Exact, GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual):
    FigureField.register_lookup(_as_numbers(_lookup))


def figure(verbose_name: str | None = None, **options: Any) -> FigureField:
    """A column for a quantity or a unit price: 15 digits before the decimal point, 10 after it."""
    return FigureField(verbose_name, **options)


def bounded(name: str, *fields: str, at_least: int | None = 0) -> models.CheckConstraint:
    """A constraint: `fields` are finite and, unless `at_least` is None, at least that; NULL passes."""
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
    """How often something renews or resets."""

    ONE_OFF = "one_off", "Once"
    MINUTE = "minute", "Minute"
    HOUR = "hour", "Hour"
    DAY = "day", "Day"
    WEEK = "week", "Week"
    MONTH = "month", "Month"
    QUARTER = "quarter", "Quarter"
    SEMI_ANNUAL = "semi_annual", "Half-year"
    YEAR = "year", "Year"
    MULTIPLE = "multiple", "Mixed"


class TierBehavior(models.TextChoices):
    """How tiers price a quantity: each unit in its own tier (graduated), or all in the tier reached (volume)."""

    GRADUATED = "graduated", "Graduated"
    VOLUME = "volume", "Volume"


class BillingMethod(models.TextChoices):
    """Whether a quantity is paid for before or after it is used."""

    PREPAID = "prepaid", "Prepaid"
    USAGE_BASED = "usage_based", "Usage-based"
