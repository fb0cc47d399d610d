"""What ledger entries add up to over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from django.db import connection
from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils.timezone import localdate, make_aware

from billing.models import Balance, Grant, LedgerEntry, Posting, Rollover
from billing.rules import figures as arithmetic
from customers.models import Customer

#: How far back the course of a balance goes.
HISTORY_DAYS = 90

_ZERO = Decimal(0)
_EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)
_USES = (Posting.Kind.USAGE, Posting.Kind.REFUND)


@dataclass(frozen=True, slots=True)
class DailyFigures:
    """The figures of a balance at the end of a day; `remaining` is None while it was unlimited."""

    day: date
    granted: Decimal
    usage: Decimal
    remaining: Decimal | None


def merged_customer_ids(*customer_ids: str) -> list[str]:
    """The keys under which customers' postings were made: their own, and of those that became part of them."""
    merged = Customer.objects.filter(merged_into__id__in=customer_ids).values_list("pk", flat=True)
    return [*customer_ids, *map(str, merged)]


def used_between(
    customer_ids: Iterable[str], balance_ids: Iterable[str], since: datetime, until: datetime
) -> dict[str, Decimal]:
    """By balance, what uses drew after `since` up to `until`, less what refunds put back. In two queries."""
    balance_ids = list(balance_ids)
    entries = _uses_between(customer_ids, since, until)
    used: dict[str, Decimal] = dict.fromkeys(balance_ids, _ZERO)
    drawn = entries.filter(figure=LedgerEntry.Figure.USAGE, grant__balance_id__in=balance_ids)
    for (balance_id,), amount in _sums(drawn, "grant__balance"):
        used[str(balance_id)] = _EXACT.add(used[str(balance_id)], amount)
    taken = entries.filter(figure=LedgerEntry.Figure.LEFT, rollover__balance_id__in=balance_ids)
    for (balance_id,), amount in _sums(taken, "rollover__balance"):
        used[str(balance_id)] = _EXACT.subtract(used[str(balance_id)], amount)
    return used


def first_uses_between(
    customer_ids: Iterable[str], balance_ids: Iterable[str], since: datetime, until: datetime
) -> dict[str, datetime]:
    """By balance of which a grant was drawn, when that was first after `since`, up to `until`. In one query."""
    entries = _uses_between(customer_ids, since, until).filter(grant__balance_id__in=list(balance_ids))
    firsts = entries.order_by().values_list("grant__balance").annotate(first=Min("posting__occurred_at"))
    return {str(balance_id): first for balance_id, first in firsts}


def daily_figures(balance: Balance, at: datetime) -> list[DailyFigures]:
    """The figures of a balance at the end of each of the last `HISTORY_DAYS` days, the last at `at`; of fewer days, if
    it had nothing before.

    Worked out backwards from what the figures are now, by what happened since. What an import found there was there
    when the first of what is known of it happened. In five queries.
    """
    last = localdate(at)
    days = [last - timedelta(days=back) for back in range(HISTORY_DAYS, -1, -1)]
    since = _end_of(days[0])
    still_there = Q(ended_at=None) | Q(ended_at__gt=since)
    grants = list(Grant.objects.filter(still_there, balance=balance))
    rollovers = list(Rollover.objects.filter(still_there, balance=balance))
    changes: dict[str, dict[date, dict[str, Decimal]]] = defaultdict(lambda: defaultdict(dict))
    entries = LedgerEntry.objects.filter(
        posting__customer_id__in=merged_customer_ids(balance.customer_id), posting__occurred_at__gt=since
    ).annotate(day=TruncDate("posting__occurred_at"))
    found = LedgerEntry.objects.filter(
        number=1, grant=OuterRef("grant"), posting=OuterRef("posting"), posting__kind=Posting.Kind.IMPORT
    )
    for (row_id, figure, day), amount in [
        *_sums(entries.filter(~Exists(found), grant__balance=balance), "grant", "figure", "day"),
        *_sums(entries.filter(rollover__balance=balance), "rollover", "figure", "day"),
    ]:
        changes[str(row_id)][day][figure] = amount
    begins = {
        str(grant.pk): min([localdate(grant.created_at), *changes.get(str(grant.pk), ())]) for grant in grants
    }
    points: list[DailyFigures] = []
    values = {str(grant.pk): _figures_of_grant(grant) for grant in grants}
    values |= {str(rollover.pk): _figures_of_rollover(rollover) for rollover in rollovers}
    for day in reversed(days):
        moment = at if day == last else _end_of(day)
        counted = [grant for grant in grants if _counted(grant, moment) and begins[str(grant.pk)] <= day]
        carried = [rollover for rollover in rollovers if _counted(rollover, moment)]
        points.append(_point(day, counted, carried, values))
        for row_id, of_row in changes.items():
            for figure, amount in of_row.pop(day, {}).items():
                if row_id in values:
                    values[row_id][figure] = _EXACT.subtract(values[row_id][figure], amount)
    began = min(begins.values(), default=last)
    return [point for point in reversed(points) if point.day >= min(began, last)]


def _uses_between(customer_ids: Iterable[str], since: datetime, until: datetime) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(
        posting__customer_id__in=list(customer_ids),
        posting__kind__in=_USES,
        posting__occurred_at__gt=since,
        posting__occurred_at__lte=until,
    )


def _sums(entries: QuerySet[LedgerEntry], *keys: str) -> list[tuple[tuple[Any, ...], Decimal]]:
    """The amounts added up by `keys`; SQLite's sums are doubles, so there they are added up here."""
    entries = entries.order_by()
    if connection.vendor != "sqlite":
        rows: Any = entries.values_list(*keys).annotate(total=Sum(F("amount")))
        return [(tuple(row[:-1]), row[-1]) for row in rows]
    totals: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for *key, amount in entries.values_list(*keys, "amount").iterator():
        totals[tuple(key)] = _EXACT.add(totals[tuple(key)], amount)
    return list(totals.items())


def _figures_of_grant(grant: Grant) -> dict[str, Decimal]:
    return {
        "included_grant": grant.included_grant,
        "prepaid_grant": grant.prepaid_grant,
        "usage": grant.usage,
    }


def _figures_of_rollover(rollover: Rollover) -> dict[str, Decimal]:
    return {"granted": rollover.granted, "left": rollover.left}


def _point(
    day: date, grants: list[Grant], rollovers: list[Rollover], values: dict[str, dict[str, Decimal]]
) -> DailyFigures:
    figures = arithmetic.figures_of(
        [
            arithmetic.GrantFigures(
                included_grant=values[str(grant.pk)]["included_grant"],
                prepaid_grant=values[str(grant.pk)]["prepaid_grant"],
                usage=values[str(grant.pk)]["usage"],
                unlimited=grant.unlimited,
            )
            for grant in grants
        ],
        [
            arithmetic.RolloverFigures(
                balance=values[str(rollover.pk)]["left"],
                usage=_EXACT.subtract(values[str(rollover.pk)]["granted"], values[str(rollover.pk)]["left"]),
            )
            for rollover in rollovers
        ],
    )
    return DailyFigures(day, figures.granted, figures.usage, None if figures.unlimited else figures.remaining)


def _counted(row: Grant | Rollover, moment: datetime) -> bool:
    return (row.ended_at is None or row.ended_at > moment) and (
        row.expires_at is None or row.expires_at > moment
    )


def _end_of(day: date) -> datetime:
    return make_aware(datetime.combine(day, time.max))
