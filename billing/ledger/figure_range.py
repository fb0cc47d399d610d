"""Find balances by their figures, without loading them.

`billing.rules.figures` is the reference for the figures. SQLite calls it for each balance; PostgreSQL repeats it in SQL
for speed, exactly, in `numeric`. `tests/billing/ledger/test_figure_range.py` checks both against the reference.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from django.db import connection
from django.db.models import (
    Aggregate,
    BooleanField,
    DecimalField,
    Exists,
    F,
    Func,
    OuterRef,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    Value,
)
from django.db.models.functions import Coalesce, Greatest

from billing.models import Balance, Grant, Rollover
from billing.rules.exact import EXACT
from billing.rules.figures import FigureName, GrantFigures, RolloverFigures, figures_of
from customers.json_types import DECIMALS

_FUNCTION = "billing_figure_is_between"
# Wide enough for the product of a sum of figures and a bound.
_NUMERIC: DecimalField[Any, Any] = DecimalField(max_digits=60, decimal_places=20)


def with_figure_between(
    balances: QuerySet[Balance],
    name: FigureName,
    low: Decimal | None,
    high: Decimal | None,
    at: datetime,
) -> QuerySet[Balance]:
    """The balances whose figure at `at` is above `low` and at most `high`. Unlimited balances have no figure.

    Decimals of a bound after the tenth are cut off.
    """
    low, high = _cut(low), _cut(high)
    grants = Grant.objects.counted(at).filter(balance=OuterRef("pk")).order_by().values("balance")
    rollovers = Rollover.objects.counted(at).filter(balance=OuterRef("pk")).order_by().values("balance")
    if connection.vendor == "sqlite":
        return balances.filter(_IsBetween(name, low, high, grants, rollovers))
    balances = balances.filter(~Exists(grants.filter(unlimited=True)))
    granted = _sum(grants, F("included_grant") + F("prepaid_grant")) + _sum(rollovers, F("granted"))
    usage = _sum(grants, F("usage")) + _sum(rollovers, F("granted") - F("left"))
    if name == "usage_percent":
        # usage / granted * 100 > low, without a quotient that would have to be rounded.
        balances = balances.alias(figure_granted=granted, figure=usage * Value(Decimal(100), _NUMERIC))
        balances = balances.filter(figure_granted__gt=0)
        return _between(balances, low, high, F("figure_granted"))
    if name == "remaining":
        held = F("included_grant") + F("prepaid_grant") - F("usage")
        nothing = Value(Decimal(0), _NUMERIC)
        remaining = _sum(grants, Greatest(held, nothing, output_field=_NUMERIC)) + _sum(rollovers, F("left"))
        return _between(balances.alias(figure=remaining), low, high)
    return _between(balances.alias(figure=granted if name == "granted" else usage), low, high)


def _between(balances: Any, low: Decimal | None, high: Decimal | None, unit: Any = None) -> QuerySet[Balance]:
    """The balances with a `figure` above `low` and at most `high`. With a `unit`, the bounds are multiples of it."""

    def bound(value: Decimal) -> Any:
        return value if unit is None else Value(value, _NUMERIC) * unit

    if low is not None:
        balances = balances.filter(figure__gt=bound(low))
    if high is not None:
        balances = balances.filter(figure__lte=bound(high))
    found: QuerySet[Balance] = balances
    return found


def _sum(rows: Any, expression: Any) -> Any:
    summed = rows.annotate(total=Sum(expression, output_field=_NUMERIC)).values("total")
    return Coalesce(Subquery(summed), Value(Decimal(0), _NUMERIC), output_field=_NUMERIC)


def _cut(bound: Decimal | None) -> Decimal | None:
    return None if bound is None else bound.quantize(DECIMALS, ROUND_FLOOR, context=EXACT)


class _RowsAsJson(Aggregate):
    """The rows as JSON: a list of lists of columns. Figures are texts in SQLite, so nothing is rounded."""

    template = "json_group_array(json_array(%(expressions)s))"
    output_field = TextField()
    allow_distinct = False


class _IsBetween(Func):
    """The condition on SQLite, which calls the reference as a database function."""

    function = _FUNCTION
    output_field = BooleanField()
    conditional = True

    def __init__(
        self, name: FigureName, low: Decimal | None, high: Decimal | None, grants: Any, rollovers: Any
    ) -> None:
        grant_columns = _RowsAsJson("included_grant", "prepaid_grant", "usage", "unlimited")
        super().__init__(
            Value(name),
            Value(None if low is None else str(low), TextField()),
            Value(None if high is None else str(high), TextField()),
            Subquery(grants.annotate(rows=grant_columns).values("rows")),
            Subquery(rollovers.annotate(rows=_RowsAsJson("granted", "left")).values("rows")),
        )

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Register the function on the connection that will run the query."""
        connection.ensure_connection()
        connection.connection.create_function(_FUNCTION, 5, _is_between, deterministic=True)
        return self.as_sql(compiler, connection, **context)


def _is_between(
    name: FigureName, low: str | None, high: str | None, grants: str | None, rollovers: str | None
) -> bool:
    figures = figures_of(
        [
            GrantFigures(
                included_grant=Decimal(included),
                prepaid_grant=Decimal(prepaid),
                usage=Decimal(usage),
                unlimited=bool(unlimited),
            )
            for included, prepaid, usage, unlimited in json.loads(grants or "[]")
        ],
        [
            RolloverFigures.of(Decimal(granted), Decimal(left))
            for granted, left in json.loads(rollovers or "[]")
        ],
    )
    return figures.is_between(
        name, None if low is None else Decimal(low), None if high is None else Decimal(high)
    )
